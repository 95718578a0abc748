package capture

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

const sequenceFixture = `
create table t (id int generated always as identity primary key, v int);
create sequence tens increment 10;
create sequence s;
`

// states writes the sequence states of a proposal.
func states(p *harness.Proposal) string {
	text := ""
	for _, s := range p.Sequences {
		text += fmt.Sprintf("%s.%s=%d/%v ", s.Schema, s.Name, s.Horizon, s.Called)
	}
	return text
}

// A transaction that only reads a sequence's next value waits until the
// sequence's horizon is agreed on; later users of the same horizon do not.
func TestSequenceIsAgreedOn(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	s.Gate.Hold()
	conn := s.Connect(t)
	next := harness.Begin(t, conn, "select nextval('tens')")
	p := s.Gate.Next(t)
	if got := states(p); p.Kind != harness.KindSequences || got != "public.tens=321/true " {
		t.Errorf("%c %s", p.Kind, got)
	}
	p.Choose()
	if state := next.Wait(); state != "" {
		t.Errorf("nextval: %s", state)
	}
	harness.Execute(t, conn, "select nextval('tens') from generate_series(1, 30)")

	// The horizon is used up: the next one is logged, and agreed on.
	s.Gate.Release()
	n := len(s.Gate.Chosen())
	harness.Execute(t, conn, "select nextval('tens') from generate_series(1, 10)")
	if log := s.Gate.Chosen(); len(log) != n+1 {
		t.Errorf("%d proposals for a new horizon", len(log)-n)
	}
}

// T1 logs a horizon and rolls back; T2 gets the next value without a
// transaction id and without a trace in the log: it waits too (rule 30).
func TestRolledBackNextval(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	conn := s.Connect(t)
	harness.Execute(t, conn, "begin", "select nextval('s')", "rollback")
	if n := len(s.Gate.Chosen()); n != 0 {
		t.Fatalf("%d proposals of a rolled-back transaction", n)
	}
	s.Gate.Hold()
	other := s.Connect(t)
	next := harness.Begin(t, other, "select nextval('s')")
	p := s.Gate.Next(t)
	if got := states(p); got != "public.s=33/true " {
		t.Errorf("state %s", got)
	}
	p.Choose()
	if state := next.Wait(); state != "" {
		t.Errorf("nextval: %s", state)
	}
	if got := harness.Value(t, other, "select last_value from s"); got != "2" {
		t.Errorf("last value %s", got)
	}
}

// T1 logs a horizon, T2 has it agreed on first: T1 has nothing left to send and
// is not taken for a transaction that wrote past every hook.
func TestSomeoneElseAgreed(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	conn, other := s.Connect(t), s.Connect(t)
	harness.Execute(t, conn, "begin", "select nextval('s')")
	harness.Execute(t, other, "select nextval('s')")
	harness.Execute(t, conn, "commit")
	if n := len(s.Gate.Chosen()); n != 1 {
		t.Errorf("%d proposals", n)
	}
}

// A savepoint's nextval counts although it is rolled back, and identity
// columns count like nextval.
func TestSequencesOfSavepointsAndIdentities(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	conn := s.Connect(t)
	harness.Execute(t, conn, "begin", "savepoint a", "select nextval('s')", "rollback to a",
		"insert into t (v) values (1)", "commit")
	log := s.Gate.Chosen()
	if len(log) != 1 || log[0].Kind != harness.KindPropose {
		t.Fatalf("%d proposals", len(log))
	}
	if got := states(log[0]); got != "public.s=33/true public.t_id_seq=33/true " &&
		got != "public.t_id_seq=33/true public.s=33/true " {
		t.Errorf("states %s", got)
	}
	harness.Execute(t, conn, "insert into t (v) values (2)")
	if p := s.Gate.Chosen()[1]; len(p.Sequences) != 0 {
		t.Errorf("states %s although the horizon is agreed on", states(p))
	}
}

