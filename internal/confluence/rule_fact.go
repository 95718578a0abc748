package confluence

import "fmt"

// ofFacts judges "one fact holds if and only if another does". A merge keeps that if each fact, once it has changed on
// one copy, has changed in the merged state, and both change in the same direction: the two change together on each copy,
// so they have changed together after the merge.
func (r *claimRule) ofFacts(j *judge, op *Operation, p *part) *Finding {
	var worst *Finding
	note := func(f *Finding) {
		if f != nil && (worst == nil || f.Verdict.worse(worst.Verdict)) {
			worst = f
		}
	}
	for i := range p.facts {
		note(r.ofFact(j, op, p, &p.facts[i]))
	}
	for _, t := range r.outer.tables {
		if t == op.table && op.Kind == Insert {
			note(none(AtomicVisibility, "the new row and what belongs to it become visible together"))
			if op.Upsert != "" {
				note(unclear(fmt.Sprintf("two upserts may make the same row of %s, of which the merge keeps one", op.table.name)))
			}
			for i := range p.facts {
				f := &p.facts[i]
				if f.exists == nil || len(p.facts) == 1 && !f.negate {
					continue
				}
				if why := r.meets(j, op, []*table{f.exists}, f.keys, r.outerOf(f), true); why != "" {
					note(unclear(why))
				}
			}
		}
		if t == op.table && op.Kind == Delete {
			note(none(PlainMerge, "a row that is gone demands nothing"))
		}
	}
	return worst
}

// outerOf returns the columns of the outer row that a fact's condition names.
func (r *claimRule) outerOf(f *fact) []columnOf {
	var out []columnOf
	for _, c := range f.fixed {
		if c.table != f.exists {
			out = append(out, c)
		}
	}
	return out
}

func (r *claimRule) ofFact(j *judge, op *Operation, p *part, f *fact) *Finding {
	alone := len(p.facts) == 1
	if f.exists == nil {
		if op.table != f.column.table || op.Kind != Update || !op.writes([]string{f.column.name}) {
			return nil
		}
	} else {
		if op.Kind == Update && writesAny(op, f.fixed) {
			return unclear("it changes which rows belong together")
		}
		if op.table != f.exists || op.Kind == Update {
			return nil
		}
		if op.Kind == Insert {
			if alone && !f.negate {
				return none(AtomicVisibility, "adding rows cannot break it")
			}
			if r.freshKey(j, op, f) {
				return none(AtomicVisibility, "the row belongs to one that only this copy knows, and becomes visible with it")
			}
			return unclear(fmt.Sprintf("it adds to %s a row that belongs to one that other copies know", op.table.name))
		}
		if alone && !f.negate {
			return unclear("another copy may have come to rely on the deleted row")
		}
	}
	for i := range p.facts {
		if why := r.latch(j, &p.facts[i]); why != "" {
			return unclear(why)
		}
	}
	if !alone && (r.direction(j, &p.facts[0]) == r.direction(j, &p.facts[1])) != p.same {
		return unclear("its two facts change in opposite directions")
	}
	return none(AtomicVisibility, "its facts change together and in one direction only")
}

// freshKey reports whether an insert ties its row to one that no other copy knows.
func (r *claimRule) freshKey(j *judge, op *Operation, f *fact) bool {
	var names []string
	for _, k := range f.keys {
		names = append(names, k.name)
	}
	return isFresh(j.txn, op, names)
}

// latch says why a fact may change back; empty: it changes in one direction, and no merge takes that back.
func (r *claimRule) latch(j *judge, f *fact) string {
	if f.exists != nil {
		if !f.single() {
			return fmt.Sprintf("several rows of %s may belong to one, and two copies may each take away another", f.exists.name)
		}
		at := j.txn
		defer func() { j.txn = at }()
		for _, t := range j.transactions {
			j.txn = t
			for _, op := range t.Operations {
				if op.table == f.exists && op.Kind == Insert && !r.freshKey(j, op, f) {
					return fmt.Sprintf("%s adds such rows again", t.Name)
				}
				if op.table == f.exists && op.Kind == Update && writesAny(op, f.fixed) {
					return fmt.Sprintf("%s changes which rows belong together", t.Name)
				}
			}
		}
		return ""
	}
	t, name := f.column.table, f.column.name
	toNull, toValue := false, false
	for _, op := range j.updates[t] {
		s, found := op.set(name)
		switch {
		case !found:
			return fmt.Sprintf("another update of %s writes the row without %s, and may win with the old value", t.name, name)
		case s.value.origin == absent:
			toNull = true
		case s.value.known:
			toValue = true
		default:
			return fmt.Sprintf("%s.%s is set to something that may be NULL; say what is not with -- assume: such as -- assume: carrier IS NOT NULL", t.name, name)
		}
	}
	if toNull && toValue {
		return fmt.Sprintf("%s.%s is set to NULL and to values", t.name, name)
	}
	return ""
}

