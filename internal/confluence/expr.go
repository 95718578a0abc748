package confluence

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// exprKind is what sort of expression an expr is.
type exprKind int

const (
	opaque   exprKind = iota // something that the analysis does not look into, but into its args
	literal                  // name is its text
	null                     // NULL
	param                    // $1; name is its number
	column                   // qual.name
	star                     // qual.*
	operator                 // name is the operator; one or two args
	call                     // name is the function; args its arguments
	logic                    // name is and, or, not
	isNull                   // args[0] IS NULL
	caseOf                   // args are condition, result, ..., and last the default
	subquery                 // name is exists, scalar, any, all, array; args[0] what it is compared with
	list                     // a row or list of args
	cast                     // args[0] as type name
	defaults                 // DEFAULT
)

// An expr is an expression of SQL, with no more in it than the analysis looks at.
type expr struct {
	kind     exprKind
	name     string
	qual     string
	args     []expr
	query    *pg.SelectStmt
	distinct bool  // of an aggregate
	filter   *expr // of an aggregate
	pos      int   // the offset in its statement
	node     *pg.Node
}

// newExpr takes over what the parser made. It accepts nil, which is NULL.
func newExpr(n *pg.Node) expr {
	e := readExpr(n)
	e.node = n
	return e
}

func exprs(nodes []*pg.Node) []expr {
	out := make([]expr, len(nodes))
	for i, n := range nodes {
		out[i] = newExpr(n)
	}
	return out
}

func readExpr(n *pg.Node) expr {
	switch n := n.GetNode().(type) {
	case nil:
		return expr{kind: null}
	case *pg.Node_AConst:
		return readConst(n.AConst)
	case *pg.Node_ParamRef:
		return expr{kind: param, name: itoa(int(n.ParamRef.GetNumber())), pos: int(n.ParamRef.GetLocation())}
	case *pg.Node_ColumnRef:
		return readColumn(n.ColumnRef)
	case *pg.Node_AExpr:
		return readOperator(n.AExpr)
	case *pg.Node_FuncCall:
		return readCall(n.FuncCall)
	case *pg.Node_BoolExpr:
		return readLogic(n.BoolExpr)
	case *pg.Node_NullTest:
		e := expr{kind: isNull, args: []expr{newExpr(n.NullTest.GetArg())}}
		if n.NullTest.GetNulltesttype() == pg.NullTestType_IS_NOT_NULL {
			return not(e)
		}
		return e
	case *pg.Node_BooleanTest:
		return readBooleanTest(n.BooleanTest)
	case *pg.Node_CaseExpr:
		return readCase(n.CaseExpr)
	case *pg.Node_SubLink:
		return readSubLink(n.SubLink)
	case *pg.Node_TypeCast:
		t := n.TypeCast
		return expr{kind: cast, name: typeName(t.GetTypeName()), args: []expr{newExpr(t.GetArg())}, pos: int(t.GetLocation())}
	case *pg.Node_CoalesceExpr:
		return expr{kind: call, name: "coalesce", args: exprs(n.CoalesceExpr.GetArgs()), pos: int(n.CoalesceExpr.GetLocation())}
	case *pg.Node_MinMaxExpr:
		name := "greatest"
		if n.MinMaxExpr.GetOp() == pg.MinMaxOp_IS_LEAST {
			name = "least"
		}
		return expr{kind: call, name: name, args: exprs(n.MinMaxExpr.GetArgs()), pos: int(n.MinMaxExpr.GetLocation())}
	case *pg.Node_SqlvalueFunction:
		return expr{kind: call, name: "current_timestamp", pos: int(n.SqlvalueFunction.GetLocation())}
	case *pg.Node_RowExpr:
		return expr{kind: list, args: exprs(n.RowExpr.GetArgs()), pos: int(n.RowExpr.GetLocation())}
	case *pg.Node_AArrayExpr:
		return expr{kind: list, name: "array", args: exprs(n.AArrayExpr.GetElements()), pos: int(n.AArrayExpr.GetLocation())}
	case *pg.Node_List:
		return expr{kind: list, args: exprs(n.List.GetItems())}
	case *pg.Node_SetToDefault:
		return expr{kind: defaults, pos: int(n.SetToDefault.GetLocation())}
	case *pg.Node_CollateClause:
		return newExpr(n.CollateClause.GetArg())
	case *pg.Node_AIndirection:
		return readIndirection(n.AIndirection)
	case *pg.Node_NamedArgExpr:
		return newExpr(n.NamedArgExpr.GetArg())
	case *pg.Node_ResTarget:
		return newExpr(n.ResTarget.GetVal())
	case *pg.Node_CurrentOfExpr:
		return expr{kind: opaque, name: "current of"}
	case *pg.Node_MultiAssignRef:
		return readMultiAssign(n.MultiAssignRef)
	}
	return expr{kind: opaque, name: "unread"}
}

