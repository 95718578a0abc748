package capture

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/extension/exttest/harness"
)

const limitFixture = "create table wide (k int primary key, v text)"

// A transaction that changes more than the limit fails at the change that does
// not fit, before barista has heard of it; the session goes on, and nothing is
// left in a file.
func TestTransactionLimit(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: limitFixture, Settings: []string{"barista.max_transaction=1MB"}})
	conn := s.Connect(t)
	harness.Execute(t, conn, "set barista.spill_limit = '64kB'")
	rows := func(from, to string) string {
		return "insert into wide select i, repeat('x', 1000) from generate_series(" + from + ", " + to + ") i"
	}
	for _, c := range []struct{ name, sql string }{
		{"many rows", rows("1", "1100")},
		{"one long value", "insert into wide values (0, repeat('x', 2000000))"},
		{"the last of several statements", rows("1", "500") + ";" + rows("501", "1000") + ";" + rows("1001", "1100")},
		{"in a subtransaction", "begin; savepoint a;" + rows("1", "1100")},
	} {
		_, err := conn.Exec(harness.Context(t), c.sql)
		if state := harness.SQLState(err); state != "54000" {
			t.Fatalf("%s: %s (%v)", c.name, state, err)
		}
		harness.Execute(t, conn, "rollback")
		if left := temporaryFiles(t, s); len(left) > 0 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
	if chunks, _ := s.Gate.Counts(); chunks > 0 || len(s.Gate.Chosen()) > 0 {
		t.Errorf("barista was sent %d chunks and %d change sets", chunks, len(s.Gate.Chosen()))
	}

	// What was cut off does not count, and what fits is chosen as a whole.
	harness.Execute(t, conn, "begin", rows("1", "900"), "savepoint a", rows("1001", "1100"))
	_, err := conn.Exec(harness.Context(t), rows("1101", "1200"))
	if state := harness.SQLState(err); state != "54000" {
		t.Errorf("after a savepoint: %s", state)
	}
	harness.Execute(t, conn, "rollback to a", rows("1001", "1050"), "commit")
	if log := s.Gate.Chosen(); len(log) != 1 || len(describe(t, log[0].Set.Payload)) != 951 {
		t.Errorf("%d change sets", len(log))
	}
	if got := harness.Value(t, conn, "select count(*) from wide"); got != "950" {
		t.Errorf("%s rows", got)
	}
}

// The refusal is one sentence that names the limit, and a hint.
func TestTransactionLimitTellsWhatToDo(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: limitFixture, Settings: []string{"barista.max_transaction=64kB"}})
	_, err := s.Connect(t).Exec(harness.Context(t), "insert into wide values (0, repeat('x', 70000))")
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, "64kB") || !strings.Contains(refusal.Hint, "max_transaction") {
		t.Errorf("refused with %+v", err)
	}
}

// A server that only applies never asks for the limit: another leader, with
// another limit, has accepted what it is given.
func TestFollowersLimitDoesNotMatter(t *testing.T) {
	leader := harness.StartLeader(t, harness.Options{Fixture: limitFixture})
	harness.Execute(t, leader.Connect(t), "insert into wide select i, repeat('x', 1000) from generate_series(1, 1000) i")
	follower := harness.StartServer(t, harness.Options{Fixture: limitFixture, Settings: []string{"barista.max_transaction=64kB"}})
	follower.Apply(t, leader.Gate.Chosen()...)
	if got := harness.Value(t, follower.Connect(t), "select count(*) from wide"); got != "1000" {
		t.Errorf("%s rows", got)
	}
}

// temporaryFiles lists what spilled changes have left on disk.
func temporaryFiles(t testing.TB, s *harness.Server) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(s.Data(), "base", "pgsql_tmp", "*"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return left
}
