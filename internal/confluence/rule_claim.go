package confluence

import "fmt"

// judge applies the claim to an operation: the worst of its parts counts.
func (r *claimRule) judge(j *judge, op *Operation) *Finding {
	if op.Kind == Read || op.Kind == Lock {
		return nil
	}
	if r.why != "" {
		return unclear("what it demands is not understood: " + r.why)
	}
	if r.row != nil {
		return r.row.judge(j, op)
	}
	if r.tangled {
		return unclear("it mentions a total that is brought up to date from other rows")
	}
	if op.Kind == Update && writesAny(op, r.guards) {
		return unclear("it changes which rows the invariant is about")
	}
	var worst *Finding
	for i := range r.parts {
		f := r.ofPart(j, op, &r.parts[i])
		if f != nil && (worst == nil || f.Verdict.worse(worst.Verdict) || f.Verdict == None && worst.Mechanism == AtomicVisibility) {
			worst = f
		}
	}
	return worst
}

func (r *claimRule) ofPart(j *judge, op *Operation, p *part) *Finding {
	switch {
	case len(p.facts) > 0:
		return r.ofFacts(j, op, p)
	case p.hasExtremes():
		return r.ofExtremes(j, op, p)
	}
	change := r.changeOf(j, op, p)
	if !change.touches {
		return nil
	}
	switch {
	case r.derived != nil:
		return none(AtomicVisibility, fmt.Sprintf("%s.%s is a total of other rows: it is brought up to date with them", r.derived.table.name, r.derived.column))
	case p.op == "=":
		return r.ofEquation(j, op, p, change)
	case p.op == "<>":
		return unclear("sums that copies add up to may be the one that it forbids")
	}
	return r.ofBound(j, op, p, change)
}

// totals reports whether the claim adds up a column.
func (r *claimRule) totals(c *tableColumn) bool {
	for _, p := range r.parts {
		for _, t := range p.terms {
			if t.column.table != nil && t.column.table.index[t.column.name] == c {
				return true
			}
		}
	}
	return false
}

func (p *part) hasExtremes() bool {
	for _, t := range p.terms {
		if t.agg == "max" || t.agg == "min" {
			return true
		}
	}
	return false
}

func writesAny(op *Operation, columns []columnOf) bool {
	for _, c := range columns {
		if c.table == op.table && op.writes([]string{c.name}) {
			return true
		}
	}
	return false
}

func (t *term) counts(of *table) bool {
	for _, x := range t.from {
		if x == of {
			return true
		}
	}
	return false
}

// ofEquation judges "the sum is always the same". Each copy keeps it by itself; where merging adds up what they did, the
// merged state keeps it too.
func (r *claimRule) ofEquation(j *judge, op *Operation, p *part, c change) *Finding {
	if c.why == "" {
		if c.adds {
			return none(Counter, "each side of the equation gets what every copy added to it")
		}
		return none(AtomicVisibility, "rows are added on one copy only, and become visible together with what is counted of them")
	}
	if f := r.follows(j, op, p); f != nil {
		return f
	}
	if len(c.flips) > 0 || op.Kind == Delete {
		if e := r.countExample(j, op, p); e != nil {
			f := needed("copies that change different rows may each keep it and break it together")
			f.Example = e
			return f
		}
	}
	return unclear(c.why)
}

// ofBound judges "the sum never passes a bound": only what leads away from the bound is safe.
func (r *claimRule) ofBound(j *judge, op *Operation, p *part, c change) *Finding {
	safe := nonNegative
	if p.op[0] == '<' {
		safe = nonPositive
	}
	if c.sign.within(safe) {
		if c.adds {
			return none(Counter, "it only leads away from the bound")
		}
		return none(AtomicVisibility, "it only leads away from the bound")
	}
	if c.sign.within(safe.negate()) {
		if e := r.countExample(j, op, p); e != nil {
			f := needed("two copies that each keep to the bound may together pass it")
			f.Example = e
			return f
		}
		return needed("two copies that each keep to the bound may together pass it")
	}
	return unclear("whether it leads towards the bound is not known")
}
