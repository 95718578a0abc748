package apply

import (
	"fmt"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// waitsForLock waits until a session does.
func waitsForLock(t testing.TB, s *harness.Server) {
	t.Helper()
	harness.WaitUntil(t, s, "select exists (select from pg_stat_activity where wait_event_type = 'Lock')")
}

// Who writes a page of an object that is being removed leaves it behind, on
// every node; an object that is made under the same number later has it.
func TestLargeObjectPagesOutliveIt(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create role lo_owner", "select lo_from_bytea(n, repeat('x', 10000)::bytea) from generate_series(6001, 6003) n",
		"alter large object 6003 owner to lo_owner")
	remover, writer := p.Leader.Connect(t), p.Leader.Connect(t)
	harness.Execute(t, remover, "begin", "select lo_unlink(6001)")
	harness.Execute(t, writer, "select lo_put(6001, 50000, 'left behind')")
	harness.Execute(t, remover, "commit")
	p.SameLargeObjects(t)

	harness.Execute(t, writer, "begin", "select lo_open(6002, 131072)")
	harness.Execute(t, remover, "select lo_unlink(6002)")
	harness.Execute(t, writer, "select lo_lseek(0, 30000, 0)", "select lowrite(0, 'left behind')", "commit")
	p.SameLargeObjects(t)

	harness.Execute(t, remover, "begin", "drop owned by lo_owner")
	harness.Execute(t, writer, "select lo_put(6003, 70000, 'left behind')")
	harness.Execute(t, remover, "commit")
	p.SameLargeObjects(t)

	harness.Execute(t, writer, "select lo_create(n) from generate_series(6001, 6003) n", "select lo_put(n, 30000, 'on top') from generate_series(6001, 6003) n")
	p.SameLargeObjects(t)
	for object, length := range map[int]string{6001: "50011", 6002: "30011", 6003: "70011"} {
		if got := harness.Value(t, p.Follower.Connect(t), fmt.Sprintf("select length(lo_get(%d))", object)); got != length {
			t.Errorf("large object %d has %s bytes, not %s", object, got, length)
		}
	}
}

// Two writers of one page wait for each other, and the second fails as it does
// on a plain server; writers of two pages do not meet.
func TestLargeObjectWriters(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "select lo_from_bytea(6101, repeat('x', 10000)::bytea)")
	first, second, third := p.Leader.Connect(t), p.Leader.Connect(t), p.Leader.Connect(t)
	harness.Execute(t, first, "begin", "select lo_put(6101, 0, 'first')")
	harness.Execute(t, third, "select lo_put(6101, 4096, 'third')")
	waiting := harness.Begin(t, second, "select lo_put(6101, 5, 'second')")
	waitsForLock(t, p.Leader)
	harness.Execute(t, first, "commit")
	if state := waiting.Wait(); state != "XX000" {
		t.Errorf("the second writer: %q", state)
	}
	harness.Execute(t, first, "begin", "select lo_put(6101, 0, 'undone')")
	waiting = harness.Begin(t, second, "select lo_put(6101, 5, 'second')")
	waitsForLock(t, p.Leader)
	harness.Execute(t, first, "rollback")
	if state := waiting.Wait(); state != "" {
		t.Errorf("after a rollback: %q", state)
	}
	p.SameLargeObjects(t)
	if got := harness.Value(t, p.Follower.Connect(t), "select convert_from(lo_get(6101, 0, 12), 'UTF8')"); got != "firstsecondx" {
		t.Errorf("the follower has %q", got)
	}
}

// What names a large object, or the role that makes one, waits for whoever
// makes or removes it: a follower sees one after the other.
func TestLargeObjectsBeforeSchemaChanges(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create role lo_m", "create role lo_n", "select lo_create(6201)")
	maker, changer := p.Leader.Connect(t), p.Leader.Connect(t)
	for _, change := range []string{"alter role lo_m rename to lo_o; alter role lo_o rename to lo_m", "reassign owned by lo_m to lo_n", "drop owned by lo_m"} {
		harness.Execute(t, maker, "begin", "set local role lo_m", "select lo_from_bytea(0, 'x')")
		waiting := harness.Begin(t, changer, change)
		waitsForLock(t, p.Leader)
		harness.Execute(t, maker, "commit")
		if state := waiting.Wait(); state != "" {
			t.Errorf("%s: %s", change, state)
		}
		p.SameLargeObjects(t)
	}
	if got := harness.Value(t, maker, "select count(*) from pg_largeobject_metadata where lomowner = 'lo_m'::regrole"); got != "0" {
		t.Errorf("%s objects are left to the role that lost them", got)
	}

	harness.Execute(t, maker, "begin", "select lo_unlink(6201)")
	waiting := harness.Begin(t, changer, "comment on large object 6201 is 'late'")
	waitsForLock(t, p.Leader)
	harness.Execute(t, maker, "commit")
	if state := waiting.Wait(); state != "42704" {
		t.Errorf("a comment on what was removed: %q", state)
	}
	p.SameLargeObjects(t)
}

