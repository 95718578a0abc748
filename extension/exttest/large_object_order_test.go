package exttest

import (
	"fmt"
	"testing"
)

// waitsForLock waits until a session does.
func waitsForLock(t testing.TB, s *server) {
	t.Helper()
	waitUntil(t, s, "select exists (select from pg_stat_activity where wait_event_type = 'Lock')")
}

// Who writes a page of an object that is being removed leaves it behind, on
// every node; an object that is made under the same number later has it.
func TestLargeObjectPagesOutliveIt(t *testing.T) {
	p := sharedPair(t)
	p.run(t, "create role lo_owner", "select lo_from_bytea(n, repeat('x', 10000)::bytea) from generate_series(6001, 6003) n",
		"alter large object 6003 owner to lo_owner")
	remover, writer := p.leader.connect(t), p.leader.connect(t)
	execute(t, remover, "begin", "select lo_unlink(6001)")
	execute(t, writer, "select lo_put(6001, 50000, 'left behind')")
	execute(t, remover, "commit")
	p.sameLargeObjects(t)

	execute(t, writer, "begin", "select lo_open(6002, 131072)")
	execute(t, remover, "select lo_unlink(6002)")
	execute(t, writer, "select lo_lseek(0, 30000, 0)", "select lowrite(0, 'left behind')", "commit")
	p.sameLargeObjects(t)

	execute(t, remover, "begin", "drop owned by lo_owner")
	execute(t, writer, "select lo_put(6003, 70000, 'left behind')")
	execute(t, remover, "commit")
	p.sameLargeObjects(t)

	execute(t, writer, "select lo_create(n) from generate_series(6001, 6003) n", "select lo_put(n, 30000, 'on top') from generate_series(6001, 6003) n")
	p.sameLargeObjects(t)
	for object, length := range map[int]string{6001: "50011", 6002: "30011", 6003: "70011"} {
		if got := value(t, p.follower.connect(t), fmt.Sprintf("select length(lo_get(%d))", object)); got != length {
			t.Errorf("large object %d has %s bytes, not %s", object, got, length)
		}
	}
}

// Two writers of one page wait for each other, and the second fails as it does
// on a plain server; writers of two pages do not meet.
func TestLargeObjectWriters(t *testing.T) {
	p := sharedPair(t)
	p.run(t, "select lo_from_bytea(6101, repeat('x', 10000)::bytea)")
	first, second, third := p.leader.connect(t), p.leader.connect(t), p.leader.connect(t)
	execute(t, first, "begin", "select lo_put(6101, 0, 'first')")
	execute(t, third, "select lo_put(6101, 4096, 'third')")
	waiting := begin(t, second, "select lo_put(6101, 5, 'second')")
	waitsForLock(t, p.leader)
	execute(t, first, "commit")
	if state := waiting.wait(); state != "XX000" {
		t.Errorf("the second writer: %q", state)
	}
	execute(t, first, "begin", "select lo_put(6101, 0, 'undone')")
	waiting = begin(t, second, "select lo_put(6101, 5, 'second')")
	waitsForLock(t, p.leader)
	execute(t, first, "rollback")
	if state := waiting.wait(); state != "" {
		t.Errorf("after a rollback: %q", state)
	}
	p.sameLargeObjects(t)
	if got := value(t, p.follower.connect(t), "select convert_from(lo_get(6101, 0, 12), 'UTF8')"); got != "firstsecondx" {
		t.Errorf("the follower has %q", got)
	}
}

// What names a large object, or the role that makes one, waits for whoever
// makes or removes it: a follower sees one after the other.
func TestLargeObjectsBeforeSchemaChanges(t *testing.T) {
	p := sharedPair(t)
	p.run(t, "create role lo_m", "create role lo_n", "select lo_create(6201)")
	maker, changer := p.leader.connect(t), p.leader.connect(t)
	for _, change := range []string{"alter role lo_m rename to lo_o; alter role lo_o rename to lo_m", "reassign owned by lo_m to lo_n", "drop owned by lo_m"} {
		execute(t, maker, "begin", "set local role lo_m", "select lo_from_bytea(0, 'x')")
		waiting := begin(t, changer, change)
		waitsForLock(t, p.leader)
		execute(t, maker, "commit")
		if state := waiting.wait(); state != "" {
			t.Errorf("%s: %s", change, state)
		}
		p.sameLargeObjects(t)
	}
	if got := value(t, maker, "select count(*) from pg_largeobject_metadata where lomowner = 'lo_m'::regrole"); got != "0" {
		t.Errorf("%s objects are left to the role that lost them", got)
	}

	execute(t, maker, "begin", "select lo_unlink(6201)")
	waiting := begin(t, changer, "comment on large object 6201 is 'late'")
	waitsForLock(t, p.leader)
	execute(t, maker, "commit")
	if state := waiting.wait(); state != "42704" {
		t.Errorf("a comment on what was removed: %q", state)
	}
	p.sameLargeObjects(t)
}

