package confluence

import (
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// readPart reads one condition of a claim.
func (r *claimRule) readPart(c *catalog, e expr) (part, bool) {
	if e.kind == operator && len(e.args) == 2 && opposite[e.name] != "" {
		if a, ok := r.readFact(c, e.args[0]); ok {
			b, also := r.readFact(c, e.args[1])
			if !also || e.name != "=" && e.name != "<>" {
				return part{}, false
			}
			return part{facts: []fact{a, b}, same: e.name == "="}, true
		}
		reader := termReader{catalog: c, outer: &r.outer}
		return reader.comparison(e)
	}
	if a, ok := r.readFact(c, e); ok {
		return part{facts: []fact{a}}, true
	}
	return part{}, false
}

// readFact reads x IS NULL, EXISTS (...) and their negations.
func (r *claimRule) readFact(c *catalog, e expr) (fact, bool) {
	switch {
	case e.kind == logic && e.name == "not":
		f, ok := r.readFact(c, e.args[0])
		f.negate = !f.negate
		return f, ok
	case e.kind == isNull && e.args[0].bare().kind == column:
		found, _, ok := r.outer.find(e.args[0].bare())
		return fact{column: found}, ok
	case e.kind == subquery && e.name == "exists":
		inner, on, ok := openScope(c, e.query.GetFromClause(), &r.outer)
		if !ok || len(inner.tables) != 1 || !isSimple(e.query) || len(e.query.GetGroupClause()) > 0 {
			return fact{}, false
		}
		f := fact{exists: inner.tables[0]}
		var also bool
		f.fixed, f.keys, _, also = splitConditions(append(on, conditionsOf(e.query.GetWhereClause())...), &inner)
		return f, also
	}
	return fact{}, false
}

// splitConditions resolves the columns of a subquery's conditions, and tells those that are compared with an outer
// column, with that outer column beside.
func splitConditions(conditions []expr, s *scopeOf) (fixed, keys, to []columnOf, ok bool) {
	for _, e := range conditions {
		if isDeep(e) {
			return nil, nil, nil, false
		}
		fixed = append(fixed, columnsIn(e, s)...)
		if e.kind != operator || e.name != "=" || len(e.args) != 2 {
			continue
		}
		a, aInner, okA := s.find(e.args[0].bare())
		b, bInner, okB := s.find(e.args[1].bare())
		if !okA || !okB || aInner == bInner {
			continue
		}
		if bInner {
			a, b = b, a
		}
		keys, to = append(keys, a), append(to, b)
	}
	return fixed, keys, to, true
}

// A termReader reads the two sides of a comparison as sums of terms.
type termReader struct {
	catalog *catalog
	outer   *scopeOf // of columns of the outer row
	scope   *scopeOf // of aggregates that stand in the query itself
	where   []expr
}

// comparison reads left op right as terms op 0.
func (t termReader) comparison(e expr) (part, bool) {
	p := part{op: e.name}
	ok := t.sum(e.args[0], 1, &p) && t.sum(e.args[1], -1, &p)
	for _, term := range p.terms {
		ok = ok && term.coef != 0
	}
	return p, ok && len(p.terms) > 0
}

// sum adds e times coef to p.
func (t termReader) sum(e expr, coef float64, p *part) bool {
	e = e.bare()
	switch e.kind {
	case literal:
		n, err := strconv.ParseFloat(e.name, 64)
		p.constant += coef * n
		return err == nil
	case column:
		if t.outer == nil {
			return false
		}
		c, _, ok := t.outer.find(e)
		p.terms = append(p.terms, term{coef: coef, column: c, sql: c.alias + "." + ident(c.name)})
		return ok
	case operator:
		return t.operation(e, coef, p)
	case call:
		if e.name == "coalesce" && len(e.args) == 2 && e.args[1].kind == literal && signOf(e.args[1].name) == Zero {
			return t.sum(e.args[0], coef, p)
		}
		return t.aggregate(e, coef, p)
	case subquery:
		return t.query(e, coef, p)
	}
	return false
}

func (t termReader) operation(e expr, coef float64, p *part) bool {
	switch {
	case len(e.args) == 1 && e.name == "-":
		return t.sum(e.args[0], -coef, p)
	case len(e.args) != 2:
		return false
	case e.name == "+":
		return t.sum(e.args[0], coef, p) && t.sum(e.args[1], coef, p)
	case e.name == "-":
		return t.sum(e.args[0], coef, p) && t.sum(e.args[1], -coef, p)
	case e.name == "*":
		for i := range 2 {
			if factor := e.args[i].bare(); factor.kind == literal {
				n, err := strconv.ParseFloat(factor.name, 64)
				return err == nil && t.sum(e.args[1-i], coef*n, p)
			}
		}
	}
	return false
}

// query reads a scalar subquery whose one column is a sum of aggregates.
func (t termReader) query(e expr, coef float64, p *part) bool {
	if e.name != "scalar" || len(e.query.GetTargetList()) != 1 || len(e.query.GetGroupClause()) > 0 || t.scope != nil || !isSimple(e.query) {
		return false
	}
	inner, on, ok := openScope(t.catalog, e.query.GetFromClause(), t.outer)
	if !ok || len(inner.tables) == 0 {
		return false
	}
	reader := termReader{catalog: t.catalog, scope: &inner, where: append(on, conditionsOf(e.query.GetWhereClause())...)}
	before := len(p.terms)
	target := newExpr(e.query.GetTargetList()[0].GetResTarget().GetVal())
	if !reader.sum(target, coef, p) {
		return false
	}
	if len(p.terms) == before+1 {
		p.terms[before].sql = subquerySQL(e.query)
	}
	return true
}

func subquerySQL(s *pg.SelectStmt) string {
	sql, err := selectSQL(s)
	if err != nil {
		return ""
	}
	return "(" + sql + ")"
}

// aggregate reads sum(x), count(*), max(x) and min(x).
func (t termReader) aggregate(e expr, coef float64, p *part) bool {
	if t.scope == nil || e.distinct || len(e.args) != 1 {
		return false
	}
	out := term{coef: coef, agg: e.name, from: t.scope.tables}
	conditions := t.where
	if e.filter != nil {
		conditions = append(append([]expr(nil), conditions...), e.filter.conjuncts()...)
	}
	var ok bool
	out.fixed, out.keys, out.to, ok = splitConditions(conditions, t.scope)
	out.conditions = conditions
	if !ok {
		return false
	}
	arg := e.args[0].bare()
	switch e.name {
	case "count":
		if arg.kind == column {
			c, inner, found := t.scope.find(arg)
			if !found || !inner {
				return false
			}
			if !c.table.index[c.name].notNull {
				out.fixed = append(out.fixed, c)
			}
		} else if arg.kind != star && arg.kind != literal {
			return false
		}
	case "sum", "max", "min":
		c, inner, found := t.scope.find(arg)
		if arg.kind != column || !found || !inner {
			return false
		}
		out.column = c
	default:
		return false
	}
	p.terms = append(p.terms, out)
	return true
}
