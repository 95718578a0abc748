package confluence

import (
	"fmt"
	"strings"
)

// A derivation is a column that a declared invariant equates with a total of other rows, and that is therefore not
// merged but brought up to date after the merge, in the same step.
type derivation struct {
	table  *table
	column string
	rule   *claimRule
	part   *part
	needs  []columnOf // columns that the total is made of
}

// planDerivations finds the equations that merging alone does not keep and that define a column, and makes each of them
// define a column of its own. Whatever else mentions such a column must define one too.
func (j *judge) planDerivations() {
	for changed := true; changed; {
		changed = false
		for _, i := range j.invariants {
			r, ok := i.rule.(*claimRule)
			if !ok || r.why != "" || r.row != nil || r.derived != nil || r.tangled {
				continue
			}
			mentions := r.mentionsDerived(j)
			if !mentions && !j.breaks(r) {
				continue
			}
			changed = true
			if r.derived = j.define(r); r.derived != nil {
				j.derived = append(j.derived, r.derived)
			} else {
				r.tangled = mentions
				if !mentions {
					changed = false
				}
			}
		}
		if !changed {
			return
		}
		changed = j.settles()
	}
}

// settles reports whether another round can find something: a claim that mentions what is derived by now.
func (j *judge) settles() bool {
	for _, i := range j.invariants {
		if r, ok := i.rule.(*claimRule); ok && r.why == "" && r.row == nil && r.derived == nil && !r.tangled && r.mentionsDerived(j) {
			return true
		}
	}
	return false
}

// mentionsDerived reports whether a claim mentions a column that another claim defines.
func (r *claimRule) mentionsDerived(j *judge) bool {
	for _, d := range j.derived {
		if d.rule == r {
			continue
		}
		for _, c := range r.mentioned() {
			if c.table == d.table && c.name == d.column {
				return true
			}
		}
	}
	return false
}

func (r *claimRule) mentioned() []columnOf {
	out := append([]columnOf(nil), r.guards...)
	for _, p := range r.parts {
		for _, t := range p.terms {
			out = append(append(out, t.fixed...), t.column)
		}
		for _, f := range p.facts {
			out = append(append(out, f.fixed...), f.column)
		}
	}
	return out
}

// breaks reports whether some operation does to an equation what merging does not add up.
func (j *judge) breaks(r *claimRule) bool {
	if len(r.parts) != 1 || r.parts[0].op != "=" || len(r.parts[0].facts) > 0 {
		return false
	}
	at := j.txn
	defer func() { j.txn = at }()
	p := &r.parts[0]
	for _, t := range j.transactions {
		j.txn = t
		for _, op := range t.Operations {
			if op.Kind == Read || op.Kind == Lock {
				continue
			}
			if p.hasExtremes() {
				if f := r.ofExtremes(j, op, p); f != nil && f.Verdict == Unknown {
					return true
				}
				continue
			}
			if c := r.changeOf(j, op, p); c.touches && c.why != "" && r.follows(j, op, p) == nil {
				return true
			}
		}
	}
	return false
}

// define finds the column that an equation can define.
func (j *judge) define(r *claimRule) *derivation {
	if len(r.parts) != 1 || r.parts[0].op != "=" || len(r.outer.tables) != 1 || len(r.guards) > 0 || len(r.parts[0].facts) > 0 {
		return nil
	}
	p := &r.parts[0]
	t := r.outer.tables[0]
	for _, term := range p.terms {
		if term.agg != "" || term.coef != 1 && term.coef != -1 || !j.definable(t, term.column.name) {
			continue
		}
		d := &derivation{table: t, column: term.column.name, rule: r, part: p}
		ok := true
		for _, other := range p.terms {
			if other.sql == "" {
				ok = false
			}
			d.needs = append(append(d.needs, other.fixed...), other.column)
		}
		d.needs = dropColumn(d.needs, columnOf{table: t, name: d.column})
		aggregates := false
		for _, other := range p.terms {
			aggregates = aggregates || other.agg != ""
		}
		if ok && aggregates && !j.circular(d) {
			return d
		}
	}
	return nil
}

func dropColumn(columns []columnOf, gone columnOf) []columnOf {
	var out []columnOf
	for _, c := range columns {
		if c.table != nil && (c.table != gone.table || c.name != gone.name) {
			out = append(out, c)
		}
	}
	return out
}

// definable reports whether a column can be set after a merge without asking anything else: no other constraint looks at
// it, it hands out no numbers, and no other claim defines it.
func (j *judge) definable(t *table, name string) bool {
	c := t.index[name]
	if c == nil || j.numbered[c] || c.computed != nil {
		return false
	}
	for _, d := range j.derived {
		if d.table == t && d.column == name {
			return false
		}
	}
	one := []string{name}
	for _, i := range j.invariants {
		if q, ok := i.rule.(*claimRule); ok && q.row != nil && q.row.table == t && overlap(q.row.check.columns, one) {
			return false
		}
	}
	for _, x := range t.checks {
		if overlap(x.columns, one) {
			return false
		}
	}
	for _, x := range t.keys {
		if overlap(x.all(), one) {
			return false
		}
	}
	for _, f := range t.foreign {
		if overlap(f.columns, one) {
			return false
		}
	}
	for _, x := range t.exclude {
		if overlap(x.all(), one) {
			return false
		}
	}
	return true
}

// circular reports whether a derivation would need what is made of it.
func (j *judge) circular(d *derivation) bool {
	all := append(append([]*derivation(nil), j.derived...), d)
	var reaches func(from *derivation, depth int) bool
	reaches = func(from *derivation, depth int) bool {
		if depth > len(all) {
			return true
		}
		for _, c := range from.needs {
			for _, other := range all {
				if c.table == other.table && c.name == other.column && (other == d || reaches(other, depth+1)) {
					return true
				}
			}
		}
		return false
	}
	return reaches(d, 0)
}

// sql is the UPDATE that brings the column up to date.
func (d *derivation) sql() string {
	var sum strings.Builder
	sign := 1.0
	for _, t := range d.part.terms {
		if t.agg == "" && t.column.name == d.column && t.column.table == d.table {
			sign = -t.coef // column = the rest, divided by minus its coefficient
		}
	}
	for _, t := range d.part.terms {
		if t.agg == "" && t.column.name == d.column && t.column.table == d.table {
			continue
		}
		sql := t.sql
		if t.agg != "" {
			sql = "coalesce(" + sql + ", 0)"
		}
		fmt.Fprintf(&sum, " + %v * %s", t.coef*sign, sql)
	}
	if d.part.constant != 0 {
		fmt.Fprintf(&sum, " + %v", d.part.constant*sign)
	}
	alias := ""
	if a := d.rule.outer.aliases[0]; a != d.table.name {
		alias = " AS " + ident(a)
	}
	return fmt.Sprintf("UPDATE %s%s SET %s = %s", ident(d.table.name), alias, ident(d.column), strings.TrimPrefix(sum.String(), " + "))
}
