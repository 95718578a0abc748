package exttest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/changeset"
)

const heldFixture = `
create table held (k int primary key, v int);
insert into held select i, 0 from generate_series(1, 20) i;
create sequence alone;
`

// A commit is visible only after its change set was chosen, and its position
// is then the applied one, in the mapped file and in the origin's progress.
func TestCommitWaitsForItsPosition(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	s.gate.hold()
	writer, reader := s.connect(t), s.connect(t)
	commit := begin(t, writer, "update held set v = 1 where k = 1")
	p := s.gate.next(t)
	if got := value(t, reader, "select v from held where k = 1"); got != "0" {
		t.Errorf("before the choice v = %s", got)
	}
	if s.get(fieldWaiting) != 1 {
		t.Errorf("%d backends wait at the gate", s.get(fieldWaiting))
	}
	p.choose()
	if state := commit.wait(); state != "" {
		t.Fatalf("commit: %s", state)
	}
	if s.applied() != p.position || s.get(fieldWaiting) != 0 {
		t.Errorf("applied %v, chosen %v, waiting %d", s.applied(), p.position, s.get(fieldWaiting))
	}
	if got := value(t, reader, "select v from held where k = 1"); got != "1" {
		t.Errorf("after the choice v = %s", got)
	}
	want := fmt.Sprintf("%X/%X", uint64(p.position)>>32, uint32(p.position))
	if got := value(t, reader, "pg_replication_origin_progress('barista', true)"); got != want {
		t.Errorf("origin progress %s, want %s", got, want)
	}
	if got, want := value(t, s.connectAs(t, "barista", "postgres"), "barista_flush()"), fmt.Sprint(uint64(p.position)); got != want {
		t.Errorf("flushed %s, want %s", got, want)
	}
	if p.set.Database != "postgres" || p.set.Origin != 7 || p.epoch != firstEpoch || p.set.Timestamp == 0 {
		t.Errorf("change set %+v, epoch %d", p.set, p.epoch)
	}
}

// Backends commit in the order of positions, in whatever order they hear.
func TestTurns(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	s.gate.hold()
	var commits []*running
	var proposals []*proposal
	for k := 1; k <= 5; k++ {
		commits = append(commits, begin(t, s.connect(t), fmt.Sprintf("update held set v = 1 where k = %d", k)))
		proposals = append(proposals, s.gate.next(t))
	}
	for _, p := range proposals {
		p.place()
	}
	reader := s.connect(t)
	for i := 4; i > 0; i-- {
		proposals[i].answerChosen()
	}
	if got := value(t, reader, "select sum(v) from held"); got != "0" {
		t.Errorf("%s commits before the first turn", got)
	}
	proposals[0].answerChosen()
	for _, c := range commits {
		if state := c.wait(); state != "" {
			t.Errorf("commit: %s", state)
		}
	}
	if got := value(t, reader, "select sum(v) from held"); got != "5" {
		t.Errorf("%s commits after all turns", got)
	}
}

