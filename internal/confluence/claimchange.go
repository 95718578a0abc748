package confluence

import (
	"fmt"
	"strings"
)

// A change is what an operation does to the sum of a part's terms.
type change struct {
	touches bool
	adds    bool   // to a counter
	why     string // merging does not simply add it up; empty: it does
	flips   []*term
	sign    Sign // how the sum may move
}

// not notes that merging does not simply add up what the operation does.
func (c *change) not(format string, args ...any) {
	if c.why == "" {
		c.why = fmt.Sprintf(format, args...)
	}
}

// changeOf finds out whether merging adds up what an operation does to a sum: then the sum of a merged state is that of
// the start, plus what each side added to it.
func (r *claimRule) changeOf(j *judge, op *Operation, p *part) change {
	c := change{}
	switch op.Kind {
	case Insert:
		r.inserted(j, op, p, &c)
	case Delete:
		for i := range p.terms {
			if t := &p.terms[i]; t.counts(op.table) {
				c.touches = true
				c.sign |= signOfCoef(-t.coef).times(t.summed()) | Zero
				c.not("two copies may delete the same row of %s, and both count it", op.table.name)
			}
		}
		for _, t := range r.outer.tables {
			c.touches = c.touches || t == op.table
		}
		c.sign |= Zero
	case Update:
		r.updated(j, op, p, &c)
	}
	return c
}

// summed is the sign of what one row adds to an aggregate.
func (t *term) summed() Sign {
	if t.agg == "count" {
		return Positive
	}
	return t.column.table.signOf(t.column.name)
}

func signOfCoef(n float64) Sign {
	switch {
	case n > 0:
		return Positive
	case n < 0:
		return Negative
	}
	return Zero
}

func (r *claimRule) inserted(j *judge, op *Operation, p *part, c *change) {
	for i := range p.terms {
		t := &p.terms[i]
		if !t.counts(op.table) {
			continue
		}
		c.touches = true
		value := Positive
		if t.agg == "sum" {
			s, _ := op.set(t.column.name)
			value = s.value.sign
			if t.column.table != op.table {
				value = anySign
			}
		}
		c.sign = c.sign.orZero().add(signOfCoef(t.coef).times(value) | Zero)
		if op.Upsert != "" {
			c.not("two upserts may mean the same row of %s, and both count it", op.table.name)
		}
		if len(t.from) > 1 && !t.joinedByKeys() {
			c.not("its tables are not joined by a foreign key, so rows of two copies may meet")
		}
	}
	for _, t := range r.outer.tables {
		if t != op.table {
			continue
		}
		c.touches = true
		c.sign |= Zero
		if op.Upsert != "" {
			c.not("two upserts may make the same row of %s, of which the merge keeps one", op.table.name)
			c.sign = anySign
		}
		for i := range p.terms {
			if why := r.meets(j, op, p.terms[i].from, p.terms[i].keys, p.terms[i].to, p.terms[i].agg != ""); why != "" {
				c.not("%s", why)
				c.sign = anySign
			}
		}
	}
	if c.sign == 0 {
		c.sign = Zero
	}
}

func (s Sign) orZero() Sign {
	if s == 0 {
		return Zero
	}
	return s
}

// meets says why a new outer row may meet rows that another copy adds to the tables that it looks at; empty: it cannot.
func (r *claimRule) meets(j *judge, op *Operation, from []*table, keys, to []columnOf, looks bool) string {
	if !looks {
		return ""
	}
	grows := false
	for _, t := range from {
		grows = grows || len(j.inserts[t])+len(j.updates[t])+len(j.deletes[t]) > 0
	}
	if !grows {
		return ""
	}
	var names []string
	for _, c := range to {
		if c.table == op.table {
			names = append(names, c.name)
		}
	}
	if isFresh(j.txn, op, names) {
		return ""
	}
	for i := range keys {
		if op.table.primary == nil || !isFresh(j.txn, op, op.table.primary.columns) {
			break // another copy may make the row too
		}
		for _, f := range keys[i].table.foreign {
			if f.parent == op.table && overlap(f.columns, []string{keys[i].name}) && overlap(f.to, []string{to[i].name}) && subset(f.to, names) {
				return ""
			}
		}
	}
	return fmt.Sprintf("a new row of %s may meet rows that another copy adds, for the same key", op.table.name)
}

