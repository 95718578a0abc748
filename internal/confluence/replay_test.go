package confluence

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// An execution is one way to run a transaction, or several in a row: statements with their values filled in.
type execution struct {
	transactions []string
	statements   []string
}

// A replayed is a case with everything to replay it.
type replayed struct {
	report     *Report
	catalog    *catalog
	schema     string
	start      []string
	executions []execution
}

// prepare reads sources as Analyze does, and keeps what the tests need.
func prepare(t testing.TB, sources []Source) *replayed {
	t.Helper()
	report, err := Analyze(Input{Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{catalog: newCatalog()}
	for _, s := range sources {
		r.read(s)
	}
	r.resolve()
	out := &replayed{report: report, catalog: r.catalog}
	for _, s := range sources {
		out.schema += definitions(s.Text)
	}
	return out
}

// definitions returns the statements of a source that are neither in a transaction nor an invariant.
func definitions(text string) string {
	var out strings.Builder
	skip := false
	for _, it := range split(text) {
		switch {
		case it.key == "transaction":
			skip = true
		case it.key != "":
		case strings.EqualFold(it.statement, "commit"):
			skip = false
		case !skip && !strings.HasPrefix(strings.ToUpper(it.statement), "SELECT"):
			out.WriteString(it.statement + ";\n")
		}
	}
	return out.String()
}

// readExecutions reads a case's replay.sql: rows to start with, then executions, each under the name of its transaction.
func (c *replayed) readExecutions(text string) {
	for _, it := range split(text) {
		switch {
		case it.key == "transaction":
			c.executions = append(c.executions, execution{transactions: []string{it.value}})
		case it.key != "":
		case len(c.executions) == 0:
			c.start = append(c.start, it.statement)
		default:
			last := &c.executions[len(c.executions)-1]
			last.statements = append(last.statements, it.statement)
		}
	}
}

// finding is the verdict on a transaction and an invariant; nil if they have nothing to do with each other.
func (c *replayed) finding(transaction, invariant string) *Finding {
	for _, f := range c.report.Findings {
		if f.Transaction == transaction && f.Name == invariant {
			return f
		}
	}
	return nil
}

// free reports whether the transactions may run without coordination, as far as the invariant goes.
func (c *replayed) free(transactions []string, invariant string) bool {
	for _, name := range transactions {
		if f := c.finding(name, invariant); f != nil && f.Verdict != None {
			return false
		}
	}
	return true
}

// allFree reports whether a transaction needs no coordination for anything.
func (c *replayed) allFree(transaction string) bool { return verdictOn(c.report, transaction) == None }

func (c *replayed) transaction(name string) *Transaction {
	for _, t := range c.report.Transactions {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// mergerFor says how what two transactions did is merged.
func (c *replayed) mergerFor(names [2][]string) *merger {
	m := &merger{catalog: c.catalog, counters: make(map[string]bool), largest: make(map[string]bool), upserts: make(map[string]bool)}
	for _, name := range c.report.Merge.Counters {
		m.counters[name] = true
	}
	for _, name := range c.report.Merge.DeferredIDs {
		m.largest[name] = true
	}
	plainInsert := make(map[string]bool)
	for side := range names {
		m.assigned[side] = make(map[string]bool)
		for _, name := range names[side] {
			for _, op := range c.transaction(name).Operations {
				if op.Kind == Insert && op.Upsert == "" {
					plainInsert[op.Table] = true
				}
				for _, s := range op.Sets {
					if op.Kind == Update && !s.delta {
						m.assigned[side][op.Table+"."+s.Column] = true
					}
				}
			}
		}
	}
	for _, t := range c.catalog.order {
		m.upserts[t.name] = !plainInsert[t.name]
	}
	return m
}

// takesNumbers reports whether one of the transactions waits for ids when it commits.
func (c *replayed) takesNumbers(transactions []string) bool {
	for _, f := range c.report.Findings {
		if slices.Contains(transactions, f.Transaction) && f.Verdict == Needed && f.Mechanism == DeferredID {
			return true
		}
	}
	return false
}

// numbers returns statements that bring the second copy's counters and sequences to where the first one left them: the
// deferred ids are what the two agree on.
func (c *replayed) numbers(base, after state) []string {
	var out []string
	for _, name := range c.report.Merge.DeferredIDs {
		tableName, column := name[:strings.LastIndexByte(name, '.')], unqualified(name)
		table := c.catalog.tables[tableName]
		sequence := c.sequenceOf(tableName, column)
		if sequence == "" && table.primary != nil {
			old := byKey(table, base[tableName])
			for key, row := range byKey(table, after[tableName]) {
				if o := old[key]; o != nil && jsonText(o[column]) != jsonText(row[column]) {
					out = append(out, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", ident(tableName), ident(column), sqlText(row[column]), whereKey(table, row)))
				}
			}
			continue
		}
		highest := "0"
		for _, row := range after[tableName] {
			if row[column] != nil && rat(row[column]).Cmp(rat(highest)) > 0 {
				highest = fmt.Sprint(row[column])
			}
		}
		if highest != "0" {
			out = append(out, fmt.Sprintf("SELECT setval('%s', %s)", sequence, highest))
		}
	}
	return out
}

// sequenceOf is the sequence that a column's numbers come from, or empty if they come from a row.
func (c *replayed) sequenceOf(tableName, column string) string {
	for _, t := range c.report.Transactions {
		for _, op := range t.Operations {
			if s, found := op.set(column); found && op.Table == tableName && s.value.origin == sequential {
				return s.value.sequence
			}
		}
	}
	return ""
}

func sqlText(v any) string {
	if v == nil {
		return "NULL"
	}
	return quote(fmt.Sprint(v))
}

func whereKey(t *table, row object) string {
	var parts []string
	for _, name := range t.primary.columns {
		parts = append(parts, ident(name)+" = "+sqlText(row[name]))
	}
	return strings.Join(parts, " AND ")
}

// replay runs every pair of executions on the two copies, merges what they left, and checks every invariant for which
// neither needs coordination. It returns how many pairs it merged.
func (c *replayed) replay(t *testing.T, l *lab) int {
	t.Helper()
	l.clear(t, c.schema)
	for _, sql := range c.start {
		run(t, l.a, sql)
		run(t, l.b, sql)
	}
	base := l.read(t, l.a, c.catalog)
	merged := 0
	for i, x := range c.executions {
		for _, y := range c.executions[i:] {
			if c.replayPair(t, l, base, x, y) {
				merged++
			}
		}
	}
	return merged + c.replayChains(t, l, base)
}

// replayChains runs two transactions in a row on one copy and one on the other, of those that need no coordination for
// anything. At most forty of them are run.
func (c *replayed) replayChains(t *testing.T, l *lab, base state) int {
	t.Helper()
	var free []execution
	for _, x := range c.executions {
		if c.allFree(x.transactions[0]) {
			free = append(free, x)
		}
	}
	merged, left := 0, 40
	for i, x := range free {
		for k, y := range free {
			if left--; i == k || left < 0 {
				continue
			}
			z := free[(i+k)%len(free)]
			chain := execution{append(slices.Clone(x.transactions), y.transactions...), append(slices.Clone(x.statements), y.statements...)}
			if c.replayPair(t, l, base, chain, z) {
				merged++
			}
		}
	}
	return merged
}

func (c *replayed) replayPair(t *testing.T, l *lab, base state, x, y execution) bool {
	t.Helper()
	var free, local []*Invariant
	for _, i := range c.report.Invariants {
		if i.Holds == "" {
			continue
		}
		if c.free(x.transactions, i.Name) && c.free(y.transactions, i.Name) {
			free = append(free, i)
		}
		if i.Kind == Declared {
			local = append(local, i)
		}
	}
	after := func(names []string) []string {
		var out []string
		for _, i := range local {
			f := c.finding(names[0], i.Name)
			if f == nil || f.Mechanism != DeferredID {
				out = append(out, i.Holds)
			}
		}
		return out
	}
	a, err := l.execute(t, l.a, c.catalog, nil, x.statements, after(x.transactions))
	if err != nil {
		return false // the copy itself refuses it
	}
	var agreed []string
	if c.takesNumbers(y.transactions) {
		agreed = c.numbers(base, a)
	}
	b, err := l.execute(t, l.b, c.catalog, agreed, y.statements, after(y.transactions))
	if err != nil {
		return false
	}
	var queries []string
	for _, i := range free {
		queries = append(queries, i.Holds)
	}
	m := c.mergerFor([2][]string{x.transactions, y.transactions})
	for m.winner = range 2 {
		l.load(t, c.catalog, m.merge(base, [2]state{a, b}))
		for _, sql := range c.report.Merge.Derived {
			run(t, l.merged, sql)
		}
		for _, i := range broken(t, l.merged, queries) {
			t.Errorf("REFUTED: %s and %s need no coordination for %s, but broke it: %q and %q", x.transactions, y.transactions, free[i].Name, x.statements, y.statements)
		}
	}
	return true
}

// demonstrate runs the counter-examples: each must keep its invariant on both copies, and break it when merged.
func (c *replayed) demonstrate(t *testing.T, l *lab) int {
	t.Helper()
	shown := 0
	for _, f := range c.report.Findings {
		e := f.Example
		if e == nil {
			continue
		}
		l.clear(t, c.schema)
		started := true
		for _, sql := range e.Start {
			for _, conn := range []*pgx.Conn{l.a, l.b} {
				if err := try(t, conn, sql); err != nil {
					t.Errorf("%s in %s, %s: %s: %v", f.Operation, f.Transaction, f.Name, sql, err)
					started = false
				}
			}
		}
		if !started {
			continue
		}
		base := l.read(t, l.a, c.catalog)
		var sides [2]state
		ok := true
		for side, statements := range [2][]string{e.First, e.Second} {
			s, err := l.execute(t, [2]*pgx.Conn{l.a, l.b}[side], c.catalog, nil, statements, []string{e.Holds})
			if err != nil {
				t.Errorf("%s in %s, %s: %q on one copy: %v", f.Operation, f.Transaction, f.Name, statements, err)
				ok = false
				break
			}
			sides[side] = s
		}
		if !ok {
			continue
		}
		m := c.mergerFor([2][]string{})
		m.upserts, m.largest = nil, nil
		m.byColumn = e.Merge == MergeByColumn
		l.load(t, c.catalog, m.merge(base, sides))
		if len(broken(t, l.merged, []string{e.Holds})) == 0 {
			t.Errorf("%s in %s, %s: the counter-example does not break it:\n%s", f.Operation, f.Transaction, f.Name, e)
		}
		shown++
	}
	return shown
}

func TestReplay(t *testing.T) {
	// On a real PostgreSQL, no verdict "no coordination" of the golden cases is refuted by any pair of executions, and
	// every counter-example breaks its invariant.
	l := newLab(t)
	for _, dir := range caseFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			c := prepare(t, caseSources(t, dir))
			t.Logf("counter-examples: %d", c.demonstrate(t, l))
			data, err := os.ReadFile(filepath.Join(dir, "replay.sql"))
			if os.IsNotExist(err) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c.readExecutions(string(data))
			merged := c.replay(t, l)
			t.Logf("pairs merged: %d", merged)
			if merged == 0 {
				t.Error("no pair of executions could be merged")
			}
		})
	}
}