// A new epoch agrees on everything anew, and setval is agreed on.
func TestSequencesInANewEpoch(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	harness.Execute(t, s.Connect(t), "select nextval('s')", "select nextval('s')")
	if n := len(s.Gate.Chosen()); n != 1 {
		t.Errorf("%d proposals in the first epoch", n)
	}
	s.Close()
	s.Open(2<<16 | 1)
	conn := s.Connect(t)
	harness.Execute(t, conn, "select nextval('s')", "select setval('s', 1000)", "select setval('s', 2000, false)")
	log := s.Gate.Chosen()[1:]
	if len(log) != 3 || states(log[0]) != "public.s=33/true " ||
		states(log[1]) != "public.s=1000/true " || states(log[2]) != "public.s=2000/false " {
		for _, p := range log {
			t.Errorf("state %s", states(p))
		}
	}
}

// The wait for a sequence alone can be cancelled: nothing was written.
func TestSequenceWaitCanBeCancelled(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	s.Gate.Hold()
	conn, boss := s.Connect(t), s.Connect(t)
	pid := harness.Value(t, conn, "pg_backend_pid()")
	next := harness.Begin(t, conn, "select nextval('s')")
	p := s.Gate.Next(t)
	harness.Execute(t, boss, "select pg_cancel_backend("+pid+")")
	if state := next.Wait(); state != "57014" {
		t.Errorf("cancelled: %s", state)
	}
	p.Choose() // a late answer, to be passed over
	s.Gate.Release()
	harness.Execute(t, conn, "select nextval('s')")
}

// A connection lost while a sequence is agreed on costs that transaction, not
// the epoch: nothing was proposed that anyone could doubt.
func TestSequenceWaitLosesItsConnection(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	for name, end := range map[string]func(*harness.Proposal){
		"told":            func(p *harness.Proposal) { p.Unknown() },
		"connection lost": func(p *harness.Proposal) { s.Gate.Disconnect() },
	} {
		t.Run(name, func(t *testing.T) {
			s.Gate.Hold()
			conn := s.Connect(t)
			next := harness.Begin(t, conn, "select nextval('s')")
			end(s.Gate.Next(t))
			if state := next.Wait(); state != "40001" {
				t.Errorf("nextval: %s", state)
			}
			if s.Get(harness.FieldClosed) != 0 {
				t.Fatalf("the epoch was closed")
			}
			s.Gate.Release()
			harness.Execute(t, conn, "select nextval('s')", "insert into t (v) values (1)", "select setval('s', 1000)")
		})
	}
}

// barista sees the horizons, and which of them are not agreed on.
func TestHorizons(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	own := s.ConnectAs(t, "barista", "postgres")
	harness.Execute(t, s.Connect(t), "select nextval('s')", "begin", "select nextval('tens')", "rollback")
	const list = "select string_agg(format('%s.%s=%s/%s', schema, name, horizon, is_called), ' ' order by name) from barista_horizons"
	if got := harness.Value(t, own, list+"(false)"); got != "public.s=33/true public.t_id_seq=1/false public.tens=321/true" &&
		got != "public.s=33/t public.t_id_seq=1/f public.tens=321/t" {
		t.Errorf("horizons %s", got)
	}
	if got := harness.Value(t, own, list+"(true) where name <> 't_id_seq'"); got != "public.tens=321/true" &&
		got != "public.tens=321/t" {
		t.Errorf("changed horizons %s", got)
	}
}