// A number that a leader gave out is not given out by the next one, although
// its object is gone; the new leader captures what it replayed.
func TestLargeObjectsAfterChangeOfLeader(t *testing.T) {
	p := startPair(t)
	execute(t, p.leader.connect(t), "create table lo_seen (n oid)", "insert into lo_seen select lo_creat(-1) from generate_series(1, 9000)",
		"select lo_unlink(n) from (select n from lo_seen order by n desc limit 1000) as last", "select lo_from_bytea(6301, 'kept')", "select lo_create(4000000000)")
	p.sameLargeObjects(t)
	p.leader.close()
	p.follower.open(firstEpoch + 1)
	q := &pair{leader: p.follower, follower: p.leader}
	q.run(t, "insert into lo_seen select lo_creat(-1) from generate_series(1, 100)", "select lo_put(6301, 2, 'PT')")
	q.sameLargeObjects(t)
	if got := value(t, p.leader.connect(t), "select count(*) - count(distinct n) || ' ' || bool_and(n::int8 < 4000000000)::text from lo_seen"); got != "0 true" {
		t.Errorf("numbers that were given out again, and whether none is far ahead: %s", got)
	}
}

// While the gate is closed nobody writes a large object: the server alone
// would let a read-only transaction do so.
func TestLargeObjectsNeedTheGate(t *testing.T) {
	p := startPair(t)
	p.run(t, "select lo_from_bytea(6401, 'here')", "create extension lo", "create table lo_row (k int primary key, o lo)",
		"create trigger t before update or delete on lo_row for each row execute function lo_manage(o)", "insert into lo_row values (1, 6401)")
	p.sameLargeObjects(t)
	conn := p.follower.connect(t)
	for _, sql := range []string{
		"select lo_create(6402)", "select lo_creat(-1)", "select lo_put(6401, 0, 'x')", "select lo_unlink(6401)",
		"begin read write; select lo_truncate(lo_open(6401, 131072), 0)", "delete from lo_row", "grant select on large object 6401 to public",
	} {
		if state := run(t, conn, sql); state != "25006" {
			t.Errorf("%s: %q", sql, state)
		}
		execute(t, conn, "rollback")
	}
	if got := value(t, conn, "select convert_from(lo_get(6401), 'UTF8') || loread(lo_open(6401, 262144), 2)::text"); got != `here\x6865` {
		t.Errorf("reading: %s", got)
	}
	p.run(t, "delete from lo_row")
	p.sameLargeObjects(t)
	if got := value(t, conn, "select count(*) from pg_largeobject where loid = 6401"); got != "0" {
		t.Errorf("%s pages are left of what lo_manage() removed", got)
	}
}

// A large object of many chunks arrives whole, and what is refused at the gate
// is nowhere.
func TestLargeObjectInChunks(t *testing.T) {
	p := startPair(t)
	conn := p.leader.connect(t)
	execute(t, conn, "set barista.spill_limit = '64kB'", "select lo_from_bytea(6501, string_agg(sha512(n::text::bytea), '')) from generate_series(1, 50000) n")
	p.sameLargeObjects(t)
	if chunks, _ := p.leader.gate.counts(); chunks == 0 {
		t.Errorf("there were no chunks")
	}
	p.leader.gate.hold()
	commit := begin(t, conn, "select lo_unlink(6501), lo_create(6502)")
	p.leader.gate.next(t).refuse("40001", "no")
	if state := commit.wait(); state != "40001" {
		t.Errorf("refused: %q", state)
	}
	p.leader.gate.release()
	p.sameLargeObjects(t)
	execute(t, conn, "select lo_unlink(6501)")
	p.sameLargeObjects(t)
	if got := value(t, p.follower.connect(t), "select count(*) from pg_largeobject"); got != "0" {
		t.Errorf("%s pages are left", got)
	}
}
