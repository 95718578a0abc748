package confluence

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// An Example is a counter-example: two copies that start equal, what a transaction does on each, and why the merged
// state breaks the invariant. Start, First and Second are statements; Holds is a query that is false after the merge
// and was not false on either copy.
type Example struct {
	Start  []string `json:"start"`
	First  []string `json:"first"`
	Second []string `json:"second"`
	Merge  string   `json:"merge"` // how the copies are merged: one of the Merge constants
	Merged string   `json:"merged"`
	Holds  string   `json:"holds"`
}

// How an example's copies are merged.
const (
	MergeRows     = "rows by primary key, counters by what was added"
	MergeByColumn = "rows by primary key, of each row every column that a copy has changed"
)

// done finishes an example, or gives it up if the rows could not be made.
func (s *sampler) done(e *Example) *Example {
	if s.failed || e.Holds == "" {
		return nil
	}
	e.Start = append(s.start, e.Start...)
	if e.Merge == "" {
		e.Merge = MergeRows
	}
	return e
}

// pairs returns two rows that have the given cells in common and differ in the rest.
func (s *sampler) pair(t *table, common []cell) (a, b []cell) {
	return s.row(t, 1, common), s.row(t, 2, common)
}

func (r keyRule) example(j *judge, op *Operation) *Example {
	s := newSampler(j.catalog)
	holds := holdsKey(r.table, r.key)
	columns := r.key.columns
	for _, e := range r.key.parts {
		columns = append(columns[:len(columns):len(columns)], columnsOf(e)...)
	}
	yes, noCells, ok := r.predicate()
	if !ok || r.table.primary == nil && op.Kind == Update {
		return nil
	}
	var same []cell
	for _, f := range r.table.foreign { // a key that refers elsewhere refers to a row that is there
		if f.parent == nil || f.parent == r.table || len(f.to) != len(f.columns) || !overlap(f.columns, columns) {
			continue
		}
		row := s.parent(f.parent, nil)
		for i, name := range f.columns {
			if sql, found := lookup(row, f.to[i]); found {
				same = append(same, cell{name, sql})
			}
		}
	}
	referring := same[:len(same):len(same)]
	for _, name := range columns {
		if c := r.table.index[name]; c != nil {
			if _, found := lookup(same, name); !found {
				same = append(same, cell{name, s.value(r.table, c, 1)})
			}
		}
	}
	if op.Kind == Insert {
		a, b := s.pair(r.table, append(same, yes...))
		return s.done(&Example{
			First: []string{insertSQL(r.table, a)}, Second: []string{insertSQL(r.table, b)}, Holds: holds,
			Merged: fmt.Sprintf("both rows are in %s, with the same %s", r.table.name, strings.Join(r.key.all(), ", ")),
		})
	}
	var sets, kept []cell
	for _, name := range columns {
		if sql, refers := lookup(referring, name); refers && op.writes([]string{name}) {
			if r.table.index[name].notNull {
				return nil
			}
			sets, kept = append(sets, cell{name, sql}), append(kept, cell{name, "NULL"})
		} else if op.writes([]string{name}) {
			sets = append(sets, cell{name, s.value(r.table, r.table.index[name], 3)})
		} else if sql, found := lookup(same, name); found && !overlap(r.table.primary.columns, []string{name}) {
			kept = append(kept, cell{name, sql})
		}
	}
	before := yes
	for _, y := range yes {
		if op.writes([]string{y.column}) {
			sets, before = append(sets, y), noCells
		}
	}
	a, b := s.pair(r.table, append(kept, before...))
	return s.done(&Example{
		Start: []string{insertSQL(r.table, a), insertSQL(r.table, b)}, First: []string{updateSQL(r.table, a, sets...)}, Second: []string{updateSQL(r.table, b, sets...)}, Holds: holds,
		Merged: fmt.Sprintf("two rows of %s have the same %s", r.table.name, strings.Join(r.key.all(), ", ")),
	})
}