func readConst(c *pg.A_Const) expr {
	e := expr{kind: literal, pos: int(c.GetLocation())}
	switch v := c.GetVal().(type) {
	case *pg.A_Const_Ival:
		e.name = itoa(int(v.Ival.GetIval()))
	case *pg.A_Const_Fval:
		e.name = v.Fval.GetFval()
	case *pg.A_Const_Boolval:
		e.name, e.qual = "false", "boolean"
		if v.Boolval.GetBoolval() {
			e.name = "true"
		}
	case *pg.A_Const_Sval:
		e.name, e.qual = v.Sval.GetSval(), "text"
	case *pg.A_Const_Bsval:
		e.name, e.qual = v.Bsval.GetBsval(), "bits"
	default:
		e.kind = null
	}
	return e
}

func readColumn(c *pg.ColumnRef) expr {
	e := expr{kind: column, pos: int(c.GetLocation())}
	fields := c.GetFields()
	if len(fields) == 0 {
		return expr{kind: opaque, name: "unread"}
	}
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		if f.GetAStar() != nil {
			e.kind = star
			continue
		}
		names = append(names, f.GetString_().GetSval())
	}
	if e.kind == column {
		e.name, names = names[len(names)-1], names[:len(names)-1]
	}
	if len(names) > 0 {
		e.qual = names[len(names)-1]
	}
	return e
}

func readOperator(a *pg.A_Expr) expr {
	e := expr{kind: operator, name: lastName(a.GetName()), pos: int(a.GetLocation())}
	left, right := a.GetLexpr(), a.GetRexpr()
	if left != nil {
		e.args = append(e.args, newExpr(left))
	}
	if right != nil {
		e.args = append(e.args, newExpr(right))
	}
	switch a.GetKind() {
	case pg.A_Expr_Kind_AEXPR_OP:
	case pg.A_Expr_Kind_AEXPR_DISTINCT:
		e.name = "<>"
	case pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		e.name = "="
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		if len(e.args) != 2 || len(e.args[1].args) != 2 {
			break
		}
		x, bounds := e.args[0], e.args[1].args
		e = expr{kind: logic, name: "and", pos: e.pos, args: []expr{compare(">=", x, bounds[0]), compare("<=", x, bounds[1])}}
		if a.GetKind() == pg.A_Expr_Kind_AEXPR_NOT_BETWEEN {
			return not(e)
		}
	case pg.A_Expr_Kind_AEXPR_IN:
		if e.name == "<>" {
			e.name = "in"
			return not(e)
		}
		e.name = "in"
	default:
		e.kind, e.name = opaque, strings.ToLower(a.GetKind().String())
	}
	return e
}

func compare(op string, left, right expr) expr {
	return expr{kind: operator, name: op, args: []expr{left, right}, pos: left.pos}
}

func not(e expr) expr { return expr{kind: logic, name: "not", args: []expr{e}, pos: e.pos} }

func readCall(f *pg.FuncCall) expr {
	e := expr{kind: call, name: qualified(f.GetFuncname()), args: exprs(f.GetArgs()), pos: int(f.GetLocation()), distinct: f.GetAggDistinct()}
	if f.GetAggStar() {
		e.args = []expr{{kind: star}}
	}
	if f.GetAggFilter() != nil {
		filter := newExpr(f.GetAggFilter())
		e.filter = &filter
	}
	if f.GetOver() != nil {
		return expr{kind: opaque, name: "window", args: []expr{e}, pos: e.pos}
	}
	return e
}

func readLogic(b *pg.BoolExpr) expr {
	name := map[pg.BoolExprType]string{pg.BoolExprType_AND_EXPR: "and", pg.BoolExprType_OR_EXPR: "or", pg.BoolExprType_NOT_EXPR: "not"}
	return expr{kind: logic, name: name[b.GetBoolop()], args: exprs(b.GetArgs()), pos: int(b.GetLocation())}
}

