package confluence

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// A walker goes through the statements of one transaction, in order, and notes what they do.
type walker struct {
	catalog *catalog
	txn     *Transaction
	vars    env
	place   func(offset int) Place
	names   map[int]string // of the statement's parameters that were written as :name
	assumes []expr
	ctes    []relationScope
	fresh   int // numbers the values that variables got
	depth   int
}

// unknownf notes code that could not be looked into.
func (w *walker) unknownf(at int, format string, args ...any) {
	w.txn.unknown = append(w.txn.unknown, unknown{w.place(at), fmt.Sprintf(format, args...)})
}

// parameter returns the value of $n.
func (w *walker) parameter(number string) value {
	name := "$" + number
	var n int
	fmt.Sscanf(number, "%d", &n)
	if given, found := w.names[n]; found {
		name = given
	}
	if v, found := w.vars[name]; found {
		return v
	}
	v := chosenValue(":" + name)
	w.vars[name] = v
	w.assume(w.assumes)
	return w.vars[name]
}

// eval returns what is known of the value of an expression.
func (w *walker) eval(e expr, s *scope) value {
	if w.depth++; w.depth > 500 {
		w.depth--
		return chosenValue("?")
	}
	defer func() { w.depth-- }()
	switch e.kind {
	case literal:
		return literalValue(e)
	case null:
		return value{origin: absent, text: "NULL"}
	case param:
		return w.parameter(e.name)
	case column:
		return w.evalColumn(e, s)
	case cast:
		return w.evalCast(e, s)
	case operator:
		return w.evalOperator(e, s)
	case call:
		return w.evalCall(e, s)
	case caseOf:
		return w.evalCase(e, s)
	case subquery:
		return w.evalSubquery(e, s)
	}
	if e.kind == opaque && e.name == "unread" {
		w.unknownf(e.pos, "this kind of expression is not analysed")
	}
	return w.computed(e, s)
}

func literalValue(e expr) value {
	v := value{sign: anySign, known: true, text: "'" + e.name + "'"}
	if e.qual == "" {
		v.sign, v.number = signOf(e.name), e.name
	}
	return v
}

// computed is a value of which nothing is known but what it was made of.
func (w *walker) computed(e expr, s *scope) value {
	v := value{sign: anySign}
	var parts []string
	for _, a := range e.args {
		arg := w.eval(a, s)
		v.reads = append(v.reads, arg.reads...)
		parts = append(parts, arg.text)
	}
	v.reads = unique(v.reads)
	v.text = e.name + "(" + strings.Join(parts, ",") + ")"
	return v
}

func (w *walker) evalColumn(e expr, s *scope) value {
	if v, found := s.find(e.qual, e.name); found {
		return v
	}
	name := e.name
	if e.qual != "" {
		name = e.qual + "." + e.name
	}
	if v, found := w.vars[name]; found {
		return v
	}
	if v, found := w.vars[e.name]; found && e.qual != "" && w.vars[e.qual].text == "" {
		return v // function.parameter
	}
	if v, found := w.vars[e.qual]; found && e.qual != "" {
		return value{sign: anySign, text: v.text + "." + e.name, reads: v.reads}
	}
	if s.allKnown() && len(w.vars) == 0 {
		w.unknownf(e.pos, "there is no column %s", name)
	}
	return chosenValue(name)
}

// allKnown reports whether the columns of every relation are known, and there is one.
func (s *scope) allKnown() bool {
	some := false
	for ; s != nil; s = s.outer {
		for _, r := range s.relations {
			if r.any {
				return false
			}
			some = true
		}
	}
	return some
}

func (w *walker) evalCast(e expr, s *scope) value {
	v := w.eval(e.args[0], s)
	switch e.name {
	case "text", "varchar", "uuid", "int8", "int4", "numeric", "float8", "bpchar", "money":
	default:
		if v.origin == generated {
			v.origin = chosen
		}
	}
	if v.origin == read && strings.HasPrefix(e.name, "int") {
		v.shift |= Zero // rounding what was added keeps its sign, or makes it zero
	}
	return v
}

func (w *walker) evalOperator(e expr, s *scope) value {
	if len(e.args) == 1 {
		v := w.eval(e.args[0], s)
		if e.name == "-" {
			return value{sign: v.sign.negate(), known: v.known, text: "-" + v.text, reads: v.reads}
		}
		return w.computed(e, s)
	}
	if len(e.args) != 2 {
		return w.computed(e, s)
	}
	left, right := w.eval(e.args[0], s), w.eval(e.args[1], s)
	switch e.name {
	case "+":
		return left.plus(right, false)
	case "-":
		return left.plus(right, true)
	case "*", "/":
		sign := left.sign.times(right.sign)
		if e.name == "/" {
			sign |= Zero
		}
		return value{sign: sign, known: left.known && right.known, text: "(" + left.text + e.name + right.text + ")", reads: unique(append(append([]string(nil), left.reads...), right.reads...))}
	case "||":
		v := w.computed(e, s)
		v.known = left.known && right.known
		if left.origin == generated || right.origin == generated {
			v.origin = generated
		}
		return v
	}
	return w.computed(e, s)
}

func (w *walker) evalCase(e expr, s *scope) value {
	var out value
	for i := 1; i < len(e.args); i += 2 {
		w.eval(e.args[i-1], s) // for what it calls
		v := w.eval(e.args[i], s)
		if i == 1 {
			out = v
		} else {
			out = out.join(v)
		}
	}
	return out.join(w.eval(e.args[len(e.args)-1], s))
}