// predicate returns cells that satisfy a partial index's condition, and cells that do not.
func (r keyRule) predicate() (yes, no []cell, ok bool) {
	if r.key.where == nil {
		return nil, nil, true
	}
	for _, e := range r.key.where.conjuncts() {
		switch {
		case e.kind == column:
			yes, no = append(yes, cell{e.name, "true"}), append(no, cell{e.name, "false"})
		case e.kind == operator && e.name == "=" && len(e.args) == 2 && e.args[0].bare().kind == column && e.args[1].bare().kind == literal:
			return nil, nil, false
		case e.kind == isNull && e.args[0].bare().kind == column:
			yes = append(yes, cell{e.args[0].bare().name, "NULL"})
		default:
			return nil, nil, false
		}
	}
	return yes, no, true
}

func (r exclusionRule) example(j *judge, op *Operation) *Example { return nil }

func (r sequentialRule) example(j *judge, op *Operation) *Example {
	s := newSampler(j.catalog)
	row := func(n int) []cell {
		var out []cell
		for _, a := range s.row(r.table, n, nil) {
			if a.column != r.column.name {
				out = append(out, a)
			}
		}
		if r.column.sequence == "" { // the statement itself draws the number
			drawn, _ := op.set(r.column.name)
			out = append(out, cell{r.column.name, "nextval(" + quote(drawn.value.sequence) + ")"})
		}
		return out
	}
	holds := fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM %s GROUP BY %s HAVING count(*) > 1)", ident(r.table.name), ident(r.column.name))
	return s.done(&Example{
		First: []string{insertSQL(r.table, row(1))}, Second: []string{insertSQL(r.table, row(2))}, Holds: holds,
		Merged: fmt.Sprintf("both rows drew the same %s", r.column.name),
	})
}

func (r handOutRule) example(j *judge, op *Operation) *Example {
	for _, o := range j.txn.Operations {
		for _, k := range o.table.keys {
			if o.Kind == Insert && j.txn.numberOf(o, k.columns) == r.column {
				e := numberedExample(j, columnOf{table: r.table, name: r.column.name})
				if e != nil {
					e.Holds = holdsKey(o.table, k)
				}
				return e
			}
		}
	}
	return nil
}

func (r *claimRule) numberExample(j *judge, op *Operation, c columnOf) *Example {
	e := numberedExample(j, c)
	if e != nil {
		e.Holds = r.claim.sql
	}
	return e
}

// numberedExample has two copies take the same number from a row and write the rows that the transaction writes with it.
func numberedExample(j *judge, c columnOf) *Example {
	s := newSampler(j.catalog)
	from := s.parent(c.table, []cell{{c.name, "1"}})
	take := j.txn.increments(c.table, c.name)
	if take == nil {
		return nil
	}
	takes := []string{updateSQL(c.table, from, cell{c.name, ident(c.name) + " + 1"})}
	var first, second []string
	seen := make(map[*table]bool)
	for _, op := range j.txn.Operations {
		if op.Kind != Insert || seen[op.table] || !slices.ContainsFunc(op.table.keys, func(k *key) bool { return j.txn.numberOf(op, k.columns) != nil }) {
			continue
		}
		seen[op.table] = true
		var given []cell
		for _, set := range op.Sets {
			switch {
			case set.value.origin == read && set.value.table == c.table && set.value.column == c.name:
				given = append(given, cell{set.Column, "1"})
			default:
				for _, b := range take.binds {
					if b.value.text == set.value.text {
						sql, _ := lookup(from, b.column)
						given = append(given, cell{set.Column, sql})
					}
				}
			}
		}
		row := s.row(op.table, 1, given)
		s.made[op.table] = row
		first = append(first, insertSQL(op.table, row))
		if op.table.primary != nil && j.txn.numberOf(op, op.table.primary.columns) == nil {
			row = s.row(op.table, 2, given) // a row of its own, with the same number
		}
		second = append(second, insertSQL(op.table, row))
	}
	return s.done(&Example{
		First: append(takes, first...), Second: append(takes[:1:1], second...), Holds: "SELECT true",
		Merged: fmt.Sprintf("both copies gave out number 1, and %s.%s stands at 3", c.table.name, c.name),
	})
}

