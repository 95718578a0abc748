package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// describe writes a payload as one line for each message.
func describe(t *testing.T, payload []byte) []string {
	t.Helper()
	var lines []string
	relations := map[uint32]changeset.Relation{}
	r := changeset.NewReader(payload)
	for {
		m, err := r.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatalf("payload after %q: %v", lines, err)
		}
		switch m := m.(type) {
		case changeset.Relation:
			relations[m.Number] = m
			lines = append(lines, fmt.Sprintf("R %s", m.Name))
		case changeset.Insert:
			lines = append(lines, fmt.Sprintf("I %s %s", relations[m.Relation].Name, row(relations[m.Relation], m.New)))
		case changeset.Update:
			old := ""
			if m.OldKind != changeset.OldNone {
				old = string(rune(m.OldKind)) + row(relations[m.Relation], m.Old) + " "
			}
			lines = append(lines, fmt.Sprintf("U %s %s%s", relations[m.Relation].Name, old, row(relations[m.Relation], m.New)))
		case changeset.Delete:
			lines = append(lines, fmt.Sprintf("D %s %c%s", relations[m.Relation].Name, rune(m.OldKind), row(relations[m.Relation], m.Old)))
		default:
			lines = append(lines, fmt.Sprintf("%T", m))
		}
	}
}

// row writes a tuple as (a,b,...).
func row(r changeset.Relation, tuple changeset.Tuple) string {
	var parts []string
	for i, v := range tuple {
		switch v.Form {
		case changeset.TextValue:
			text := string(v.Data)
			if len(text) > 20 {
				text = fmt.Sprintf("%s...%d", text[:3], len(text))
			}
			parts = append(parts, text)
		case changeset.BinaryValue:
			if r.Columns[i].TypeName == "int4" {
				parts = append(parts, fmt.Sprint(int32(binary.BigEndian.Uint32(v.Data))))
				continue
			}
			parts = append(parts, fmt.Sprintf("%x", v.Data))
		case changeset.Null:
			parts = append(parts, "-")
		case changeset.Unchanged:
			parts = append(parts, "=")
		}
	}
	return "(" + strings.Join(parts, ",") + ")"
}

// captured runs statements as one transaction and returns its change set.
func captured(t *testing.T, s *harness.Server, statements ...string) []string {
	t.Helper()
	conn := s.Connect(t)
	before := len(s.Gate.Chosen())
	harness.Execute(t, conn, "begin")
	harness.Execute(t, conn, statements...)
	harness.Execute(t, conn, "commit")
	after := s.Gate.Chosen()
	if len(after) != before+1 {
		t.Fatalf("%d proposals instead of one", len(after)-before)
	}
	return describe(t, after[before].Set.Payload)
}

