package confluence

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// A claim is an invariant that a query declares: it yields one boolean, and must never yield false.
type claim struct {
	name  string
	place Place
	sql   string
	query *pg.SelectStmt
}

// addClaim takes the query of an invariant.
func (r *reader) addClaim(name string, n *pg.Node) {
	s := n.GetSelectStmt()
	if s == nil || len(s.GetTargetList()) != 1 {
		r.errorf(0, Error, "invariant %s: want a SELECT of one boolean", name)
		return
	}
	r.catalog.claims = append(r.catalog.claims, &claim{name: name, place: r.place(0), sql: r.statement, query: s})
}

// A claimRule is a claim as far as it is understood: for each row of the outer tables, or once if there are none, each
// of its parts must hold.
type claimRule struct {
	claim  *claim
	tables []*table
	outer  scopeOf
	guards []columnOf // columns that decide which rows it is about
	parts  []part
	row    *checkRule // of a claim about single rows of one table
	why    string     // it is not understood

	derived *derivation
	tangled bool // it mentions a column that is derived otherwise
}

// scopeOf are the tables of a query by their alias, in order.
type scopeOf struct {
	aliases []string
	tables  []*table
	outer   *scopeOf
}

// columnOf is a column of a table.
type columnOf struct {
	table *table
	name  string
	alias string
}

// find resolves a column. It reports whether the innermost query has it.
func (s *scopeOf) find(e expr) (c columnOf, inner, found bool) {
	inner = true
	for ; s != nil; s, inner = s.outer, false {
		for i, t := range s.tables {
			if (e.qual == "" || e.qual == s.aliases[i]) && t.index[e.name] != nil {
				return columnOf{t, e.name, s.aliases[i]}, inner, true
			}
		}
	}
	return columnOf{}, false, false
}

// A part is one condition: a sum of terms compared with zero, or an equality of two facts, or a fact.
type part struct {
	terms    []term
	constant float64
	op       string
	facts    []fact
	same     bool // of two facts: they are equal; else opposite
}

// A term is a number times a column of the outer row, or times an aggregate.
type term struct {
	coef   float64
	agg    string // empty for a column of the outer row; or sum, count, max, min
	column columnOf
	from   []*table
	fixed  []columnOf // columns that decide which rows count, with those of the outer row
	keys   []columnOf // of fixed: those of the aggregate's tables that an outer column is compared with
	to     []columnOf // the outer columns that keys are compared with
	sql    string

	conditions []expr // of an aggregate, as written
}

// A fact is something about a row that is true or false: a column is NULL, or a row exists elsewhere.
type fact struct {
	column columnOf // it is NULL
	exists *table   // a row of it exists
	fixed  []columnOf
	keys   []columnOf
	negate bool
}

// rule reads the claim's query.
func (q *claim) rule(c *catalog) rule {
	r := &claimRule{claim: q}
	for _, name := range tablesOf(q.query) {
		if t := c.table(name); t != nil {
			r.tables = append(r.tables, t)
		} else {
			r.why = "it reads " + name + ", which is not a declared table"
		}
	}
	if r.why == "" {
		r.read(c)
	}
	return r
}

// read understands the shapes NOT EXISTS (SELECT ...), bool_and(...) and plain comparisons.
func (r *claimRule) read(c *catalog) {
	if !isSimple(r.claim.query) {
		r.why = "it is of a shape that is not understood"
		return
	}
	target := newExpr(r.claim.query.GetTargetList()[0].GetResTarget().GetVal())
	scope, joins, ok := openScope(c, r.claim.query.GetFromClause(), nil)
	if !ok {
		r.why = "its FROM is not understood"
		return
	}
	where := conditionsOf(r.claim.query.GetWhereClause())
	switch {
	case isNotExists(target):
		sub := target.args[0].query
		inner, on, ok := openScope(c, sub.GetFromClause(), nil)
		if !ok || len(scope.tables) > 0 || len(sub.GetGroupClause()) > 0 || !isSimple(sub) {
			r.why = "its FROM or GROUP BY is not understood"
			return
		}
		r.outer = inner
		r.violations(c, append(on, conditionsOf(sub.GetWhereClause())...))
	case target.kind == call && (target.name == "bool_and" || target.name == "every") && len(target.args) == 1:
		r.outer = scope
		r.perRow(c, append(joins, where...), target.args[0])
	case len(scope.tables) == 0:
		r.conditions(c, target)
	case len(r.claim.query.GetGroupClause()) == 0:
		r.whole(c, scope, append(joins, where...), target)
	default:
		r.why = "it is of a shape that is not understood"
	}
}

// isSimple reports whether a query has none of the clauses that the analysis of claims passes over.
func isSimple(s *pg.SelectStmt) bool {
	return s.GetWithClause() == nil && s.GetLarg() == nil && s.GetHavingClause() == nil && s.GetLimitCount() == nil && s.GetLimitOffset() == nil && len(s.GetValuesLists()) == 0
}

func isNotExists(e expr) bool {
	return e.kind == logic && e.name == "not" && e.args[0].kind == subquery && e.args[0].name == "exists"
}

func conditionsOf(n *pg.Node) []expr {
	if n == nil {
		return nil
	}
	return newExpr(n).conjuncts()
}