// Many writers at once: every commit has a place of its own, and the last
// position is the applied one.
func TestManyWriters(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	const writers, commits = 8, 50
	var wait sync.WaitGroup
	for w := 1; w <= writers; w++ {
		conn := s.connect(t)
		ctx := testContext(t)
		wait.Add(1)
		go func() { // ends with its commits; waited for below
			defer wait.Done()
			for i := 0; i < commits; i++ {
				if _, err := conn.Exec(ctx, "update held set v = v + 1 where k = $1", 1+i%5); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		}()
	}
	wait.Wait()
	log := s.gate.chosen()
	if len(log) != writers*commits {
		t.Fatalf("%d proposals", len(log))
	}
	ids := map[changeset.ID]bool{}
	for _, p := range log {
		ids[p.set.ID] = true
	}
	if len(ids) != len(log) {
		t.Errorf("%d change sets share %d ids", len(log), len(ids))
	}
	if s.applied() != log[len(log)-1].position {
		t.Errorf("applied %v, last %v", s.applied(), log[len(log)-1].position)
	}
	if got := value(t, s.connect(t), "select sum(v) from held"); got != fmt.Sprint(writers*commits) {
		t.Errorf("sum %s", got)
	}
}

// While a proposal is in doubt, neither cancel nor terminate nor a client that
// vanishes lets the row lock go; then the change set is chosen, and the one
// who waited for the row works on top of it (rule 8).
func TestRowLocksStayWhileInDoubt(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	for i, way := range []string{"cancel", "terminate", "vanish", "statement_timeout"} {
		t.Run(way, func(t *testing.T) {
			s.gate.hold()
			defer s.gate.release()
			update := fmt.Sprintf("update held set v = v + 1 where k = %d", i+1)
			first, second, boss := s.connect(t), s.connect(t), s.connect(t)
			pid := value(t, first, "pg_backend_pid()")
			secondPid := value(t, second, "pg_backend_pid()")
			if way == "statement_timeout" {
				execute(t, first, "set statement_timeout = 20")
			}
			one := begin(t, first, update)
			p := s.gate.next(t)
			two := begin(t, second, update)
			blocked := func() bool {
				return value(t, boss, "select count(*) from pg_locks where not granted and pid = "+secondPid) == "1"
			}
			eventually(t, "the second writer waits for the row", blocked)
			switch way {
			case "cancel":
				execute(t, boss, "select pg_cancel_backend("+pid+")")
			case "terminate":
				execute(t, boss, "select pg_terminate_backend("+pid+")")
			case "vanish":
				first.PgConn().Conn().Close()
			}
			// The signal has certainly arrived after some round trips.
			for range 50 {
				if !blocked() || two.finished() {
					t.Fatalf("the row lock was let go")
				}
			}
			p.choose()
			if state := one.wait(); state != "" && way != "vanish" {
				t.Errorf("first commit: %s", state)
			}
			q := s.gate.next(t)
			q.choose()
			if state := two.wait(); state != "" {
				t.Errorf("second commit: %s", state)
			}
			wantLines(t, describe(t, q.set.Payload), "R held", fmt.Sprintf("U held (%d,2)", i+1))
		})
	}
}

// A refused change set is an error with barista's SQLSTATE and leaves nothing.
func TestRefused(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	s.gate.hold()
	conn := s.connect(t)
	commit := begin(t, conn, "update held set v = 1 where k = 1")
	s.gate.next(t).refuse("40001", "not now")
	if state := commit.wait(); state != "40001" {
		t.Errorf("refused commit: %s", state)
	}
	if got := value(t, conn, "select v from held where k = 1"); got != "0" {
		t.Errorf("v = %s", got)
	}
	s.gate.release()
	execute(t, conn, "update held set v = 2 where k = 1")
	if s.get(fieldClosed) != 0 || s.get(fieldWaiting) != 0 {
		t.Errorf("closed %d, waiting %d", s.get(fieldClosed), s.get(fieldWaiting))
	}
}

// An outcome that will never be known is told as 08007, and the epoch is
// closed before the row locks go.
func TestUnknown(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	for name, end := range map[string]func(*server, *proposal){
		"told":            func(s *server, p *proposal) { p.unknown() },
		"connection lost": func(s *server, p *proposal) { s.gate.disconnect() },
		"garbage":         func(s *server, p *proposal) { p.send('?', nil) },
		"gate closed":     func(s *server, p *proposal) { s.close(); p.unknown() },
	} {
		t.Run(name, func(t *testing.T) {
			s.reopen(t)
			s.gate.hold()
			commit := begin(t, s.connect(t), "update held set v = 1 where k = 1")
			p := s.gate.next(t)
			blocked := begin(t, s.connect(t), "update held set v = 1 where k = 1")
			boss := s.connect(t)
			eventually(t, "the next writer waits for the row", func() bool {
				return value(t, boss, "select count(*) from pg_locks where not granted") == "1"
			})
			end(s, p)
			if state := commit.wait(); state != "08007" {
				t.Errorf("commit: %s", state)
			}
			if s.get(fieldClosed) != 1 {
				t.Errorf("the epoch is still open")
			}
			if state := blocked.wait(); state != "40001" {
				t.Errorf("the next writer: %s", state)
			}
			if got := value(t, s.connect(t), "select v from held where k = 1"); got != "0" {
				t.Errorf("v = %s", got)
			}
		})
	}
}

// A late "chosen" cannot commit what apply has applied already (rule 15), nor
// after the epoch was closed.
func TestLateAnswer(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	for name, late := range map[string]func(*server, *proposal){
		"applied": func(s *server, p *proposal) { s.set(fieldApplied, uint64(p.position)) },
		"closed":  func(s *server, p *proposal) { s.close() },
		"predecessor never comes": func(s *server, p *proposal) {
			p.predecessor++
			s.set(fieldApplied, uint64(p.position)+1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.reopen(t)
			s.gate.hold()
			commit := begin(t, s.connect(t), "update held set v = 1 where k = 1")
			p := s.gate.next(t)
			p.place()
			late(s, p)
			p.answerChosen()
			if state := commit.wait(); state != "08007" {
				t.Errorf("commit: %s", state)
			}
			if s.get(fieldClosed) != 1 {
				t.Errorf("the epoch is still open")
			}
			if got := value(t, s.connect(t), "select v from held where k = 1"); got != "0" {
				t.Errorf("v = %s", got)
			}
		})
	}
}

// What can fail at commit fails before anything is proposed (rule 7): ON
// COMMIT actions, deferred constraints, a serialization failure, a foreign
// replication origin.
func TestFailuresComeBeforeTheProposal(t *testing.T) {
	s := emptied(t, "held, keyless")
	before := func() int { return len(s.gate.chosen()) }

	t.Run("on commit", func(t *testing.T) {
		conn := s.connect(t)
		execute(t, conn, "create temp table a (k int primary key) on commit delete rows")
		n := before()
		execute(t, conn, "begin", "insert into keyless values (1, 'x')",
			"create temp table b (k int references a)")
		if state := run(t, conn, "commit"); state != "0A000" {
			t.Errorf("commit: %s", state)
		}
		if before() != n {
			t.Errorf("it was proposed")
		}
	})
	t.Run("deferred constraint", func(t *testing.T) {
		conn := s.connect(t)
		n := before()
		execute(t, conn, "begin", "insert into child values (1, 1)")
		if state := run(t, conn, "commit"); state != "23503" {
			t.Errorf("commit: %s", state)
		}
		if before() != n {
			t.Errorf("it was proposed")
		}
	})
	t.Run("serializable", func(t *testing.T) {
		one, two := s.connect(t), s.connect(t)
		execute(t, one, "insert into held values (1, 0), (2, 0)",
			"begin isolation level serializable", "select sum(v) from held")
		execute(t, two, "begin isolation level serializable", "select sum(v) from held",
			"update held set v = 1 where k = 1")
		execute(t, one, "update held set v = 1 where k = 2", "commit")
		n := before()
		if state := run(t, two, "commit"); state != "40001" {
			t.Errorf("commit: %s", state)
		}
		if before() != n {
			t.Errorf("it was proposed")
		}
	})
	t.Run("replication origin", func(t *testing.T) {
		conn := s.connect(t)
		if state := run(t, conn, "select pg_replication_origin_session_setup('barista')"); state != "0A000" {
			t.Errorf("setup of the origin: %s", state)
		}
	})
}

// Temporary tables, NOTIFY, row locks, advisory locks and a forced synchronous
// commit work in and without a writing transaction.
func TestLocalWork(t *testing.T) {
	s := sharedLeader(t)
	conn := s.connect(t)
	n := len(s.gate.chosen())
	execute(t, conn,
		"create temp table gone (k int) on commit drop",
		"create temp table kept (k int) on commit delete rows",
		"insert into kept values (1)",
		"select txid_current()",
		"notify nobody",
		"select pg_notify('nobody', '')",
		"select * from plain for update",
		"select pg_advisory_xact_lock(1)",
		"vacuum plain", "analyze plain")
	if got := len(s.gate.chosen()); got != n {
		t.Errorf("%d proposals for local work", got-n)
	}
	execute(t, conn, "set synchronous_commit = on", "begin",
		"create temp table gone (k int) on commit drop",
		"insert into kept values (1)", "insert into gone values (1)",
		"insert into plain values (40, 'x')", "notify nobody", "commit",
		"delete from plain where k = 40")
	if got := value(t, conn, "current_setting('synchronous_commit')"); got != "on" {
		t.Errorf("synchronous_commit is %s afterwards", got)
	}
	if got := value(t, conn, "select count(*) from kept"); got != "0" {
		t.Errorf("ON COMMIT DELETE ROWS kept %s rows", got)
	}
}

// PREPARE TRANSACTION is refused.
func TestPrepareTransaction(t *testing.T) {
	s := sharedLeader(t)
	conn := s.connect(t)
	execute(t, conn, "begin", "insert into keyless values (9, 'x')")
	if state := run(t, conn, "prepare transaction 'x'"); state != "0A000" {
		t.Errorf("prepare: %s", state)
	}
}

// A procedure that commits goes through the gate once for each transaction.
func TestProcedureCommits(t *testing.T) {
	s := sharedLeader(t)
	conn := s.connect(t)
	n := len(s.gate.chosen())
	execute(t, conn, `do $$ begin
		insert into keyless values (10, 'a'); commit;
		insert into keyless values (10, 'b'); rollback;
		insert into keyless values (10, 'c'); commit;
		delete from keyless where a = 10; end $$`)
	if got := len(s.gate.chosen()) - n; got != 3 {
		t.Errorf("%d proposals", got)
	}
}

// What sessions do beside writing rows works in writing transactions of a
// leader's session: parallel plans, cursors that outlive the transaction,
// notifications, many savepoints, serializable transactions.
func TestSessionsAsUsual(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture, settings: []string{"autovacuum=on", "autovacuum_naptime=1s"}})
	conn := s.connect(t, "barista.session", "leader")
	listener := s.connect(t, "barista.session", "leader")
	execute(t, listener, "listen news")
	news := listen(t, listener)
	execute(t, conn,
		"insert into held select i, 0 from generate_series(100, 5000) i",
		"set force_parallel_mode = on", "set parallel_setup_cost = 0", "set parallel_tuple_cost = 0",
		"set min_parallel_table_scan_size = 0",
		"begin", "update held set v = 1 where k = 1", "select count(*) from held",
		"declare c cursor with hold for select k from held order by k", "commit",
		"select count(*), sum(v) from held",
		"set force_parallel_mode = off",
		"begin isolation level serializable", "select sum(v) from held", "update held set v = 2 where k = 2",
		"notify news, 'fresh'", "commit",
		`do $$ begin for i in 1..200 loop
			begin insert into held values (i, 0); exception when unique_violation then
			update held set v = v + 1 where k = i; end; end loop; end $$`)
	if got := value(t, conn, "select sum(v) from held where k <= 20"); got != "23" {
		t.Errorf("sum %s", got)
	}
	execute(t, conn, "fetch 3 from c")
	if state := news.wait(); state != "" {
		t.Errorf("notification: %s", state)
	}
}

