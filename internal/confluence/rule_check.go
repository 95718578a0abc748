package confluence

import (
	"fmt"
	"strings"
)

// checkRule: "this condition holds of each row". A plain merge takes a row as one side wrote it, and each side checked
// it. What needs a look are columns that merge otherwise: counters, which may pass a bound that no side has passed, and
// columns that different writes set apart from each other.
type checkRule struct {
	table *table
	check *check
	atoms []atom
}

func newCheckRule(t *table, c *check) checkRule { return checkRule{t, c, atomsOf(c.cond)} }

// demands reports whether the check bounds a column, and whether it excludes single values of it.
func (r checkRule) demands(c *tableColumn) (bounds, excludes bool) {
	if r.table.index[c.name] != c {
		return false, false
	}
	for _, a := range r.atoms {
		if !overlap([]string{c.name}, a.columns) {
			continue
		}
		switch a.op {
		case ">", ">=", "<", "<=", "=":
			bounds = true
		default:
			excludes = true
		}
	}
	return bounds, excludes
}

func (r checkRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table || op.Kind != Insert && !(op.Kind == Update && op.writes(r.check.columns)) {
		return nil
	}
	if len(r.check.calls) > 0 {
		return unclear(fmt.Sprintf("the condition calls %s, which may look at other rows", strings.Join(r.check.calls, ", ")))
	}
	if op.Kind == Insert {
		return none(PlainMerge, "the row was checked where it was written, and is merged as it is")
	}
	var worst *Finding
	var assigned []string
	for _, s := range op.Sets {
		if !overlap([]string{s.Column}, r.check.columns) {
			continue
		}
		if !j.adds(op.table, s) {
			assigned = append(assigned, s.Column)
			continue
		}
		if f := r.added(j, op, s); worst == nil || f.Verdict.worse(worst.Verdict) {
			worst = f
		}
	}
	if len(assigned) > 0 {
		if f := r.assigned(j, op, assigned); worst == nil || f.Verdict.worse(worst.Verdict) {
			worst = f
		}
	}
	return worst
}

// added judges what is added to a counter.
func (r checkRule) added(j *judge, op *Operation, s Set) *Finding {
	for _, a := range r.atoms {
		if !overlap([]string{s.Column}, a.columns) {
			continue
		}
		safe := Sign(0)
		switch a.op {
		case ">", ">=":
			safe = nonNegative
		case "<", "<=":
			safe = nonPositive
		case "=":
			if len(j.assignedBy(r.table, a.columns)) == 0 {
				safe = anySign
			}
		}
		if safe == 0 {
			return unclear(fmt.Sprintf("sums that copies add up to may be ones that %s forbids", r.check.name))
		}
		if moves := a.moves(s.Column, s.value.shift); !moves.within(safe) {
			return r.crosses(j, op, s, a, safe)
		}
	}
	word := "increments only lead away from the lower bound"
	if s.Effect == Decreased {
		word = "decrements only lead away from the upper bound"
	}
	return none(Counter, word)
}

// crosses says that additions may pass a bound.
func (r checkRule) crosses(j *judge, op *Operation, s Set, a atom, safe Sign) *Finding {
	word := map[Effect]string{Increased: "increments", Decreased: "decrements", Changed: "changes"}[s.Effect]
	usual := Positive // of x + n and x - n, n is most likely meant to be positive
	if s.value.taken {
		usual = Negative
	}
	if s.Effect == Changed && a.moves(s.Column, usual).within(safe) {
		f := unclear(fmt.Sprintf("the sign of what is added to %s is not known", s.Column))
		return f.suggest(fmt.Sprintf("say it with -- assume: before the transaction, such as -- assume: amount >= 0, or give the parameter that is added to %s.%s a domain with a CHECK as its type", r.table.name, s.Column))
	}
	f := needed(fmt.Sprintf("two %s that each keep to %s may together break it", word, r.check.name))
	f.Subject = r.table.name + "." + s.Column
	f.Example = r.example(j, op, s, a)
	return f.suggest(fmt.Sprintf("give each node a share of %s.%s that it may use up by itself (escrow)", r.table.name, s.Column))
}

// assigned judges columns that are set to values.
func (r checkRule) assigned(j *judge, op *Operation, columns []string) *Finding {
	others := j.assignedBy(r.table, r.check.columns)
	if subset(others, columns) {
		if len(r.check.columns) == 1 {
			return none(PlainMerge, "each value was checked where it was written, and a merge takes one of them")
		}
		return none(PlainMerge, "whoever writes one of its columns writes all that change, and rows merge whole")
	}
	missing := except(others, columns)
	text := fmt.Sprintf("it sets %s and not %s: merged with an update of the other, the row may break %s", strings.Join(columns, ", "), strings.Join(missing, ", "), r.check.name)
	var f *Finding
	if e := r.partial(j, op, columns, missing); e != nil {
		f = needed(text)
		f.Example = e
	} else {
		f = unclear(text)
	}
	f.Subject = r.table.name + "." + strings.Join(columns, ",")
	return f.suggest(fmt.Sprintf("set %s in the same UPDATE, so that the row merges whole", strings.Join(r.check.columns, ", ")))
}

// except returns a without what is in b.
func except(a, b []string) []string {
	var out []string
	for _, x := range a {
		if !overlap([]string{x}, b) {
			out = append(out, x)
		}
	}
	return out
}
