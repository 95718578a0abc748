package capture

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
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
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	s.Gate.Hold()
	writer, reader := s.Connect(t), s.Connect(t)
	commit := harness.Begin(t, writer, "update held set v = 1 where k = 1")
	p := s.Gate.Next(t)
	if got := harness.Value(t, reader, "select v from held where k = 1"); got != "0" {
		t.Errorf("before the choice v = %s", got)
	}
	if s.Get(harness.FieldWaiting) != 1 {
		t.Errorf("%d backends wait at the gate", s.Get(harness.FieldWaiting))
	}
	p.Choose()
	if state := commit.Wait(); state != "" {
		t.Fatalf("commit: %s", state)
	}
	if s.Applied() != p.Position || s.Get(harness.FieldWaiting) != 0 {
		t.Errorf("applied %v, chosen %v, waiting %d", s.Applied(), p.Position, s.Get(harness.FieldWaiting))
	}
	if got := harness.Value(t, reader, "select v from held where k = 1"); got != "1" {
		t.Errorf("after the choice v = %s", got)
	}
	want := fmt.Sprintf("%X/%X", uint64(p.Position)>>32, uint32(p.Position))
	if got := harness.Value(t, reader, "pg_replication_origin_progress('barista', true)"); got != want {
		t.Errorf("origin progress %s, want %s", got, want)
	}
	if got, want := harness.Value(t, s.ConnectAs(t, "barista", "postgres"), "barista_flush()"), fmt.Sprint(uint64(p.Position)); got != want {
		t.Errorf("flushed %s, want %s", got, want)
	}
	if p.Set.Database != "postgres" || p.Set.Origin != 7 || p.Epoch != harness.FirstEpoch || p.Set.Timestamp == 0 {
		t.Errorf("change set %+v, epoch %d", p.Set, p.Epoch)
	}
}

// Backends commit in the order of positions, in whatever order they hear.
func TestTurns(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	s.Gate.Hold()
	var commits []*harness.Running
	var proposals []*harness.Proposal
	for k := 1; k <= 5; k++ {
		commits = append(commits, harness.Begin(t, s.Connect(t), fmt.Sprintf("update held set v = 1 where k = %d", k)))
		proposals = append(proposals, s.Gate.Next(t))
	}
	for _, p := range proposals {
		p.Place()
	}
	reader := s.Connect(t)
	for i := 4; i > 0; i-- {
		proposals[i].AnswerChosen()
	}
	if got := harness.Value(t, reader, "select sum(v) from held"); got != "0" {
		t.Errorf("%s commits before the first turn", got)
	}
	proposals[0].AnswerChosen()
	for _, c := range commits {
		if state := c.Wait(); state != "" {
			t.Errorf("commit: %s", state)
		}
	}
	if got := harness.Value(t, reader, "select sum(v) from held"); got != "5" {
		t.Errorf("%s commits after all turns", got)
	}
}