// isFresh reports whether an insert gives one of the columns a value that no other copy can know.
func isFresh(t *Transaction, op *Operation, columns []string) bool {
	for _, name := range columns {
		if s, found := op.set(name); found && (s.value.origin == generated || s.value.origin == sequential && op.Upsert == "") {
			return true
		}
	}
	return t.numberOf(op, columns) != nil
}

// joinedByKeys reports whether the tables of an aggregate are joined along foreign keys: then a row finds only rows that
// were there when it was written.
func (t *term) joinedByKeys() bool {
	has := func(table *table, names []string) bool {
		for _, name := range names {
			found := false
			for _, c := range t.fixed {
				found = found || c.table == table && c.name == name
			}
			if !found {
				return false
			}
		}
		return true
	}
	joined := 0
	for _, x := range t.from {
		for _, f := range x.foreign {
			if f.parent != nil && f.parent != x && t.counts(f.parent) && has(x, f.columns) && has(f.parent, f.to) {
				joined++
				break
			}
		}
	}
	return joined >= len(t.from)-1
}

func (r *claimRule) updated(j *judge, op *Operation, p *part, c *change) {
	for i := range p.terms {
		if p.terms[i].counts(op.table) && op.table.primary == nil {
			c.touches, c.sign = true, anySign
			c.not("%s has no primary key to merge rows by: two updates of one row make two", op.table.name)
		}
	}
	for _, s := range op.Sets {
		for i := range p.terms {
			t := &p.terms[i]
			of := columnOf{table: op.table, name: s.Column}
			switch {
			case contains(t.fixed, of):
				c.touches = true
				c.flips = append(c.flips, t)
				c.sign |= signOfCoef(t.coef).times(t.flip(s).times(t.summed())) | Zero
				c.not("two copies may change %s.%s of the same row, and both count it", op.table.name, s.Column)
			case t.column.table == op.table && t.column.name == s.Column && (t.agg == "" || t.counts(op.table)):
				c.touches = true
				if j.adds(op.table, s) && op.table.primary != nil && (op.table.index[s.Column].notNull || !s.value.vanishes) {
					c.adds = true
					c.sign = c.sign.orZero().add(signOfCoef(t.coef).times(s.value.shift))
				} else {
					c.sign = anySign
					c.not("%s.%s is assigned, or may become NULL: of two updates of one row, one is lost", op.table.name, s.Column)
				}
			case op.table.primary != nil && overlap(op.table.primary.columns, []string{s.Column}) && t.counts(op.table):
				c.touches = true
				c.sign = anySign
				c.not("it changes the key of rows that are counted")
			}
		}
	}
}

func contains(columns []columnOf, c columnOf) bool {
	for _, x := range columns {
		if x.table == c.table && x.name == c.name {
			return true
		}
	}
	return false
}

// flip is the sign by which the number of rows moves that an aggregate counts, if a column is set so.
func (t *term) flip(s Set) Sign {
	for _, e := range t.conditions {
		if !overlap(columnsOf(e), []string{s.Column}) {
			continue
		}
		switch matches := satisfies(e, s.value); matches {
		case Positive, Negative:
			return matches | Zero
		}
		return anySign
	}
	return anySign
}

// satisfies is Positive if a column with that value satisfies a condition, Negative if not, and any if that is not known.
func satisfies(e expr, v value) Sign {
	switch {
	case e.kind == logic && e.name == "not":
		return satisfies(e.args[0], v).negate()
	case e.kind == isNull:
		switch {
		case v.origin == absent:
			return Positive
		case v.known:
			return Negative
		}
	case e.kind == column && v.text == "'true'":
		return Positive
	case e.kind == column && v.text == "'false'":
		return Negative
	case e.kind == operator && (e.name == "=" || e.name == "<>") && len(e.args) == 2 && e.args[1].bare().kind == literal && strings.HasPrefix(v.text, "'"):
		if (v.text == "'"+e.args[1].bare().name+"'") == (e.name == "=") {
			return Positive
		}
		return Negative
	}
	return anySign
}