func readBooleanTest(b *pg.BooleanTest) expr {
	arg := newExpr(b.GetArg())
	switch b.GetBooltesttype() {
	case pg.BoolTestType_IS_TRUE:
		return arg
	case pg.BoolTestType_IS_FALSE:
		return not(arg)
	}
	return expr{kind: opaque, name: "boolean test", args: []expr{arg}, pos: arg.pos}
}

func readCase(c *pg.CaseExpr) expr {
	e := expr{kind: caseOf, pos: int(c.GetLocation())}
	for _, n := range c.GetArgs() {
		when := n.GetCaseWhen()
		condition := newExpr(when.GetExpr())
		if c.GetArg() != nil {
			condition = compare("=", newExpr(c.GetArg()), condition)
		}
		e.args = append(e.args, condition, newExpr(when.GetResult()))
	}
	e.args = append(e.args, newExpr(c.GetDefresult()))
	return e
}

func readSubLink(s *pg.SubLink) expr {
	names := map[pg.SubLinkType]string{
		pg.SubLinkType_EXISTS_SUBLINK: "exists", pg.SubLinkType_EXPR_SUBLINK: "scalar", pg.SubLinkType_ARRAY_SUBLINK: "array",
		pg.SubLinkType_ANY_SUBLINK: "any", pg.SubLinkType_ALL_SUBLINK: "all",
	}
	e := expr{kind: subquery, name: names[s.GetSubLinkType()], query: s.GetSubselect().GetSelectStmt(), pos: int(s.GetLocation())}
	if s.GetTestexpr() != nil {
		e.args = []expr{newExpr(s.GetTestexpr())}
	}
	if e.query == nil {
		return expr{kind: opaque, name: "unread"}
	}
	return e
}

// readIndirection reads (r).field and a[i]; the latter stays opaque.
func readIndirection(a *pg.A_Indirection) expr {
	arg := newExpr(a.GetArg())
	if len(a.GetIndirection()) == 1 && arg.kind == column && arg.qual == "" {
		if field := a.GetIndirection()[0].GetString_(); field != nil {
			return expr{kind: column, qual: arg.name, name: field.GetSval(), pos: arg.pos}
		}
	}
	return expr{kind: opaque, name: "indirection", args: []expr{arg}, pos: arg.pos}
}

// readMultiAssign reads one column of SET (a, b) = (x, y).
func readMultiAssign(m *pg.MultiAssignRef) expr {
	source := newExpr(m.GetSource())
	i := int(m.GetColno()) - 1
	if source.kind == list && i >= 0 && i < len(source.args) {
		return source.args[i]
	}
	return expr{kind: opaque, name: "multiple assignment", args: []expr{source}, pos: source.pos}
}

// walk calls f for e and everything in it, but not for what stands in subqueries.
func (e expr) walk(f func(expr)) {
	f(e)
	for _, a := range e.args {
		a.walk(f)
	}
	if e.filter != nil {
		e.filter.walk(f)
	}
}

// conjuncts returns the parts of an AND.
func (e expr) conjuncts() []expr {
	if e.kind != logic || e.name != "and" {
		return []expr{e}
	}
	var out []expr
	for _, a := range e.args {
		out = append(out, a.conjuncts()...)
	}
	return out
}

// bare is e without casts around it.
func (e expr) bare() expr {
	for e.kind == cast {
		e = e.args[0]
	}
	return e
}

// sql is the expression as SQL, or "" if it cannot be written.
func (e expr) sql() string {
	if e.node == nil {
		return ""
	}
	target := pg.MakeResTargetNodeWithVal(e.node, 0)
	text, err := selectSQL(&pg.SelectStmt{TargetList: []*pg.Node{target}, LimitOption: pg.LimitOption_LIMIT_OPTION_DEFAULT, Op: pg.SetOperation_SETOP_NONE})
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(text, "SELECT"))
}

// selectSQL writes a SELECT as SQL. A tree has to name the parser's own version, which only a parsed tree tells.
func selectSQL(s *pg.SelectStmt) (string, error) {
	empty, err := pg.Parse("")
	if err != nil {
		return "", err
	}
	statement := &pg.RawStmt{Stmt: &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s}}}
	return pg.Deparse(&pg.ParseResult{Version: empty.GetVersion(), Stmts: []*pg.RawStmt{statement}})
}