// Sessions whose end nobody waits for when the epoch closes cannot commit what
// is replicated: barista's own, and replication connections.
func TestUnwatchedSessionsWriteNothing(t *testing.T) {
	s := startLeader(t, options{fixture: heldFixture})
	execute(t, s.connect(t), "grant all on held to barista_nobody")
	before := len(s.gate.chosen())
	own := s.connectAs(t, "barista", "postgres")
	sender := s.connect(t, "replication", "database")
	for name, conn := range map[string]*pgx.Conn{"own": own, "replication": sender} {
		_, err := conn.PgConn().Exec(testContext(t), "update held set v = 1 where k = 1").ReadAll()
		if state := sqlState(err); state != "0A000" {
			t.Errorf("%s: %q", name, state)
		}
	}
	if n := len(s.gate.chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
}

// Autovacuum runs an index's functions, but none of them writes.
func TestAutovacuumWritesNothing(t *testing.T) {
	s := startLeader(t, options{settings: []string{"autovacuum=on", "autovacuum_naptime=1s"}})
	conn := s.connect(t)
	execute(t, conn,
		"create table log (v int)", "create table av (v int)", "create sequence used",
		`create function w(i int) returns int language plpgsql as
			$$begin insert into public.log values (i); return i; end$$`,
		`create function n(i int) returns int language plpgsql as
			$$declare x bigint; begin x := nextval('public.used'); return i; end$$`,
		`create function f(i int) returns int language plpgsql immutable as
			$$begin begin return public.w(i); exception when others then return i; end; end$$`,
		`create function g(i int) returns int language plpgsql immutable as
			$$begin begin return public.n(i); exception when others then return i; end; end$$`,
		"create index on av (f(v), g(v))",
		"alter table av set (autovacuum_analyze_threshold = 10)",
		"insert into av select i from generate_series(1, 200) i")
	before := value(t, conn, "select count(*) from log")
	used := value(t, conn, "select last_value || ' ' || is_called from used")
	eventually(t, "autovacuum has analyzed the table", func() bool {
		return value(t, conn, "select count(*) from pg_stats where tablename like 'av_%'") != "0"
	})
	if got := value(t, conn, "select count(*) from log"); got != before {
		t.Errorf("%s rows, %s before", got, before)
	}
	if got := value(t, conn, "select last_value || ' ' || is_called from used"); got != used {
		t.Errorf("sequence at %s, %s before", got, used)
	}
}