// single reports whether at most one row makes the fact true: a key of its table is among what it is looked for by.
func (f *fact) single() bool {
	var names []string
	for _, k := range f.keys {
		names = append(names, k.name)
	}
	for _, k := range f.exists.keys {
		if len(k.parts) == 0 && k.where == nil && len(k.columns) > 0 && subset(k.columns, names) {
			return true
		}
	}
	return false
}

// direction reports whether a fact, if it changes, becomes true.
func (r *claimRule) direction(j *judge, f *fact) bool {
	becomes := false
	if f.exists == nil {
		for _, op := range j.updates[f.column.table] {
			s, _ := op.set(f.column.name)
			becomes = becomes || s.value.origin == absent
		}
	}
	return becomes != f.negate
}

// follows returns a finding if an equation of counts follows from a claim about facts: if every row of R has either a
// row of S, or a value in a column, and the counts are taken such that each row adds nothing in both cases.
func (r *claimRule) follows(j *judge, op *Operation, p *part) *Finding {
	if p.constant != 0 || len(p.terms) != 3 {
		return nil
	}
	for _, i := range j.invariants {
		q, ok := i.rule.(*claimRule)
		if !ok || q.why != "" || len(q.parts) != 1 || len(q.parts[0].facts) != 2 || len(q.outer.tables) != 1 || len(q.guards) > 0 {
			continue
		}
		if q.covers(p) {
			f := q.judge(j, op)
			if f == nil || f.Verdict == None {
				return none(AtomicVisibility, "it follows from "+i.Name)
			}
		}
	}
	return nil
}

// covers reports whether the claim (column IS NULL) = EXISTS (row of S) for each row of R makes three counts add up.
func (r *claimRule) covers(p *part) bool {
	var null, there *fact
	for i := range r.parts[0].facts {
		if f := &r.parts[0].facts[i]; f.exists == nil {
			null = f
		} else {
			there = f
		}
	}
	if null == nil || there == nil || !oneToOne(there, r.outer.tables[0]) {
		return false
	}
	existsIfNull := (null.negate == there.negate) == r.parts[0].same
	var all, some, set float64
	for i := range p.terms {
		t := &p.terms[i]
		if t.agg != "count" || len(t.from) != 1 {
			return false
		}
		plain := len(t.fixed) == len(t.keys)+len(t.to)
		switch {
		case t.from[0] == there.exists && plain:
			some += t.coef
		case t.from[0] == null.column.table && plain:
			all += t.coef
		case t.from[0] == null.column.table && t.isSet(null.column):
			set += t.coef
		default:
			return false
		}
	}
	return existsIfNull && all != 0 && all+some == 0 && all+set == 0
}

// isSet reports whether an aggregate's only condition of its own is that a column is not NULL.
func (t *term) isSet(c columnOf) bool {
	own := 0
	for _, e := range t.conditions {
		if e.kind == logic && e.name == "not" && e.args[0].kind == isNull && e.args[0].args[0].bare().name == c.name {
			own++
		} else if e.kind != operator || e.name != "=" {
			return false
		}
	}
	return own == 1 && len(t.fixed) == len(t.keys)+len(t.to)+1
}

// oneToOne reports whether a fact's rows each belong to exactly one outer row: their key refers to its key.
func oneToOne(f *fact, outer *table) bool {
	if f.exists.primary == nil || outer.primary == nil {
		return false
	}
	for _, k := range f.exists.foreign {
		if k.parent == outer && subset(f.exists.primary.columns, k.columns) && subset(k.columns, f.exists.primary.columns) && subset(outer.primary.columns, k.to) {
			return len(f.keys) == len(k.columns)
		}
	}
	return false
}
