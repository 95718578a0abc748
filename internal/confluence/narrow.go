package confluence

// assume takes over what annotations promise of parameters.
func (w *walker) assume(conditions []expr) {
	for _, e := range conditions {
		w.narrow(e, true)
	}
}

// narrow takes over what a condition says of variables once it is known to be true, or not to be true. A condition that
// is NULL is not true either: then nothing is learnt about the sign, but a NULL has no sign.
func (w *walker) narrow(e expr, holds bool) {
	switch {
	case e.kind == logic && e.name == "and" && holds, e.kind == logic && e.name == "or" && !holds:
		for _, a := range e.args {
			w.narrow(a, holds)
		}
	case e.kind == logic && e.name == "not":
		w.narrow(e.args[0], !holds)
	case e.kind == isNull:
		if name := w.variable(e.args[0]); name != "" && !holds {
			v := w.vars[name]
			v.known = true
			w.vars[name] = v
		}
	case e.kind == operator && len(e.args) == 2:
		w.narrowComparison(e, holds)
	}
}

// variable is the name of the variable that an expression is, or empty.
func (w *walker) variable(e expr) string {
	e = e.bare()
	name := e.name
	switch {
	case e.kind == param:
		w.parameter(e.name)
		name = "$" + e.name
		for n, given := range w.names {
			if itoa(n) == e.name {
				name = given
			}
		}
	case e.kind != column || e.qual != "":
		return ""
	}
	if _, found := w.vars[name]; !found {
		return ""
	}
	return name
}

var opposite = map[string]string{">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "<>", "<>": "="}

func (w *walker) narrowComparison(e expr, holds bool) {
	left, right, op := e.args[0], e.args[1].bare(), e.name
	name := w.variable(left)
	if name == "" {
		name, right, op = w.variable(right), left.bare(), mirror(op)
	}
	if name == "" || opposite[op] == "" || right.kind != literal && !(right.kind == operator && len(right.args) == 1 && right.args[0].kind == literal) {
		return
	}
	if !holds {
		op = opposite[op]
	}
	c := w.eval(right, nil)
	if c.number == "" && right.kind == literal {
		return
	}
	v := w.vars[name]
	v.sign &= comparedTo(op, c.sign)
	if holds {
		v.known = true
	}
	w.vars[name] = v
}

// comparedTo returns the signs of x in x op c, for a c of one of the signs.
func comparedTo(op string, c Sign) Sign {
	switch {
	case op == ">" && c.within(nonNegative), op == ">=" && c == Positive:
		return Positive
	case op == ">=" && c.within(nonNegative):
		return nonNegative
	case op == "<" && c.within(nonPositive), op == "<=" && c == Negative:
		return Negative
	case op == "<=" && c.within(nonPositive):
		return nonPositive
	case op == "=":
		return c
	case op == "<>" && c == Zero:
		return Negative | Positive
	}
	return anySign
}
