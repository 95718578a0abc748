package apply

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// counted is a server whose counter of transaction ids is moved about.
type counted struct {
	*harness.Server
	options harness.Options
}

// A counter of transaction ids is moved over pages of the commit log, up to where PostgreSQL would stop, and there only when the server has
// frozen what is old, which it does by itself; and over the end of 32 bits. What is committed on the way is there after crashes.
func TestMovedCounterOfTransactionIDs(t *testing.T) {
	c := counted{options: harness.Options{
		Fixture:  "create table kept (id bigint)",
		Settings: []string{"track_commit_timestamp=on", "vacuum_freeze_min_age=0", "autovacuum_vacuum_cost_delay=0"},
	}}
	c.Server = harness.StartServer(t, c.options)

	first := c.next(t)
	c.move(t, first+200_000)
	if next := c.next(t); next < first+200_000 {
		t.Errorf("the next id is %d after it was moved to %d", next, first+200_000)
	}
	c.move(t, first) // changes nothing
	c.crash(t)
	if next := c.next(t); next < first+200_000 {
		t.Errorf("the next id is %d after a crash, and was above %d", next, first+200_000)
	}

	// PostgreSQL gives out no id within 3,000,000 of what is 2^31 above the oldest.
	oldest, _ := strconv.ParseUint(c.ask(t, "select min(datfrozenxid::text::bigint) from pg_database"), 10, 64)
	stop := oldest + 1<<31 - 1 - 3_000_000
	c.resume(t, stop-100_000)
	c.move(t, stop-30_000)
	err := c.tryMove(t, stop+30_000)
	if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "53400" || !strings.Contains(pg.Message, "wraparound") {
		t.Fatalf("a move to where PostgreSQL gives out no ids: %v", err)
	}
	harness.Eventually(t, "the server has frozen what is old", func() bool { return c.tryMove(t, stop+30_000) == nil })
	c.frozen(t)
	c.resume(t, stop+1<<30)
	c.move(t, stop+1<<30+100_000)
	c.frozen(t)

	c.resume(t, 1<<32-40_000)
	c.move(t, 1<<32+1) // what is below 3 means something else
	c.move(t, 1<<32+70_000)
	if next := c.next(t); next < 1<<32+70_000 {
		t.Errorf("the next id is %d after it was moved over the end of 32 bits", next)
	}
	c.crash(t)
	if got, want := c.ask(t, "select count(*) || ' of ' || max(id) from kept"), fmt.Sprintf("7 of %d", uint64(1<<32+70_000)); got != want {
		t.Errorf("rows that are there: %s, want %s", got, want)
	}
	if told := c.ask(t, fmt.Sprintf("select pg_xact_commit_timestamp(xmin) is not null from kept where id = %d", uint64(1<<32+70_000))); told != "true" {
		t.Errorf("the last row has a commit timestamp: %s", told)
	}
}

// tryMove moves the counter, and then writes a row in another local transaction, as apply does.
func (c counted) tryMove(t *testing.T, limit uint64) error {
	t.Helper()
	var b changeset.Batch
	b.Begin(c.Applied())
	b.IDLimit(changeset.IDLimit(limit))
	b.Set(1, 1)
	b.Payload(kept(limit))
	b.End(changeset.At(c.Applied().Index()+1, 0))
	return c.ApplyPart(t, b.Bytes())
}

func (c counted) move(t *testing.T, limit uint64) {
	t.Helper()
	if err := c.tryMove(t, limit); err != nil {
		t.Fatalf("move the counter to %d: %v", limit, err)
	}
}

// kept is the payload of an insert.
func kept(id uint64) []byte {
	var w changeset.Writer
	w.Write(changeset.Relation{Number: 1, Schema: "public", Name: "kept", Identity: changeset.ByRow, Columns: []changeset.Column{
		{Format: changeset.Text, Name: "id", TypeSchema: "pg_catalog", TypeName: "int8", Modifier: -1},
	}})
	w.Write(changeset.Insert{Relation: 1, New: changeset.Tuple{{Form: changeset.TextValue, Data: fmt.Append(nil, id)}}})
	return w.Payload()
}

// next is at or below the next id.
func (c counted) next(t *testing.T) uint64 {
	t.Helper()
	next, err := strconv.ParseUint(c.ask(t, "select txid_snapshot_xmax(txid_current_snapshot())"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func (c counted) ask(t *testing.T, sql string) string {
	t.Helper()
	return harness.Value(t, c.Connect(t), sql)
}

// frozen waits until no database has old ids.
func (c counted) frozen(t *testing.T) {
	t.Helper()
	harness.WaitUntil(t, c.Server, "select max(age(datfrozenxid)) < 1000000 from pg_database")
}

// crash ends the server without a checkpoint, and starts it again. Commits are asynchronous, so it is made to write them first.
func (c counted) crash(t *testing.T) {
	t.Helper()
	harness.Execute(t, c.ConnectAs(t, "barista", "postgres"), "select barista_flush()")
	c.end(t, syscall.SIGQUIT)
	c.Restart(t, c.options)
}

func (c counted) end(t *testing.T, how syscall.Signal) {
	t.Helper()
	if err := c.Cmd.Process.Signal(how); err != nil {
		t.Fatal(err)
	}
	<-c.Done
}

// resume lets the server go on with another id, as if it had given out all before.
func (c counted) resume(t *testing.T, next uint64) {
	t.Helper()
	c.end(t, syscall.SIGINT)
	const perSegment, segmentSize = 1 << 20, 256 << 10 // of pg_xact
	segment := filepath.Join(c.Data(), "pg_xact", fmt.Sprintf("%04X", uint32(next)/perSegment))
	if err := os.WriteFile(segment, make([]byte, segmentSize), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(segment, 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"-D", c.Data(), "--next-transaction-id", fmt.Sprint(uint32(next)), "--epoch", fmt.Sprint(next >> 32)}
	if out, err := harness.Command("pg_resetwal", args...).CombinedOutput(); err != nil {
		t.Fatalf("pg_resetwal: %v: %s", err, out)
	}
	c.Restart(t, c.options)
}
