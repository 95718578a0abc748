package confluence

import (
	"sort"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// from opens the relations of a FROM clause, and returns where each stands.
func (w *walker) from(nodes []*pg.Node, s *scope, at int) []int {
	var places []int
	for _, n := range nodes {
		places = append(places, w.fromItem(n, s, at)...)
	}
	return places
}

func (w *walker) fromItem(n *pg.Node, s *scope, at int) []int {
	switch n := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		at = int(n.RangeVar.GetLocation())
		s.relations = append(s.relations, w.named(n.RangeVar, at))
		return []int{at}
	case *pg.Node_JoinExpr:
		places := append(w.fromItem(n.JoinExpr.GetLarg(), s, at), w.fromItem(n.JoinExpr.GetRarg(), s, at)...)
		if n.JoinExpr.GetQuals() != nil {
			w.eval(newExpr(n.JoinExpr.GetQuals()), s)
		}
		return places
	case *pg.Node_RangeSubselect:
		r := relationScope{alias: n.RangeSubselect.GetAlias().GetAliasname(), values: make(map[string]value)}
		for i, o := range w.query(n.RangeSubselect.GetSubquery().GetSelectStmt(), s, at) {
			if names := n.RangeSubselect.GetAlias().GetColnames(); i < len(names) {
				o.name = names[i].GetString_().GetSval()
			}
			r.values[o.name] = o.value
		}
		s.relations = append(s.relations, r)
		return []int{at}
	case *pg.Node_RangeFunction:
		for _, f := range n.RangeFunction.GetFunctions() {
			for _, item := range f.GetList().GetItems() {
				if item.GetNode() != nil {
					w.eval(newExpr(item), s)
				}
			}
		}
		s.relations = append(s.relations, relationScope{alias: n.RangeFunction.GetAlias().GetAliasname(), any: true})
		return []int{at}
	}
	s.relations = append(s.relations, relationScope{any: true})
	return []int{at}
}

// named finds what a name in FROM means: a CTE, a table or a view.
func (w *walker) named(r *pg.RangeVar, at int) relationScope {
	alias := r.GetAlias().GetAliasname()
	if alias == "" {
		alias = r.GetRelname()
	}
	if r.GetSchemaname() == "" {
		for i := len(w.ctes) - 1; i >= 0; i-- {
			if w.ctes[i].alias == r.GetRelname() {
				found := w.ctes[i]
				found.alias = alias
				return found
			}
		}
	}
	name := relation(r)
	if t := w.catalog.table(name); t != nil {
		return relationScope{alias: alias, table: t}
	}
	system := strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "information_schema.")
	if w.catalog.views[name] == nil && !system {
		w.unknownf(at, "there is no table %s", name)
	}
	return relationScope{alias: alias, any: true}
}

// restrict notes which rows an operation looks for.
func (w *walker) restrict(op *Operation, conditions []expr, s *scope, alias string) {
	for _, e := range conditions {
		if e.kind == operator && e.name == "=" && len(e.args) == 2 {
			left, right := e.args[0], e.args[1]
			if !isColumnOf(left, op.table, alias) && isColumnOf(right, op.table, alias) {
				left, right = right, left
			}
			if isColumnOf(left, op.table, alias) {
				v := w.eval(right, s)
				if !s.joins(right) {
					op.binds = append(op.binds, bind{left.bare().name, v})
					continue
				}
			}
		}
		op.Range = true
		w.eval(e, s)
	}
	if len(conditions) == 0 {
		op.Range = true
	}
}

func isColumnOf(e expr, t *table, alias string) bool {
	e = e.bare()
	return e.kind == column && (e.qual == "" || e.qual == alias) && t.index[e.name] != nil
}

// rowOf names the one row that an operation looks for, or is empty if there may be several.
func rowOf(op *Operation) string {
	if !op.bindsKey() {
		return ""
	}
	var parts []string
	for _, name := range op.table.primary.columns {
		v, _ := op.bound(name)
		parts = append(parts, name+"="+v.text)
	}
	sort.Strings(parts)
	return op.table.name + "(" + strings.Join(parts, ",") + ")"
}

// joins reports whether an expression names a column of a table in the same query, so that it is not one value.
func (s *scope) joins(e expr) bool {
	found := false
	e.walk(func(e expr) {
		if e.kind != column && e.kind != star {
			return
		}
		for sc := s; sc != nil; sc = sc.outer {
			for _, r := range sc.relations {
				named := e.qual == "" || e.qual == r.alias
				found = found || named && r.table != nil && r.table.index[e.name] != nil
			}
		}
	})
	return found
}