// openScope reads a FROM clause of tables and inner joins; conditions are what stands behind ON.
func openScope(c *catalog, from []*pg.Node, outer *scopeOf) (s scopeOf, conditions []expr, ok bool) {
	s.outer = outer
	var open func(n *pg.Node) bool
	open = func(n *pg.Node) bool {
		switch n := n.GetNode().(type) {
		case *pg.Node_RangeVar:
			t := c.table(relation(n.RangeVar))
			alias := n.RangeVar.GetAlias().GetAliasname()
			if alias == "" {
				alias = n.RangeVar.GetRelname()
			}
			s.tables, s.aliases = append(s.tables, t), append(s.aliases, alias)
			return t != nil
		case *pg.Node_JoinExpr:
			j := n.JoinExpr
			if j.GetJointype() != pg.JoinType_JOIN_INNER || j.GetIsNatural() || len(j.GetUsingClause()) > 0 || !open(j.GetLarg()) || !open(j.GetRarg()) {
				return false
			}
			conditions = append(conditions, conditionsOf(j.GetQuals())...)
			return true
		}
		return false
	}
	for _, n := range from {
		if !open(n) {
			return s, nil, false
		}
	}
	return s, conditions, true
}

// violations reads the conditions of a row that must not exist.
func (r *claimRule) violations(c *catalog, conditions []expr) {
	var main, guards []expr
	for _, e := range conditions {
		if isDeep(e) {
			main = append(main, e)
		} else {
			guards = append(guards, e)
		}
	}
	switch {
	case len(main) == 0 && len(r.outer.tables) == 1:
		if len(guards) == 0 {
			r.why = "it has no condition"
			return
		}
		row := not(guards[0])
		if len(guards) > 1 {
			row = not(expr{kind: logic, name: "and", args: guards})
		}
		r.ofRow(c, push(row))
		return
	case len(main) == 0: // of a join: what is no equality of columns is what must not be
		var joins []expr
		for _, e := range guards {
			if r.isJoin(e) {
				joins = append(joins, e)
			} else {
				main = append(main, e)
			}
		}
		guards = joins
	}
	if len(main) != 1 {
		r.why = "it has several conditions that look at other rows"
		return
	}
	r.perRow(c, guards, push(not(main[0])))
}

// isJoin reports whether an expression compares columns of two tables.
func (r *claimRule) isJoin(e expr) bool {
	if e.kind != operator || e.name != "=" || len(e.args) != 2 || e.args[0].bare().kind != column || e.args[1].bare().kind != column {
		return false
	}
	a, _, ok := r.outer.find(e.args[0].bare())
	b, _, also := r.outer.find(e.args[1].bare())
	return ok && also && a.alias != b.alias
}

// isDeep reports whether an expression looks at other rows.
func isDeep(e expr) bool {
	deep := false
	e.walk(func(e expr) { deep = deep || e.kind == subquery })
	return deep
}

// push moves a NOT inwards.
func push(e expr) expr {
	if e.kind != logic || e.name != "not" {
		return e
	}
	inner := e.args[0]
	switch {
	case inner.kind == logic && inner.name == "not":
		return push(inner.args[0])
	case inner.kind == logic:
		out := expr{kind: logic, name: map[string]string{"and": "or", "or": "and"}[inner.name], pos: inner.pos}
		for _, a := range inner.args {
			out.args = append(out.args, push(not(a)))
		}
		return out
	case inner.kind == operator && len(inner.args) == 2 && opposite[inner.name] != "":
		return compare(opposite[inner.name], inner.args[0], inner.args[1])
	}
	return e
}

// ofRow makes a claim about single rows of one table a check.
func (r *claimRule) ofRow(c *catalog, cond expr) {
	var calls []string
	cond.walk(func(e expr) {
		if e.kind == call && !isBuiltin(e.name) {
			calls = append(calls, e.name)
		}
	})
	row := newCheckRule(r.outer.tables[0], &check{name: r.claim.name, place: r.claim.place, columns: columnsOf(cond), cond: cond, calls: calls})
	r.row = &row
}

// perRow reads what must hold of each row of the outer tables that the guards let through.
func (r *claimRule) perRow(c *catalog, guards []expr, cond expr) {
	if !isDeep(cond) && len(r.outer.tables) == 1 && len(guards) == 0 {
		r.ofRow(c, cond)
		return
	}
	for _, g := range guards {
		if isDeep(g) {
			r.why = "its conditions are not understood"
			return
		}
		r.guards = append(r.guards, columnsIn(g, &r.outer)...)
	}
	r.conditions(c, cond)
}

// conditions reads a conjunction of comparisons and facts.
func (r *claimRule) conditions(c *catalog, cond expr) {
	for _, e := range push(cond).conjuncts() {
		p, ok := r.readPart(c, push(e))
		if !ok {
			r.why = "its condition is of a shape that is not understood"
			return
		}
		r.parts = append(r.parts, p)
	}
}

// whole reads aggregates over the tables of the query itself, such as SELECT count(*) = 1 FROM t WHERE c.
func (r *claimRule) whole(c *catalog, inner scopeOf, where []expr, cond expr) {
	for _, e := range push(cond).conjuncts() {
		e = push(e)
		if e.kind != operator || len(e.args) != 2 || opposite[e.name] == "" {
			r.why = "it is of a shape that is not understood"
			return
		}
		reader := termReader{catalog: c, scope: &inner, where: where}
		p, ok := reader.comparison(e)
		if !ok {
			r.why = "it is of a shape that is not understood"
			return
		}
		r.parts = append(r.parts, p)
	}
}

// columnsIn resolves the columns in an expression.
func columnsIn(e expr, s *scopeOf) []columnOf {
	var out []columnOf
	e.walk(func(e expr) {
		if e.kind == column {
			if c, _, found := s.find(e); found {
				out = append(out, c)
			}
		}
	})
	return out
}