// emptied returns the shared leader with these tables of its fixture empty.
func emptied(t *testing.T, tables string) *harness.Server {
	t.Helper()
	s := harness.SharedLeader(t)
	harness.Execute(t, s.Connect(t), "truncate "+tables)
	return s
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("captured\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// A BEFORE trigger that deletes what the statement will insert: the changes of
// both rows alternate, as they happened (rule 1).
func TestOrderIsTheMomentOfTheChange(t *testing.T) {
	s := emptied(t, "upsert")
	captured(t, s, "insert into upsert values (1, 'a'), (2, 'a')")
	wantLines(t, captured(t, s, "insert into upsert values (1, 'b'), (2, 'b')"),
		"R upsert",
		"D upsert K(1,-)", "I upsert (1,b)",
		"D upsert K(2,-)", "I upsert (2,b)")
}

// Each kind of row change, and the image of the old row that goes with it.
func TestRowChanges(t *testing.T) {
	s := emptied(t, "plain, keyless, generated, parted, second_key, dropped")
	for _, c := range []struct {
		name, sql string
		want      []string
	}{
		{"insert", "insert into plain values (1, 'a'), (2, null)",
			[]string{"R plain", "I plain (1,a)", "I plain (2,-)"}},
		{"update", "update plain set v = 'b' where k = 1", []string{"R plain", "U plain (1,b)"}},
		{"update of a key", "update plain set k = 3 where k = 1",
			[]string{"R plain", "U plain K(1,-) (3,b)"}},
		{"on conflict", "insert into plain values (3, 'c'), (4, 'd') on conflict (k) do update set v = excluded.v",
			[]string{"R plain", "U plain (3,c)", "I plain (4,d)"}},
		{"merge", "merge into plain using (values (3), (4), (5)) s(k) on plain.k = s.k " +
			"when matched and s.k = 3 then delete when matched then update set v = 'm' " +
			"when not matched then insert values (s.k, 'n')",
			[]string{"R plain", "D plain K(3,-)", "U plain (4,m)", "I plain (5,n)"}},
		{"delete", "delete from plain where k >= 4", []string{"R plain", "D plain K(4,-)", "D plain K(5,-)"}},
		{"without a key", "insert into keyless values (1, 'x'); update keyless set b = 'y'; delete from keyless",
			[]string{"R keyless", "I keyless (1,x)", "U keyless O(1,x) (1,y)", "D keyless O(1,y)"}},
		{"generated", "insert into generated values (4); update generated set k = 5",
			[]string{"R generated", "I generated (4,8)", "U generated K(4,-) (5,10)"}},
		{"partitions", "insert into parted values (1, 'a'), (101, 'b'); update parted set k = 102 where k = 1",
			[]string{"R parted_low", "I parted_low (1,a)", "R parted_high", "I parted_high (101,b)",
				"D parted_low K(1,-)", "I parted_high (102,a)"}},
		{"two-column key", "insert into second_key values (1, null, 2); update second_key set b = 'x'; delete from second_key",
			[]string{"R second_key", "I second_key (1,-,2)", "U second_key (1,x,2)", "D second_key K(1,-,2)"}},
		{"dropped and added columns", "insert into dropped values (1, 'b'); delete from dropped",
			[]string{"R dropped", "I dropped (1,b,5)", "D dropped K(1,-,-)"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantLines(t, captured(t, s, c.sql), c.want...) })
	}
}

// A value stored out of line travels when it is new, and does not when an
// update leaves it alone.
func TestOutOfLineValues(t *testing.T) {
	s := emptied(t, "big, long_key")
	wantLines(t, captured(t, s, "insert into big values (1, 1, repeat('x', 10000))"),
		"R big", "I big (1,1,xxx...10000)")
	wantLines(t, captured(t, s, "update big set n = 2"), "R big", "U big (1,2,=)")
	wantLines(t, captured(t, s, "update big set v = repeat('y', 9000)"), "R big", "U big (1,2,yyy...9000)")
	wantLines(t, captured(t, s, "delete from big"), "R big", "D big K(1,-,-)")

	// The key of a row is always there to find it by.
	wantLines(t, captured(t, s, "insert into long_key values (repeat('k', 2500), 1)"),
		"R long_key", "I long_key (kkk...2500,1)")
	wantLines(t, captured(t, s, "update long_key set n = 2"), "R long_key", "U long_key (kkk...2500,2)")
}

// A rolled-back savepoint takes its changes with it, and the relations that
// only it described.
func TestSavepoints(t *testing.T) {
	s := emptied(t, "plain, keyless")
	wantLines(t, captured(t, s,
		"insert into plain values (10, 'kept')",
		"savepoint a",
		"insert into keyless values (1, 'lost')",
		"savepoint b",
		"insert into plain values (11, 'lost')",
		"release b",
		"rollback to a",
		"insert into keyless values (2, 'kept')",
		"do $$ begin begin insert into plain values (12, 'lost'); perform 1/0; exception when division_by_zero then null; end; end $$",
		"insert into plain values (13, 'kept')",
		"delete from plain where k >= 10",
		"delete from keyless"),
		"R plain", "I plain (10,kept)", "R keyless", "I keyless (2,kept)", "I plain (13,kept)",
		"D plain K(10,-)", "D plain K(13,-)", "D keyless O(2,kept)")
}

// COPY is captured row by row, frozen or not.
func TestCopy(t *testing.T) {
	s := emptied(t, "plain")
	conn := s.Connect(t)
	before := len(s.Gate.Chosen())
	if _, err := conn.PgConn().CopyFrom(harness.Context(t), strings.NewReader("20\ta\n21\tb\n"), "copy plain from stdin"); err != nil {
		t.Fatal(err)
	}
	wantLines(t, describe(t, s.Gate.Chosen()[before].Set.Payload),
		"R plain", "I plain (20,a)", "I plain (21,b)")
	captured(t, s, "delete from plain where k >= 20")
}

// A change set that outgrows its memory travels in chunks and loses nothing,
// also when a savepoint that is rolled back had been spilled.
func TestSpill(t *testing.T) {
	s := emptied(t, "plain")
	conn := s.Connect(t)
	before := len(s.Gate.Chosen())
	harness.Execute(t, conn, "set barista.spill_limit = '64kB'", "begin",
		"insert into plain select i, 'kept' from generate_series(1000, 20999) i",
		"savepoint a",
		"insert into plain select i, 'lost' from generate_series(100000, 119999) i",
		"rollback to a",
		"insert into plain values (999, 'last')",
		"commit")
	p := s.Gate.Chosen()[before]
	if p.Set.Chunks == 0 || !p.Set.Flags.Has(changeset.Last) {
		t.Errorf("flags %v, %d chunks", p.Set.Flags, p.Set.Chunks)
	}
	lines := describe(t, p.Set.Payload)
	if len(lines) != 20002 || lines[1] != "I plain (1000,kept)" ||
		lines[20000] != "I plain (20999,kept)" || lines[20001] != "I plain (999,last)" {
		t.Errorf("%d messages, first %q, last %q", len(lines), lines[:2], lines[len(lines)-2:])
	}

	// An error after some chunks are gone discards them: nothing is proposed.
	harness.Execute(t, conn, "begin", "delete from plain where k >= 999", "rollback")
	if got := len(s.Gate.Chosen()); got != before+1 {
		t.Errorf("a rolled-back transaction was proposed")
	}
	harness.Execute(t, conn, "delete from plain where k >= 999")
}

// While chunks are on their way nothing is proposed yet: a cancel and a closed
// epoch both end the transaction as not committed.
func TestEndWhileChunksAreSent(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: heldFixture})
	const large = "insert into held select i, 0 from generate_series(1000, 200000) i"
	start := func() (conn *pgx.Conn, commit *harness.Running, resume func()) {
		conn = s.Connect(t)
		harness.Execute(t, conn, "set barista.spill_limit = '64kB'")
		before, _ := s.Gate.Counts()
		resume = s.Gate.StallChunks()
		t.Cleanup(resume)
		commit = harness.Begin(t, conn, large)
		harness.Eventually(t, "a chunk is on its way", func() bool { now, _ := s.Gate.Counts(); return now > before })
		return conn, commit, resume
	}

	conn, commit, resume := start()
	pid := fmt.Sprint(conn.PgConn().PID())
	harness.Execute(t, s.Connect(t), "select pg_cancel_backend("+pid+")")
	if state := commit.Wait(); state != "57014" {
		t.Errorf("cancelled: %s", state)
	}
	resume()
	harness.Execute(t, conn, "update held set v = 1 where k = 1") // by a new connection

	_, commit, resume = start()
	s.Close()
	resume()
	if state := commit.Wait(); state != "40001" {
		t.Errorf("closed: %s", state)
	}
	if log := s.Gate.Chosen(); len(log) != 1 {
		t.Errorf("%d proposals", len(log))
	}
	if got := harness.Value(t, s.Connect(t), "select count(*) from held"); got != "20" {
		t.Errorf("%s rows", got)
	}
}

// Text travels in the server's encoding, whatever the client's is.
func TestClientEncoding(t *testing.T) {
	s := emptied(t, "plain")
	conn := s.Connect(t, "client_encoding", "LATIN1")
	before := len(s.Gate.Chosen())
	harness.Execute(t, conn, "insert into plain values (30, chr(233))", "delete from plain where k = 30")
	wantLines(t, describe(t, s.Gate.Chosen()[before].Set.Payload), "R plain", "I plain (30,é)")
}
