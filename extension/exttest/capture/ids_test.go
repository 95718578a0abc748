package capture

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What the extension keeps below the limit of transaction ids for what has begun, and how many it asks for at once.
const (
	idsKept  = 8192
	idsAsked = 65536
)

// exceptionBlocks takes an id for each of its blocks, in one statement.
const exceptionBlocks = `do $$ begin
	for i in 1..20000 loop
		begin
			insert into held values (1000 + i, 0);
		exception when division_by_zero then null;
		end;
	end loop; end $$`

// No id is given out that is not agreed on: not to loops of subtransactions, nor to savepoints that get theirs all at once. They wait, with what they
// have locked, and go on when the limit is moved, or end with the epoch.
func TestTransactionIDsStayBelowTheLimit(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	conn := s.Connect(t)
	own := s.ConnectAs(t, "barista", "postgres")
	lower := func(left uint64) (limit uint64) {
		limit = nextID(t, own) + idsKept + left
		s.Set(harness.FieldWanted, 0)
		s.Set(harness.FieldLimit, limit)
		return limit
	}
	waits := func(what string, limit uint64, running *harness.Running) {
		t.Helper()
		harness.Eventually(t, what+" wants a higher limit and waits", func() bool {
			return s.Get(harness.FieldWanted) > limit && nextID(t, own) > limit-idsKept-100
		})
		if next := nextID(t, own); running.Finished() || next > limit {
			t.Errorf("%s: finished %v, the next id is %d of %d", what, running.Finished(), next, limit)
		}
	}

	limit := lower(5000)
	loop := harness.Begin(t, conn, exceptionBlocks)
	waits("a loop", limit, loop)
	s.Set(harness.FieldLimit, s.Get(harness.FieldWanted))
	if state := loop.Wait(); state != "" {
		t.Errorf("the loop ends with %s", state)
	}

	limit = lower(1000)
	harness.Execute(t, conn, "begin", "select 1")
	for range 900 {
		harness.Execute(t, conn, "savepoint s")
	}
	deep := harness.Begin(t, conn, fmt.Sprintf("do $$ begin %s end $$", nested(200)))
	harness.Eventually(t, "deep savepoints want ids for each", func() bool {
		return s.Get(harness.FieldWanted) > limit+idsAsked
	})
	if deep.Finished() {
		t.Error("savepoints that may take more ids than there are do not wait")
	}
	s.Set(harness.FieldLimit, s.Get(harness.FieldWanted))
	if state := deep.Wait(); state != "" {
		t.Errorf("the savepoints end with %s", state)
	}
	harness.Execute(t, conn, "insert into held values (200, 0)", "commit")

	limit = lower(0) - 1
	s.Set(harness.FieldLimit, limit)
	waiting := harness.Begin(t, conn, "select txid_current()")
	waits("a statement", limit, waiting)
	s.Close()
	if state := waiting.Wait(); state != "40001" {
		t.Errorf("a statement that waits for ids when the epoch ends: %s", state)
	}
}

// nested is a statement within so many exception blocks.
func nested(depth int) string {
	if depth == 0 {
		return "insert into held values (201, 0);"
	}
	return "begin " + nested(depth-1) + " exception when division_by_zero then null; end;"
}

// nextID takes an id, in a session that need not wait for any.
func nextID(t *testing.T, own *pgx.Conn) uint64 {
	t.Helper()
	id, err := strconv.ParseUint(harness.Value(t, own, "select txid_current()"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A node that follows gives no transaction ids to sessions, and tells nothing of the status of any: they are not the leader's.
func TestTransactionIDsOfAFollower(t *testing.T) {
	s := harness.StartServer(t, harness.Options{Fixture: heldFixture})
	conn := s.Connect(t)
	for _, sql := range []string{"select txid_current()", "select pg_current_xact_id()", "do $$ declare x bigint; begin x := txid_current(); end $$"} {
		if state := harness.Run(t, conn, sql); state != "25006" {
			t.Errorf("%s: %s", sql, state)
		}
	}
	for _, sql := range []string{
		"select count(txid_status(n)) from generate_series(txid_snapshot_xmax(txid_current_snapshot()) - 300, txid_snapshot_xmax(txid_current_snapshot()) - 1) n",
		"select count(pg_xact_status(n::text::xid8)) from generate_series(1000, txid_snapshot_xmax(txid_current_snapshot()) - 1) n",
	} {
		if told := harness.Value(t, conn, sql); told != "0" {
			t.Errorf("%s: %s", sql, told)
		}
	}
}
