package confluence

import (
	"sort"
	"strconv"
)

// A linear is a sum of columns, each times a number, plus a number.
type linear struct {
	terms    map[string]float64 // by the column's name
	constant float64
}

// linearOf reads an expression as a linear one.
func linearOf(e expr) (linear, bool) {
	switch e.kind {
	case literal:
		n, err := strconv.ParseFloat(e.name, 64)
		return linear{constant: n}, err == nil && e.qual == ""
	case column:
		return linear{terms: map[string]float64{e.name: 1}}, true
	case cast:
		return linearOf(e.args[0])
	case operator:
		return linearOperator(e)
	}
	return linear{}, false
}

func linearOperator(e expr) (linear, bool) {
	if len(e.args) == 1 {
		x, ok := linearOf(e.args[0])
		return x.times(-1), ok && e.name == "-"
	}
	if len(e.args) != 2 {
		return linear{}, false
	}
	left, ok := linearOf(e.args[0])
	right, also := linearOf(e.args[1])
	if !ok || !also {
		return linear{}, false
	}
	switch {
	case e.name == "+":
		return left.plus(right), true
	case e.name == "-":
		return left.plus(right.times(-1)), true
	case e.name == "*" && len(left.terms) == 0:
		return right.times(left.constant), true
	case e.name == "*" && len(right.terms) == 0:
		return left.times(right.constant), true
	}
	return linear{}, false
}

func (l linear) times(n float64) linear {
	out := linear{terms: make(map[string]float64), constant: l.constant * n}
	for name, c := range l.terms {
		out.terms[name] = c * n
	}
	return out
}

func (l linear) plus(m linear) linear {
	out := l.times(1)
	out.constant += m.constant
	for name, c := range m.terms {
		out.terms[name] += c
	}
	return out
}

// An atom is one part of a CHECK: linear op 0, or something else with the columns in it.
type atom struct {
	linear
	op      string // > >= < <= = <>; empty: not linear
	columns []string
}

// atomsOf cuts a condition into its parts.
func atomsOf(cond expr) []atom {
	var out []atom
	for _, part := range cond.conjuncts() {
		a := atom{columns: columnsOf(part)}
		if part.kind == operator && len(part.args) == 2 && opposite[part.name] != "" {
			left, ok := linearOf(part.args[0])
			right, also := linearOf(part.args[1])
			if ok && also {
				a.linear, a.op = left.plus(right.times(-1)), part.name
			}
		}
		out = append(out, a)
	}
	return out
}

// moves returns the sign by which an atom's left side moves when something of sign shift is added to a column.
func (a atom) moves(column string, shift Sign) Sign {
	c := Zero
	switch n := a.terms[column]; {
	case n > 0:
		c = Positive
	case n < 0:
		c = Negative
	}
	return shift.times(c)
}

// names returns the columns of a linear expression, in order.
func (l linear) names() []string {
	var out []string
	for name := range l.terms {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
