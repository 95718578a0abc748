package capture

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// unfencedLoop evaluates a ready expression again after a savepoint took back
// what was said about the transaction.
const unfencedLoop = `do $$ declare x bigint; begin commit;
	for i in 1..2 loop
		begin
			x := case when i = 1 then 1 else setval('alone', 5) end;
			if i = 1 then raise exception 'back'; end if;
		exception when raise_exception then null;
		end;
	end loop; end $$`

// unfencedCursor goes on with a statement that a savepoint, now over, began.
const unfencedCursor = `do $$ declare x bigint; c refcursor; begin commit;
	begin
		open c for select nextval('alone');
	exception when division_by_zero then null;
	end;
	fetch c into x; end $$`

// While the gate is closed nobody writes: not a superuser on the node's own
// socket, not by nextval, not by a function, not past the statement hooks.
func TestClosedGate(t *testing.T) {
	s := harness.StartServer(t, harness.Options{Fixture: heldFixture})
	conn := s.Connect(t)
	for _, sql := range []string{
		"insert into held values (100, 0)",
		"update held set v = 1",
		"select nextval('alone')",
		"select setval('alone', 5)",
		"create table t ()",
		"set transaction_read_only = off; insert into held values (100, 0)",
		"set default_transaction_read_only = off; insert into held values (100, 0)",
		"begin read write; insert into held values (100, 0); commit",
		"do $$ begin insert into held values (100, 0); end $$",
		"do $$ declare x bigint; begin commit; x := nextval('alone'); end $$",
		"truncate held",
		"do $$ declare x bigint; begin commit; set transaction_read_only = off; x := setval('alone', 5); end $$",
		"do $$ declare x bigint; begin commit; set transaction read write; x := nextval('alone'); end $$",
		unfencedLoop, unfencedCursor,
	} {
		if state := harness.Run(t, conn, sql); state != "25006" {
			t.Errorf("%s: %s", sql, state)
		}
		harness.Run(t, conn, "rollback")
	}
	if got := harness.Value(t, conn, "select count(*) from held"); got != "20" {
		t.Errorf("%s rows", got)
	}
	if got := harness.Value(t, conn, "select last_value || ' ' || is_called from alone"); got != "1 false" {
		t.Errorf("sequence at %s", got)
	}
}

// Not even a function call past the SQL parser writes while the gate is closed.
func TestClosedGateFastPath(t *testing.T) {
	s := harness.StartServer(t, harness.Options{Fixture: heldFixture})
	conn := s.Connect(t)
	harness.Execute(t, conn, "begin", "set transaction read write")
	var nextval, alone uint32
	lookup := s.Connect(t)
	if err := lookup.QueryRow(harness.Context(t), "select 'nextval'::regproc::oid, 'alone'::regclass::oid").Scan(&nextval, &alone); err != nil {
		t.Fatal(err)
	}
	front := conn.PgConn().Frontend()
	front.Send(&pgproto3.FunctionCall{
		Function: nextval, ArgFormatCodes: []uint16{1}, ResultFormatCode: 1,
		Arguments: [][]byte{binary.BigEndian.AppendUint32(nil, alone)},
	})
	if err := front.Flush(); err != nil {
		t.Fatal(err)
	}
	state := ""
	for done := false; !done; {
		message, err := conn.PgConn().ReceiveMessage(harness.Context(t))
		var pgErr *pgconn.PgError
		switch {
		case errors.As(err, &pgErr):
			state = pgErr.Code
		case err != nil:
			t.Fatal(err)
		}
		switch m := message.(type) {
		case *pgproto3.ErrorResponse:
			state = m.Code
		case *pgproto3.ReadyForQuery:
			done = true
		}
	}
	if state != "25006" {
		t.Errorf("nextval by the fast path: %q", state)
	}
}