// evalCall knows the functions whose result matters.
func (w *walker) evalCall(e expr, s *scope) value {
	name := unqualified(e.name)
	arg := func(i int) value {
		if i < len(e.args) {
			return w.eval(e.args[i], s)
		}
		return value{}
	}
	switch {
	case generators[name] && len(e.args) == 0:
		w.fresh++
		return value{origin: generated, sign: anySign, known: true, text: fmt.Sprintf("%s#%d", name, w.fresh)}
	case name == "nextval" && len(e.args) == 1:
		w.fresh++
		return value{origin: sequential, sequence: sequenceName(e.args[0]), sign: anySign, known: true, text: fmt.Sprintf("nextval#%d", w.fresh)}
	case name == "currval" && len(e.args) == 1:
		return value{origin: sequential, sequence: sequenceName(e.args[0]), sign: anySign, known: true, text: "currval " + sequenceName(e.args[0])}
	case name == "lastval":
		return value{origin: sequential, sequence: "the last sequence", sign: anySign, known: true, text: "lastval"}
	case name == "coalesce" && len(e.args) == 2:
		first, second := arg(0), arg(1)
		if first.origin == read && second.number != "" && signOf(second.number) == Zero {
			first.known = true
			return first
		}
		out := first.join(second)
		out.known = first.known || second.known
		return out
	case name == "greatest" && len(e.args) == 2:
		return extreme(name, arg(0), arg(1))
	case name == "least" && len(e.args) == 2:
		return extreme(name, arg(0), arg(1))
	case name == "abs" && len(e.args) == 1:
		v := arg(0)
		return value{sign: v.sign&nonNegative | v.sign&Negative<<2, known: v.known, text: "abs(" + v.text + ")", reads: v.reads}
	case name == "now", strings.HasSuffix(name, "timestamp") && isBuiltin(name), name == "current_date":
		return value{sign: anySign, known: true, text: name}
	case name == "length" || name == "count":
		v := w.computed(e, s)
		v.sign, v.known = nonNegative, name == "count"
		return v
	case name == "sum" || name == "max" || name == "min" || name == "avg":
		v := arg(0)
		return value{sign: v.sign, text: name + "(" + v.text + ")", reads: v.reads}
	}
	v := w.computed(e, s)
	if f := w.catalog.functions[e.name]; f != nil {
		w.txn.calls = append(w.txn.calls, f.name)
	} else if !isBuiltin(e.name) && !w.catalog.safe[e.name] {
		w.unknownf(e.pos, "what function %s does is not known", e.name)
	}
	return v
}

// extreme is greatest or least: whatever both may be, but not of the signs that the known one rules out.
func extreme(name string, a, b value) value {
	v := value{sign: a.sign | b.sign, text: name + "(" + a.text + "," + b.text + ")", reads: unique(append(append([]string(nil), a.reads...), b.reads...))}
	for _, x := range []value{a, b} {
		if name == "greatest" && x.known {
			switch {
			case x.sign == Positive:
				v.sign &= Positive
			case x.sign.within(nonNegative):
				v.sign &= nonNegative
			}
		} else if name == "least" && x.known {
			switch {
			case x.sign == Negative:
				v.sign &= Negative
			case x.sign.within(nonPositive):
				v.sign &= nonPositive
			}
		}
	}
	v.known = a.known || b.known
	return v
}

// evalSubquery evaluates a scalar subquery; what any other kind yields is only chosen.
func (w *walker) evalSubquery(e expr, s *scope) value {
	columns := w.query(e.query, s, e.pos)
	if e.name == "scalar" && len(columns) == 1 {
		v := columns[0].value
		v.known = false
		return v
	}
	v := value{sign: anySign, text: fmt.Sprintf("query#%d", e.pos)}
	for _, c := range columns {
		v.reads = append(v.reads, c.value.reads...)
	}
	for _, name := range tablesOf(e.query) {
		if t := w.catalog.table(name); t != nil {
			v.reads = append(v.reads, t.name+".*")
		}
	}
	v.reads = unique(v.reads)
	return v
}

// tablesOf returns the names of the tables that a query reads, as written, those of its subqueries too.
func tablesOf(s *pg.SelectStmt) []string {
	var out []string
	collectTables(s, &out)
	return unique(out)
}

func collectTables(s *pg.SelectStmt, out *[]string) {
	if s == nil {
		return
	}
	for _, n := range s.GetFromClause() {
		collectFrom(n, out)
	}
	for _, n := range s.GetWithClause().GetCtes() {
		collectTables(n.GetCommonTableExpr().GetCtequery().GetSelectStmt(), out)
	}
	collectTables(s.GetLarg(), out)
	collectTables(s.GetRarg(), out)
	inner := func(n *pg.Node) {
		if n == nil {
			return
		}
		newExpr(n).walk(func(e expr) {
			if e.kind == subquery {
				collectTables(e.query, out)
			}
		})
	}
	for _, n := range s.GetTargetList() {
		inner(n)
	}
	inner(s.GetWhereClause())
	inner(s.GetHavingClause())
}

func collectFrom(n *pg.Node, out *[]string) {
	switch n := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		*out = append(*out, relation(n.RangeVar))
	case *pg.Node_JoinExpr:
		collectFrom(n.JoinExpr.GetLarg(), out)
		collectFrom(n.JoinExpr.GetRarg(), out)
	case *pg.Node_RangeSubselect:
		collectTables(n.RangeSubselect.GetSubquery().GetSelectStmt(), out)
	}
}