// Many writers at once: every commit has a place of its own, and the last
// position is the applied one.
func TestManyWriters(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	const writers, commits = 8, 50
	var wait sync.WaitGroup
	for w := 1; w <= writers; w++ {
		conn := s.Connect(t)
		ctx := harness.Context(t)
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
	log := s.Gate.Chosen()
	if len(log) != writers*commits {
		t.Fatalf("%d proposals", len(log))
	}
	ids := map[changeset.ID]bool{}
	for _, p := range log {
		ids[p.Set.ID] = true
	}
	if len(ids) != len(log) {
		t.Errorf("%d change sets share %d ids", len(log), len(ids))
	}
	if s.Applied() != log[len(log)-1].Position {
		t.Errorf("applied %v, last %v", s.Applied(), log[len(log)-1].Position)
	}
	if got := harness.Value(t, s.Connect(t), "select sum(v) from held"); got != fmt.Sprint(writers*commits) {
		t.Errorf("sum %s", got)
	}
}

// While a proposal is in doubt, neither cancel nor terminate nor a client that
// vanishes lets the row lock go; then the change set is chosen, and the one
// who waited for the row works on top of it (rule 8).
func TestRowLocksStayWhileInDoubt(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	for i, way := range []string{"cancel", "terminate", "vanish", "statement_timeout"} {
		t.Run(way, func(t *testing.T) {
			s.Gate.Hold()
			defer s.Gate.Release()
			update := fmt.Sprintf("update held set v = v + 1 where k = %d", i+1)
			first, second, boss := s.Connect(t), s.Connect(t), s.Connect(t)
			pid := harness.Value(t, first, "pg_backend_pid()")
			secondPid := harness.Value(t, second, "pg_backend_pid()")
			if way == "statement_timeout" {
				harness.Execute(t, first, "set statement_timeout = 20")
			}
			one := harness.Begin(t, first, update)
			p := s.Gate.Next(t)
			two := harness.Begin(t, second, update)
			blocked := func() bool {
				return harness.Value(t, boss, "select count(*) from pg_locks where not granted and pid = "+secondPid) == "1"
			}
			harness.Eventually(t, "the second writer waits for the row", blocked)
			switch way {
			case "cancel":
				harness.Execute(t, boss, "select pg_cancel_backend("+pid+")")
			case "terminate":
				harness.Execute(t, boss, "select pg_terminate_backend("+pid+")")
			case "vanish":
				first.PgConn().Conn().Close()
			}
			// The signal has certainly arrived after some round trips.
			for range 50 {
				if !blocked() || two.Finished() {
					t.Fatalf("the row lock was let go")
				}
			}
			p.Choose()
			if state := one.Wait(); state != "" && way != "vanish" {
				t.Errorf("first commit: %s", state)
			}
			q := s.Gate.Next(t)
			q.Choose()
			if state := two.Wait(); state != "" {
				t.Errorf("second commit: %s", state)
			}
			wantLines(t, describe(t, q.Set.Payload), "R held", fmt.Sprintf("U held (%d,2)", i+1))
		})
	}
}

// A refused change set is an error with barista's SQLSTATE and leaves nothing.
func TestRefused(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	s.Gate.Hold()
	conn := s.Connect(t)
	commit := harness.Begin(t, conn, "update held set v = 1 where k = 1")
	s.Gate.Next(t).Refuse("40001", "not now")
	if state := commit.Wait(); state != "40001" {
		t.Errorf("refused commit: %s", state)
	}
	if got := harness.Value(t, conn, "select v from held where k = 1"); got != "0" {
		t.Errorf("v = %s", got)
	}
	s.Gate.Release()
	harness.Execute(t, conn, "update held set v = 2 where k = 1")
	if s.Get(harness.FieldClosed) != 0 || s.Get(harness.FieldWaiting) != 0 {
		t.Errorf("closed %d, waiting %d", s.Get(harness.FieldClosed), s.Get(harness.FieldWaiting))
	}
}

// An outcome that will never be known is told as 08007, and the epoch is
// closed before the row locks go.
func TestUnknown(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	for name, end := range map[string]func(*harness.Server, *harness.Proposal){
		"told":            func(s *harness.Server, p *harness.Proposal) { p.Unknown() },
		"connection lost": func(s *harness.Server, p *harness.Proposal) { s.Gate.Disconnect() },
		"garbage":         func(s *harness.Server, p *harness.Proposal) { p.Send('?', nil) },
		"gate closed":     func(s *harness.Server, p *harness.Proposal) { s.Close(); p.Unknown() },
	} {
		t.Run(name, func(t *testing.T) {
			s.Reopen(t)
			s.Gate.Hold()
			commit := harness.Begin(t, s.Connect(t), "update held set v = 1 where k = 1")
			p := s.Gate.Next(t)
			blocked := harness.Begin(t, s.Connect(t), "update held set v = 1 where k = 1")
			boss := s.Connect(t)
			harness.Eventually(t, "the next writer waits for the row", func() bool {
				return harness.Value(t, boss, "select count(*) from pg_locks where not granted") == "1"
			})
			end(s, p)
			if state := commit.Wait(); state != "08007" {
				t.Errorf("commit: %s", state)
			}
			if s.Get(harness.FieldClosed) != 1 {
				t.Errorf("the epoch is still open")
			}
			if state := blocked.Wait(); state != "40001" {
				t.Errorf("the next writer: %s", state)
			}
			if got := harness.Value(t, s.Connect(t), "select v from held where k = 1"); got != "0" {
				t.Errorf("v = %s", got)
			}
		})
	}
}

// A late "chosen" cannot commit what apply has applied already (rule 15), nor
// after the epoch was closed.
func TestLateAnswer(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	for name, late := range map[string]func(*harness.Server, *harness.Proposal){
		"applied": func(s *harness.Server, p *harness.Proposal) { s.Set(harness.FieldApplied, uint64(p.Position)) },
		"closed":  func(s *harness.Server, p *harness.Proposal) { s.Close() },
		"predecessor never comes": func(s *harness.Server, p *harness.Proposal) {
			p.Predecessor++
			s.Set(harness.FieldApplied, uint64(p.Position)+1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.Reopen(t)
			s.Gate.Hold()
			commit := harness.Begin(t, s.Connect(t), "update held set v = 1 where k = 1")
			p := s.Gate.Next(t)
			p.Place()
			late(s, p)
			p.AnswerChosen()
			if state := commit.Wait(); state != "08007" {
				t.Errorf("commit: %s", state)
			}
			if s.Get(harness.FieldClosed) != 1 {
				t.Errorf("the epoch is still open")
			}
			if got := harness.Value(t, s.Connect(t), "select v from held where k = 1"); got != "0" {
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
	before := func() int { return len(s.Gate.Chosen()) }

	t.Run("on commit", func(t *testing.T) {
		conn := s.Connect(t)
		harness.Execute(t, conn, "create temp table a (k int primary key) on commit delete rows")
		n := before()
		harness.Execute(t, conn, "begin", "insert into keyless values (1, 'x')",
			"create temp table b (k int references a)")
		if state := harness.Run(t, conn, "commit"); state != "0A000" {
			t.Errorf("commit: %s", state)
		}
		if before() != n {
			t.Errorf("it was proposed")
		}
	})
	t.Run("deferred constraint", func(t *testing.T) {
		conn := s.Connect(t)
		n := before()
		harness.Execute(t, conn, "begin", "insert into child values (1, 1)")
		if state := harness.Run(t, conn, "commit"); state != "23503" {
			t.Errorf("commit: %s", state)
		}
		if before() != n {
			t.Errorf("it was proposed")
		}
	})
	t.Run("serializable", func(t *testing.T) {
		one, two := s.Connect(t), s.Connect(t)
		harness.Execute(t, one, "insert into held values (1, 0), (2, 0)",
			"begin isolation level serializable", "select sum(v) from held")
		harness.Execute(t, two, "begin isolation level serializable", "select sum(v) from held",
			"update held set v = 1 where k = 1")
		harness.Execute(t, one, "update held set v = 1 where k = 2", "commit")
		n := before()
		if state := harness.Run(t, two, "commit"); state != "40001" {
			t.Errorf("commit: %s", state)
		}
		if before() != n {
			t.Errorf("it was proposed")
		}
	})
	t.Run("replication origin", func(t *testing.T) {
		conn := s.Connect(t)
		if state := harness.Run(t, conn, "select pg_replication_origin_session_setup('barista')"); state != "0A000" {
			t.Errorf("setup of the origin: %s", state)
		}
	})
}

// Temporary tables, NOTIFY, row locks, advisory locks and a forced synchronous
// commit work in and without a writing transaction.
func TestLocalWork(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	n := len(s.Gate.Chosen())
	harness.Execute(t, conn,
		"create temp table gone (k int) on commit drop",
		"create temp table kept (k int) on commit delete rows",
		"insert into kept values (1)",
		"select txid_current()",
		"notify nobody",
		"select pg_notify('nobody', '')",
		"select * from plain for update",
		"select pg_advisory_xact_lock(1)",
		"vacuum plain", "analyze plain")
	if got := len(s.Gate.Chosen()); got != n {
		t.Errorf("%d proposals for local work", got-n)
	}
	harness.Execute(t, conn, "set synchronous_commit = on", "begin",
		"create temp table gone (k int) on commit drop",
		"insert into kept values (1)", "insert into gone values (1)",
		"insert into plain values (40, 'x')", "notify nobody", "commit",
		"delete from plain where k = 40")
	if got := harness.Value(t, conn, "current_setting('synchronous_commit')"); got != "on" {
		t.Errorf("synchronous_commit is %s afterwards", got)
	}
	if got := harness.Value(t, conn, "select count(*) from kept"); got != "0" {
		t.Errorf("ON COMMIT DELETE ROWS kept %s rows", got)
	}
}

// PREPARE TRANSACTION is refused.
func TestPrepareTransaction(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	harness.Execute(t, conn, "begin", "insert into keyless values (9, 'x')")
	if state := harness.Run(t, conn, "prepare transaction 'x'"); state != "0A000" {
		t.Errorf("prepare: %s", state)
	}
}

// A procedure that commits goes through the gate once for each transaction.
func TestProcedureCommits(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	n := len(s.Gate.Chosen())
	harness.Execute(t, conn, `do $$ begin
		insert into keyless values (10, 'a'); commit;
		insert into keyless values (10, 'b'); rollback;
		insert into keyless values (10, 'c'); commit;
		delete from keyless where a = 10; end $$`)
	if got := len(s.Gate.Chosen()) - n; got != 3 {
		t.Errorf("%d proposals", got)
	}
}

// What sessions do beside writing rows works in writing transactions of a
// leader's session: parallel plans, cursors that outlive the transaction,
// notifications, many savepoints, serializable transactions.
func TestSessionsAsUsual(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture, Settings: []string{"autovacuum=on", "autovacuum_naptime=1s"}})
	conn := s.Connect(t, "barista.session", "leader")
	listener := s.Connect(t, "barista.session", "leader")
	harness.Execute(t, listener, "listen news")
	news := harness.Listen(t, listener)
	harness.Execute(t, conn,
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
	if got := harness.Value(t, conn, "select sum(v) from held where k <= 20"); got != "23" {
		t.Errorf("sum %s", got)
	}
	harness.Execute(t, conn, "fetch 3 from c")
	if state := news.Wait(); state != "" {
		t.Errorf("notification: %s", state)
	}
}

// Sessions whose end nobody waits for when the epoch closes cannot commit what
// is replicated: barista's own, and replication connections.
func TestUnwatchedSessionsWriteNothing(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	harness.Execute(t, s.Connect(t), "grant all on held to barista_nobody")
	before := len(s.Gate.Chosen())
	own := s.ConnectAs(t, "barista", "postgres")
	sender := s.Connect(t, "replication", "database")
	for name, conn := range map[string]*pgx.Conn{"own": own, "replication": sender} {
		_, err := conn.PgConn().Exec(harness.Context(t), "update held set v = 1 where k = 1").ReadAll()
		if state := harness.SQLState(err); state != "0A000" {
			t.Errorf("%s: %q", name, state)
		}
	}
	if n := len(s.Gate.Chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
}

// Autovacuum runs an index's functions, but none of them writes.
func TestAutovacuumWritesNothing(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Settings: []string{"autovacuum=on", "autovacuum_naptime=1s"}})
	conn := s.Connect(t)
	harness.Execute(t, conn,
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
	before := harness.Value(t, conn, "select count(*) from log")
	used := harness.Value(t, conn, "select last_value || ' ' || is_called from used")
	harness.Eventually(t, "autovacuum has analyzed the table", func() bool {
		return harness.Value(t, conn, "select count(*) from pg_stats where tablename like 'av_%'") != "0"
	})
	if got := harness.Value(t, conn, "select count(*) from log"); got != before {
		t.Errorf("%s rows, %s before", got, before)
	}
	if got := harness.Value(t, conn, "select last_value || ' ' || is_called from used"); got != used {
		t.Errorf("sequence at %s, %s before", got, used)
	}
}