// A server that nobody's barista started is read-only.
func TestManualStart(t *testing.T) {
	s := harness.StartServer(t, harness.Options{Fixture: heldFixture, Unshared: true})
	conn := s.Connect(t)
	if state := harness.Run(t, conn, "insert into held values (100, 0)"); state != "25006" {
		t.Errorf("insert: %s", state)
	}
	if got := harness.Value(t, conn, "select count(*) from held"); got != "20" {
		t.Errorf("%s rows", got)
	}
}

// A session that came for the leader ends when its epoch does; a writing
// transaction is told that it may be run again.
func TestLeaderSessions(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	idle := s.Connect(t, "barista.session", "leader")
	writing := s.Connect(t, "barista.session", "leader")
	local := s.Connect(t)
	harness.Execute(t, idle, "select 1")
	harness.Execute(t, writing, "begin", "update held set v = 1 where k = 1")
	harness.Execute(t, local, "begin", "update held set v = 1 where k = 2")
	s.Close()
	if state := harness.Run(t, idle, "select 1"); state != "57P01" {
		t.Errorf("idle session: %s", state)
	}
	if state := harness.Run(t, writing, "select 1"); state != "40001" {
		t.Errorf("writing session: %s", state)
	}
	if state := harness.Run(t, local, "commit"); state != "40001" {
		t.Errorf("commit of a local session: %s", state)
	}
	if n := len(s.Gate.Chosen()); n != 0 {
		t.Errorf("%d proposals", n)
	}
	s.Open(2<<16 | 1)
	fresh := s.Connect(t, "barista.session", "leader")
	harness.Execute(t, fresh, "update held set v = 3 where k = 1")
	if p := s.Gate.Chosen()[0]; p.Epoch != 2<<16|1 {
		t.Errorf("epoch %d", p.Epoch)
	}
}

// A transaction that began in one epoch cannot commit in the next.
func TestEpochIsTheOneBeforeTheFirstWrite(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	conn := s.Connect(t)
	harness.Execute(t, conn, "begin", "update held set v = 1 where k = 1")
	s.Close()
	s.Open(2<<16 | 1)
	if state := harness.Run(t, conn, "commit"); state != "40001" {
		t.Errorf("commit: %s", state)
	}
	if n := len(s.Gate.Chosen()); n != 0 {
		t.Errorf("%d proposals", n)
	}
}

// A serializable transaction whose snapshot is older than the epoch does not
// write in it: what was applied in between took part in no check.
func TestSerializableSnapshotIsOfTheEpoch(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table held (k int primary key, v int)", "insert into held values (1, 0), (2, 0)")
	conn := p.Follower.Connect(t)
	harness.Execute(t, conn, "begin isolation level serializable", "savepoint a", "select sum(v) from held", "release a")
	p.Run(t, "update held set v = 1 where k = 2")
	p.Follower.Reopen(t)
	if state := harness.Run(t, conn, "update held set v = 1 where k = 1"); state != "40001" {
		t.Errorf("with an old snapshot: %q", state)
	}
	harness.Execute(t, conn, "rollback")
	for _, c := range []*pgx.Conn{conn, p.Follower.Connect(t)} {
		harness.Execute(t, c, "begin isolation level serializable", "update held set v = v + 1 where k = 1", "commit")
	}
}

// When barista ends the backends of a closed epoch, each hears what became of
// its transaction; barista's own sessions stay, and so do sessions that begin after
// the list was made.
func TestBackendsAreEnded(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	own := s.ConnectAs(t, "barista", "postgres")
	idle, writing := s.Connect(t, "barista.session", "leader"), s.Connect(t)
	harness.Execute(t, idle, "select 1")
	harness.Execute(t, writing, "begin", "update held set v = 1 where k = 1")
	waiting := harness.Begin(t, writing, "select pg_advisory_lock(1), pg_sleep(60)")
	reading := harness.Listen(t, idle)
	s.Close()
	told := harness.Value(t, own, "barista_end_backends(null)")
	if n := len(strings.Split(told, ",")); n != 2 {
		t.Errorf("%d backends were told: %s", n, told)
	}
	if state := waiting.Wait(); state != "40001" {
		t.Errorf("writing session: %s", state)
	}
	if state := reading.Wait(); state != "57P01" {
		t.Errorf("idle session: %s", state)
	}
	later := s.Connect(t)
	harness.Eventually(t, "no backend is left", func() bool {
		return harness.Value(t, own, "barista_end_backends('"+told+"')") == "{}"
	})
	if got := harness.Value(t, own, "barista_end_backends('{}')"); got != "{}" {
		t.Errorf("of none: %s", got)
	}
	harness.Execute(t, later, "select 1")
}

