package confluence

import (
	"sort"
	"strings"
)

// ofExtremes judges parts with max or min: the numbers that a table hands out follow each other. A new number has to be
// agreed on; taking away the lowest row leaves an end of the sequence on every copy, and ends merge to an end.
func (r *claimRule) ofExtremes(j *judge, op *Operation, p *part) *Finding {
	touches := false
	for i := range p.terms {
		t := &p.terms[i]
		touches = touches || t.counts(op.table) && (op.Kind != Update || op.writes([]string{t.column.name}) || writesAny(op, t.fixed))
		touches = touches || t.agg == "" && t.column.table == op.table && op.writes([]string{t.column.name}) && op.Kind == Update
	}
	for _, t := range r.outer.tables {
		touches = touches || t == op.table && op.Kind == Insert
	}
	if !touches {
		return nil
	}
	if r.derived != nil {
		return none(AtomicVisibility, "it is brought up to date with the rows that it is made of")
	}
	if c := r.handsOut(j, op, p); c != nil {
		f := needed("numbers that two copies take from it collide, so they no longer follow each other")
		f.Mechanism = DeferredID
		f.Subject = r.claim.name
		f.Why += ": the number comes from " + c.table.name + "." + c.name
		f.Example = r.numberExample(j, op, *c)
		return f
	}
	if op.Kind == Delete && r.takesLowest(op, p) {
		return none(AtomicVisibility, "it takes the lowest away: what is left on each copy is an end of the same sequence")
	}
	return unclear("whether the highest and lowest stay right after a merge is not known")
}

// handsOut returns the column whose numbers the operation takes: of a row that hands them out, or a sequence.
func (r *claimRule) handsOut(j *judge, op *Operation, p *part) *columnOf {
	for i := range p.terms {
		t := &p.terms[i]
		switch {
		case op.Kind == Update && t.agg == "" && t.column.table == op.table && j.numbered[op.table.index[t.column.name]]:
			if s, found := op.set(t.column.name); found && s.delta {
				return &t.column
			}
		case op.Kind == Insert && t.counts(op.table) && t.column.table == op.table:
			s, _ := op.set(t.column.name)
			if s.value.origin == sequential {
				return &columnOf{table: op.table, name: t.column.name}
			}
			if s.value.origin == read && s.value.table != nil && j.numbered[s.value.table.index[s.value.column]] {
				return &columnOf{table: s.value.table, name: s.value.column}
			}
		}
	}
	return nil
}

// takesLowest reports whether a delete takes the one row of its group whose column is the lowest.
func (r *claimRule) takesLowest(op *Operation, p *part) bool {
	if !op.bindsKey() {
		return false
	}
	for i := range p.terms {
		t := &p.terms[i]
		if !t.counts(op.table) || t.agg == "count" && t.column.table == nil {
			continue
		}
		v, found := op.bound(t.column.name)
		if !found || len(t.from) != 1 || len(t.fixed) != len(t.keys)+len(t.to) {
			return false
		}
		var group []string
		for _, k := range t.keys {
			b, found := op.bound(k.name)
			if !found {
				return false
			}
			group = append(group, k.name+"="+b.text)
		}
		if v.lowest != lowestOf(op.table, t.column.name, group) {
			return false
		}
	}
	return true
}

// lowestOf names the lowest value of a column among the rows that match.
func lowestOf(t *table, column string, binds []string) string {
	binds = append([]string(nil), binds...)
	sort.Strings(binds)
	return t.name + "." + column + "(" + strings.Join(binds, ",") + ")"
}