// A sequence that the transaction makes or changes travels inside its change
// set, in order with the statement; so does one whose name it changes.
func TestSequencesOfSchemaChanges(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: sequenceFixture})
	conn := s.Connect(t)
	for _, c := range []struct{ sql, want string }{
		{"create sequence made; select nextval('made')", "public.made=33/true"},
		{"create table fresh (id serial, v int); insert into fresh (v) values (1)", "public.fresh_id_seq=33/true"},
		{"alter sequence s restart with 50", "public.s=50/false"},
		{"select nextval('tens'); alter sequence tens increment 5", "public.tens=1/true"},
		{"truncate t restart identity", "public.t_id_seq=1/false"},
		{"alter sequence made rename to renamed; select nextval('renamed')", "public.renamed=33/true"},
	} {
		n := len(s.Gate.Chosen())
		harness.Execute(t, conn, c.sql)
		log := s.Gate.Chosen()[n:]
		if len(log) != 1 || len(log[0].Sequences) != 0 {
			t.Fatalf("%s: %d proposals, states %s", c.sql, len(log), states(log[0]))
		}
		if !log[0].Set.Flags.Has(changeset.HasSequences | changeset.HasDDL) {
			t.Errorf("%s: flags %v", c.sql, log[0].Set.Flags)
		}
		var inline []string
		r := changeset.NewReader(log[0].Set.Payload)
		for {
			m, err := r.Next()
			if err != nil {
				break
			}
			if m, ok := m.(changeset.Sequence); ok {
				inline = append(inline, fmt.Sprintf("%s.%s=%d/%v", m.Schema, m.Name, m.Horizon, m.Called))
			}
		}
		if got := strings.Join(inline, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
}

// What drops a sequence tells its name, whichever statement it is and with whichever object; what drops another's, a temporary one's, or
// is rolled back does not.
func TestDroppedSequencesAreTold(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema gone; create sequence gone.alone; create table gone.t (k serial primary key, n int generated always as identity)",
		"create sequence gone.stays; create table gone.plain (k int); create sequence gone.second; create temp sequence passing",
		"insert into gone.t values (default)")
	for _, c := range []struct{ sql, want string }{
		{"begin; drop sequence gone.alone; rollback", ""},
		{"begin; create table gone.other (k int); savepoint a; drop sequence gone.alone; rollback to a; commit", ""},
		{"drop sequence gone.alone", "gone.alone"},
		{"drop table gone.plain", ""},
		{"alter table gone.t alter n drop identity", "gone.t_n_seq"},
		{"do $$begin drop table gone.t; drop sequence gone.second; end$$", "gone.t_k_seq gone.second"},
		{"begin; drop sequence gone.stays; create sequence gone.stays; commit", "gone.stays"},
		{"begin; create sequence gone.brief; drop sequence gone.brief; commit", ""},
		{"drop schema gone cascade", "gone.stays"},
	} {
		before := len(p.Leader.Gate.Chosen())
		p.Run(t, c.sql)
		var names []string
		for _, proposal := range p.Leader.Gate.Chosen()[before:] {
			for reader := changeset.NewReader(proposal.Set.Payload); ; {
				message, err := reader.Next()
				if err != nil {
					break
				}
				if dropped, ok := message.(changeset.DroppedSequence); ok {
					names = append(names, dropped.Schema+"."+dropped.Name)
				}
			}
			if len(names) > 0 && !proposal.Set.Flags.Has(changeset.HasSequences) {
				t.Errorf("%s: the change set does not say that it tells of sequences", c.sql)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: told %q, want %q", c.sql, got, c.want)
		}
	}
	p.Same(t)
}

// Whatever changes the name of a sequence tells that it gives the old one up, in the place where it does so, and the state under the name that
// is left at the end. What a savepoint's rollback undoes is not told.
func TestRenamedSequencesAreTold(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema live; create schema next; create schema other",
		"create table live.t (k serial primary key, n int generated always as identity); create sequence live.alone",
		"create table next.t (k serial primary key, n int generated always as identity)",
		"insert into live.t select; insert into next.t select from generate_series(1, 100)", "select nextval('live.alone')")
	for _, c := range []struct{ name, sql, want string }{
		{"a sequence", "alter sequence live.alone rename to single", "-live.alone live.single=33"},
		{"a sequence as a table", "alter table live.single rename to alone", "-live.single live.alone=33"},
		{"its schema", "alter sequence live.alone set schema other", "-live.alone other.alone=33"},
		{"a table's schema", "alter table live.t set schema other", "-live.t_k_seq -live.t_n_seq other.t_k_seq=33 other.t_n_seq=33"},
		{"back", "alter table other.t set schema live", "-other.t_k_seq -other.t_n_seq live.t_k_seq=33 live.t_n_seq=33"},
		{"a table", "alter table live.t rename to t2; alter table live.t2 rename to t", ""},
		{"a schema", "alter schema other rename to another", "-other.alone another.alone=33"},
		{"two schemas", "begin; alter schema live rename to old; alter schema next rename to live; commit",
			"-live.t_k_seq -live.t_n_seq -next.t_k_seq -next.t_n_seq live.t_k_seq=132 live.t_n_seq=132 old.t_k_seq=33 old.t_n_seq=33"},
		{"in a function", "do $$begin execute 'alter schema live rename to next'; execute 'alter schema old rename to live'; end$$",
			"-live.t_k_seq -live.t_n_seq -old.t_k_seq -old.t_n_seq live.t_k_seq=33 live.t_n_seq=33 next.t_k_seq=132 next.t_n_seq=132"},
		{"a name for a moment", "begin; alter sequence another.alone rename to a; alter sequence another.a rename to alone; commit",
			"-another.a -another.alone another.alone=33"},
		{"undone", "begin; create table another.x (); savepoint a; alter schema live rename to nowhere; alter sequence another.alone rename to a; rollback to a; commit", ""},
		{"half undone", "begin; alter sequence another.alone rename to a; savepoint a; alter sequence another.a rename to b; rollback to a; commit",
			"-another.alone another.a=33"},
		{"made and renamed", "begin; create sequence another.fresh; alter sequence another.fresh rename to alone; commit", "another.alone=1"},
		{"dropped and taken", "begin; drop sequence another.a; alter sequence another.alone rename to a; commit", "-another.a -another.alone another.a=1"},
	} {
		before := len(p.Leader.Gate.Chosen())
		p.Run(t, c.sql)
		if got := toldOfSequences(t, p.Leader.Gate.Chosen()[before:]); got != c.want {
			t.Errorf("%s: told %q, want %q", c.name, got, c.want)
		}
	}
	p.Same(t)
	p.Run(t, "drop schema live cascade; drop schema next cascade; drop schema another cascade")
}