func (r foreignRule) example(j *judge, op *Operation) *Example {
	s := newSampler(j.catalog)
	parent := s.parent(r.f.parent, nil)
	var refs []cell
	for i, name := range r.f.columns {
		sql, found := lookup(parent, r.f.to[i])
		if !found {
			c := r.f.parent.index[r.f.to[i]]
			if c == nil {
				return nil
			}
			return nil
		}
		refs = append(refs, cell{name, sql})
	}
	n := 1
	if r.f.child == r.f.parent {
		n = 2
	}
	child := s.row(r.f.child, n, refs)
	e := &Example{First: []string{fmt.Sprintf("DELETE FROM %s WHERE %s", ident(r.f.parent.name), where(r.f.parent, parent))}, Second: []string{insertSQL(r.f.child, child)}, Holds: holdsForeign(r.f)}
	if op.Kind == Update {
		var sets []cell
		for _, name := range r.f.to {
			sets = append(sets, cell{name, s.value(r.f.parent, r.f.parent.index[name], 3)})
		}
		e.First = []string{updateSQL(r.f.parent, parent, sets...)}
	}
	e.Merged = fmt.Sprintf("the row of %s refers to a row of %s that is gone", r.f.child.name, r.f.parent.name)
	return s.done(e)
}

// example has two copies each move a counter towards its bound.
func (r checkRule) example(j *judge, op *Operation, set Set, a atom) *Example {
	k := a.terms[set.Column]
	if k == 0 || r.table.primary == nil {
		return nil
	}
	s := newSampler(j.catalog)
	toward := -1.0 // the direction in which the column breaks the atom
	if (a.op[0] == '<') == (k > 0) {
		toward = 1
	}
	const others = 20.0 // what the columns hold that it is compared with
	bound := -a.constant / k
	for _, name := range a.names() {
		if name != set.Column {
			bound -= others * a.terms[name] / k
		}
	}
	room, step := 10.0, 7.0
	low, high := math.Inf(-1), math.Inf(1)
	for _, x := range r.table.checks {
		for _, b := range atomsOf(x.cond) {
			if len(b.columns) == 1 && b.terms[set.Column] != 0 {
				low, high = b.narrow(set.Column, low, high)
			}
		}
	}
	if width := high - low; width < room {
		room, step = width, math.Ceil(math.Max(width*0.6, 1))
	}
	cells := []cell{{set.Column, plainNumber(bound - toward*room)}}
	for _, name := range a.names() {
		if name != set.Column {
			cells = append(cells, cell{name, plainNumber(others)})
		}
	}
	row := s.row(r.table, 1, cells)
	sign := "-"
	if toward > 0 {
		sign = "+"
	}
	move := []string{updateSQL(r.table, row, cell{set.Column, fmt.Sprintf("%s %s %g", ident(set.Column), sign, step)})}
	return s.done(&Example{
		Start: []string{insertSQL(r.table, row)}, First: move, Second: move, Holds: holdsCheck(r.table, r.check),
		Merged: fmt.Sprintf("%s is %s", set.Column, plainNumber(bound-toward*room+2*toward*step)),
	})
}

// partial has two copies set one each of two columns that are compared.
func (r checkRule) partial(j *judge, op *Operation, columns, missing []string) *Example {
	if len(columns) != 1 || len(missing) != 1 || r.table.primary == nil {
		return nil
	}
	for _, a := range r.atoms {
		less, more := columns[0], missing[0]
		if len(a.terms) != 2 || a.op == "" || a.op == "=" || a.op == "<>" || a.constant != 0 || a.terms[less]*a.terms[more] != -1 {
			continue
		}
		if (a.op[0] == '<') != (a.terms[less] > 0) {
			less, more = more, less
		}
		s := newSampler(j.catalog)
		sample := func(column string, n int) string { return s.sample(r.table.index[column].typ, n) }
		row := s.row(r.table, 1, []cell{{less, sample(less, 1)}, {more, sample(more, 10)}})
		raise := []string{updateSQL(r.table, row, cell{less, sample(less, 8)})}
		lower := []string{updateSQL(r.table, row, cell{more, sample(more, 4)})}
		if less != columns[0] {
			raise, lower = lower, raise
		}
		return s.done(&Example{
			Start: []string{insertSQL(r.table, row)}, First: raise, Second: lower, Merge: MergeByColumn, Holds: holdsCheck(r.table, r.check),
			Merged: fmt.Sprintf("%s is %s and %s is %s; a merge of whole rows would lose one of the two updates", less, sample(less, 8), more, sample(more, 4)),
		})
	}
	return nil
}