// Statements wait while the lease has run out, go on when it is renewed, and
// end when the gate closes instead. barista's own sessions do not wait.
func TestLease(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	conn, leader := s.Connect(t), s.Connect(t, "barista.session", "leader")
	own := s.ConnectAs(t, "barista", "postgres")
	harness.Execute(t, leader, "grant select on held to barista_nobody")
	s.SetLease(-time.Second)
	read := harness.Begin(t, conn, "select v from held where k = 1")
	for range 50 {
		harness.Execute(t, own, "select v from held where k = 1")
		if read.Finished() {
			t.Fatalf("a statement did not wait for the lease: %s", read.Wait())
		}
	}
	s.SetLease(time.Hour)
	if state := read.Wait(); state != "" {
		t.Errorf("after renewal: %s", state)
	}
	s.SetLease(-time.Second)
	read = harness.Begin(t, leader, "select v from held where k = 1")
	s.Close()
	if state := read.Wait(); state != "57P01" {
		t.Errorf("after closing: %s", state)
	}
}

// Barista's own sessions compare what they may not read.
func TestComparingNeedsNoRights(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	own := s.ConnectAs(t, "barista", "postgres")
	for _, sql := range []string{"select from held", "select from alone", "select rolpassword from pg_authid", "select pg_replication_origin_progress('barista', true)"} {
		if state := harness.Run(t, own, sql); state != "42501" {
			t.Errorf("%s: %s", sql, state)
		}
	}
	for sql, want := range map[string]string{
		"select row_count from barista_sum_rows('public.held'::regclass, 1)":                                                   "20",
		"select string_agg(key, ' ' order by key) from barista_row_keys('public.held'::regclass, 1, 0, 1) where key like '1%'": "1 1 1 1 1 1 1 1 1 1 1",
		"barista_sequence_state('public.alone'::regclass)":                                                                     "(1,f)",
		"select count(*) > 0 from barista_hidden('pg_authid')":                                                                 "true",
	} {
		if got := harness.Value(t, own, sql); got != want {
			t.Errorf("%s: %s, not %s", sql, got, want)
		}
	}
}

// The functions of role barista are for its own sessions only.
func TestOwnFunctions(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	for _, sql := range []string{
		"select barista_start()", "select barista_bootstrap()", "select barista_flush()", "select barista_end_backends(null)", "select barista_empty_unlogged()",
		"select * from barista_horizons(false)", "select barista_sequence_state(1)", "select barista_sum_rows(1, 1)",
		"select barista_row_keys(1, 1, 0, 1)", "select barista_hidden('pg_authid')", `select barista_apply('\x')`,
	} {
		if state := harness.Run(t, conn, sql); state != "42501" {
			t.Errorf("%s: %s", sql, state)
		}
	}
}

// The library refuses to be loaded other than by shared_preload_libraries, or
// a second time from another file.
func TestLoading(t *testing.T) {
	s := harness.SharedLeader(t)
	code, err := os.ReadFile(filepath.Join(harness.LibDir(), "barista.so"))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(harness.LibDir(), "other.so")
	if err := os.WriteFile(other, code, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = s.Dial(harness.Context(t), "postgres", "postgres", "session_preload_libraries", other)
	if state := harness.SQLState(err); state != "55000" {
		t.Errorf("another copy: %s", state)
	}
}