// toldOfSequences writes what change sets tell of sequences: the names that are given up, and the states that are left, in order of their names.
func toldOfSequences(t *testing.T, log []*harness.Proposal) string {
	t.Helper()
	var given, left []string
	for _, proposal := range log {
		for reader := changeset.NewReader(proposal.Set.Payload); ; {
			message, err := reader.Next()
			if err != nil {
				break
			}
			switch m := message.(type) {
			case changeset.DroppedSequence:
				given = append(given, "-"+m.Schema+"."+m.Name)
			case changeset.Sequence:
				left = append(left, fmt.Sprintf("%s.%s=%d", m.Schema, m.Name, m.Horizon))
			}
		}
		if len(given)+len(left) > 0 && !proposal.Set.Flags.Has(changeset.HasSequences) {
			t.Error("a change set does not say that it tells of sequences")
		}
	}
	slices.Sort(given)
	slices.Sort(left)
	return strings.Join(append(given, left...), " ")
}

// A state that comes late, when its sequence has been made unlogged and goes its own way, does not set that back.
func TestStateOfASequenceThatIsUnloggedNow(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create sequence parted start 500", "alter sequence parted set unlogged")
	p.Follower.Apply(t, &harness.Proposal{Kind: harness.KindSequences, Sequences: []changeset.SequenceState{
		{Database: "postgres", Schema: "public", Name: "parted", Horizon: 33, Called: true},
	}})
	if got := harness.Value(t, p.Follower.Connect(t), "select last_value::text from parted"); got != "500" {
		t.Errorf("it stands at %s, want 500", got)
	}
	p.Run(t, "drop sequence parted")
}
