package confluence

import "strings"

// origin is where a value comes from, as far as it matters for uniqueness and merging.
type origin int

const (
	chosen     origin = iota // by the client, or computed: somebody else may get the same
	absent                   // NULL
	generated                // nobody else can get the same
	sequential               // the next value of a sequence
	read                     // what a column of a row held, plus shift
)

// A value is what the analysis knows of a value.
type value struct {
	origin   origin
	table    *table // of a value that was read
	column   string
	row      string // which row, by the columns and values that were asked for; self is the row that is being changed
	sequence string
	shift    Sign // what was added to what was read
	sign     Sign // of the value
	known    bool // cannot be NULL
	text     string
	reads    []string // the columns, as table.column, that it was computed from
	number   string   // of a literal
	lowest   string   // of a value that was read as the lowest of its kind: which kind
	vanishes bool     // what was added may be NULL, and the sum then too
	taken    bool     // something that is not known to be negative was taken away
}

const self = "\x00self"

func chosenValue(text string) value { return value{sign: anySign, text: text} }

// join is what is known of a value that is one of two.
func (v value) join(w value) value {
	out := v
	out.sign, out.known, out.reads = v.sign|w.sign, v.known && w.known, unique(append(append([]string(nil), v.reads...), w.reads...))
	out.shift |= w.shift
	out.taken, out.vanishes = v.taken || w.taken, v.vanishes || w.vanishes
	if v.text != w.text {
		out.text = "(" + v.text + " or " + w.text + ")"
	}
	if v.number != w.number {
		out.number = ""
	}
	same := v.origin == w.origin && v.table == w.table && v.column == w.column && v.row == w.row && v.sequence == w.sequence
	if !same {
		out.origin, out.table, out.column, out.row, out.sequence = chosen, nil, "", "", ""
	}
	return out
}

// plus is v + w, or v - w.
func (v value) plus(w value, minus bool) value {
	change, op := w.sign, "+"
	if minus {
		change, op = change.negate(), "-"
	}
	out := value{sign: v.sign.add(change), known: v.known && w.known, reads: unique(append(append([]string(nil), v.reads...), w.reads...))}
	out.text = "(" + v.text + op + w.text + ")"
	switch {
	case v.origin == read && w.origin != read:
		out.origin, out.table, out.column, out.row, out.shift = read, v.table, v.column, v.row, v.shift.add(change)
		out.vanishes = v.vanishes || !w.known
		out.taken = v.taken || minus && !w.sign.within(nonPositive)
	case w.origin == read && v.origin != read && !minus:
		out.origin, out.table, out.column, out.row, out.shift = read, w.table, w.column, w.row, w.shift.add(v.sign)
		out.vanishes = w.vanishes || !v.known
	}
	return out
}

// env holds the values of variables and parameters at one point of a transaction.
type env map[string]value

func (e env) copy() env {
	out := make(env, len(e))
	for name, v := range e {
		out[name] = v
	}
	return out
}

// merge is what is known after one of two ways.
func (e env) merge(f env) env {
	out := make(env, len(e))
	for name, v := range e {
		if w, found := f[name]; found && (v.text != w.text || v.origin != w.origin) {
			v = v.join(w)
		} else if found {
			v.sign |= w.sign
			v.known = v.known && w.known
		}
		out[name] = v
	}
	for name, w := range f {
		if _, found := e[name]; !found {
			out[name] = w
		}
	}
	return out
}

// A relationScope is one table, subquery or CTE that names in a query may mean.
type relationScope struct {
	alias  string
	table  *table           // nil for a query
	row    string           // which row of the table
	values map[string]value // of a query
	any    bool             // its columns are not known
}

// scope is what names in an expression may mean.
type scope struct {
	relations []relationScope
	outer     *scope
}

// find returns the value of a column, if a relation has it.
func (s *scope) find(qual, name string) (value, bool) {
	for ; s != nil; s = s.outer {
		for _, r := range s.relations {
			if qual != "" && r.alias != qual {
				continue
			}
			if r.table != nil && r.table.index[name] != nil {
				return value{
					origin: read, table: r.table, column: name, row: r.row, shift: Zero, sign: r.table.signOf(name), known: r.table.index[name].notNull,
					text: r.table.name + "." + name + "@" + r.row, reads: []string{r.table.name + "." + name},
				}, true
			}
			if v, found := r.values[name]; found {
				return v, true
			}
			if r.any && (qual != "" || len(s.relations) == 1) {
				return chosenValue(r.alias + "." + name), true
			}
		}
	}
	return value{}, false
}

// signOf returns the signs that a column's own CHECK constraints allow.
func (t *table) signOf(name string) Sign {
	sign := anySign
	for _, c := range t.checks {
		if len(c.columns) != 1 || c.columns[0] != name {
			continue
		}
		for _, part := range c.cond.conjuncts() {
			sign &= boundSign(part, name)
		}
	}
	return sign
}

// boundSign returns the signs of x that a comparison of x with a number allows.
func boundSign(e expr, name string) Sign {
	if e.kind != operator || len(e.args) != 2 {
		return anySign
	}
	left, right, op := e.args[0].bare(), e.args[1].bare(), e.name
	if right.isNamed(name) {
		left, right, op = right, left, mirror(op)
	}
	if !left.isNamed(name) || right.kind != literal {
		return anySign
	}
	c := signOf(right.name)
	switch op {
	case ">":
		if c.within(nonNegative) {
			return Positive
		}
	case ">=":
		if c == Positive {
			return Positive
		}
		if c == Zero {
			return nonNegative
		}
	case "<":
		if c.within(nonPositive) {
			return Negative
		}
	case "<=":
		if c == Negative {
			return Negative
		}
		if c == Zero {
			return nonPositive
		}
	case "=":
		return c
	}
	return anySign
}

// isNamed reports whether e is the variable, column or parameter of that name.
func (e expr) isNamed(name string) bool {
	return e.kind == column && e.qual == "" && e.name == name || e.kind == param && "$"+e.name == name
}

// mirror turns a comparison around.
func mirror(op string) string {
	switch {
	case strings.HasPrefix(op, "<") && op != "<>":
		return ">" + op[1:]
	case strings.HasPrefix(op, ">"):
		return "<" + op[1:]
	}
	return op
}