// A number that a leader gave out is not given out by the next one, although
// its object is gone; the new leader captures what it replayed.
func TestLargeObjectsAfterChangeOfLeader(t *testing.T) {
	p := harness.StartPair(t)
	harness.Execute(t, p.Leader.Connect(t), "create table lo_seen (n oid)", "insert into lo_seen select lo_creat(-1) from generate_series(1, 9000)",
		"select lo_unlink(n) from (select n from lo_seen order by n desc limit 1000) as last", "select lo_from_bytea(6301, 'kept')", "select lo_create(4000000000)")
	p.SameLargeObjects(t)
	p.Leader.Close()
	p.Follower.Open(harness.FirstEpoch + 1)
	q := &harness.Pair{Leader: p.Follower, Follower: p.Leader}
	q.Run(t, "insert into lo_seen select lo_creat(-1) from generate_series(1, 100)", "select lo_put(6301, 2, 'PT')")
	q.SameLargeObjects(t)
	if got := harness.Value(t, p.Leader.Connect(t), "select count(*) - count(distinct n) || ' ' || bool_and(n::int8 < 4000000000)::text from lo_seen"); got != "0 true" {
		t.Errorf("numbers that were given out again, and whether none is far ahead: %s", got)
	}
}

// While the gate is closed nobody writes a large object: the server alone
// would let a read-only transaction do so.
func TestLargeObjectsNeedTheGate(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "select lo_from_bytea(6401, 'here')", "create extension lo", "create table lo_row (k int primary key, o lo)",
		"create trigger t before update or delete on lo_row for each row execute function lo_manage(o)", "insert into lo_row values (1, 6401)")
	p.SameLargeObjects(t)
	conn := p.Follower.Connect(t)
	for _, sql := range []string{
		"select lo_create(6402)", "select lo_creat(-1)", "select lo_put(6401, 0, 'x')", "select lo_unlink(6401)",
		"begin read write; select lo_truncate(lo_open(6401, 131072), 0)", "delete from lo_row", "grant select on large object 6401 to public",
	} {
		if state := harness.Run(t, conn, sql); state != "25006" {
			t.Errorf("%s: %q", sql, state)
		}
		harness.Execute(t, conn, "rollback")
	}
	if got := harness.Value(t, conn, "select convert_from(lo_get(6401), 'UTF8') || loread(lo_open(6401, 262144), 2)::text"); got != `here\x6865` {
		t.Errorf("reading: %s", got)
	}
	p.Run(t, "delete from lo_row")
	p.SameLargeObjects(t)
	if got := harness.Value(t, conn, "select count(*) from pg_largeobject where loid = 6401"); got != "0" {
		t.Errorf("%s pages are left of what lo_manage() removed", got)
	}
}

// A large object of many chunks arrives whole, and what is refused at the gate
// is nowhere.
func TestLargeObjectInChunks(t *testing.T) {
	p := harness.StartPair(t)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "set barista.spill_limit = '64kB'", "select lo_from_bytea(6501, string_agg(sha512(n::text::bytea), '')) from generate_series(1, 50000) n")
	p.SameLargeObjects(t)
	if chunks, _ := p.Leader.Gate.Counts(); chunks == 0 {
		t.Errorf("there were no chunks")
	}
	p.Leader.Gate.Hold()
	commit := harness.Begin(t, conn, "select lo_unlink(6501), lo_create(6502)")
	p.Leader.Gate.Next(t).Refuse("40001", "no")
	if state := commit.Wait(); state != "40001" {
		t.Errorf("refused: %q", state)
	}
	p.Leader.Gate.Release()
	p.SameLargeObjects(t)
	harness.Execute(t, conn, "select lo_unlink(6501)")
	p.SameLargeObjects(t)
	if got := harness.Value(t, p.Follower.Connect(t), "select count(*) from pg_largeobject"); got != "0" {
		t.Errorf("%s pages are left", got)
	}
}
