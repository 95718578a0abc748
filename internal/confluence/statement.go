package confluence

import (
	"fmt"
	"slices"
	"sort"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// An output is one column of a query's result.
type output struct {
	name  string
	value value
}

// statement notes what one statement does, and returns the columns of its result.
func (w *walker) statement(n *pg.Node, at int) []output {
	ctes := len(w.ctes)
	defer func() { w.ctes = w.ctes[:ctes] }()
	switch n := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		return w.query(n.SelectStmt, nil, at)
	case *pg.Node_InsertStmt:
		return w.insert(n.InsertStmt, at)
	case *pg.Node_UpdateStmt:
		return w.update(n.UpdateStmt, at)
	case *pg.Node_DeleteStmt:
		return w.delete(n.DeleteStmt, at)
	case *pg.Node_TruncateStmt:
		for _, r := range n.TruncateStmt.GetRelations() {
			if t := w.table(r.GetRangeVar(), at); t != nil {
				w.truncate(t, n.TruncateStmt.GetBehavior() == pg.DropBehavior_DROP_CASCADE, at)
			}
		}
	case *pg.Node_MergeStmt:
		w.unknownf(at, "MERGE into %s is not analysed", relation(n.MergeStmt.GetRelation()))
	case *pg.Node_CallStmt:
		w.eval(readCall(n.CallStmt.GetFunccall()), nil)
	case *pg.Node_CopyStmt:
		if n.CopyStmt.GetIsFrom() {
			w.unknownf(at, "COPY into %s: where its keys come from is not known", relation(n.CopyStmt.GetRelation()))
		}
	case *pg.Node_TransactionStmt, *pg.Node_VariableSetStmt, *pg.Node_VariableShowStmt, *pg.Node_LockStmt, *pg.Node_NotifyStmt,
		*pg.Node_ListenStmt, *pg.Node_UnlistenStmt, *pg.Node_ConstraintsSetStmt, *pg.Node_FetchStmt, *pg.Node_ClosePortalStmt, *pg.Node_ReturnStmt:
	case *pg.Node_DeclareCursorStmt:
		w.query(n.DeclareCursorStmt.GetQuery().GetSelectStmt(), nil, at)
	case *pg.Node_ExplainStmt:
		w.unknownf(at, "EXPLAIN may run what it explains")
	default:
		w.unknownf(at, "this kind of statement is not analysed")
	}
	return nil
}

// truncate notes a TRUNCATE, of the tables that refer to the table too if it cascades.
func (w *walker) truncate(t *table, cascades bool, at int) {
	all := []*table{t}
	for i := 0; i < len(all); i++ {
		w.add(&Operation{Kind: Delete, table: all[i], Range: true, Place: w.place(at)})
		for _, f := range all[i].referenced {
			if cascades && !slices.Contains(all, f.child) {
				all = append(all, f.child)
			}
		}
	}
}

// table finds the table of a statement, or says why it cannot.
func (w *walker) table(r *pg.RangeVar, at int) *table {
	name := relation(r)
	if t := w.catalog.table(name); t != nil {
		return t
	}
	if l := int(r.GetLocation()); l > 0 {
		at = l
	}
	if w.catalog.views[name] != nil {
		w.unknownf(at, "%s is a view: which rows a write through it changes is not known", name)
	} else {
		w.unknownf(at, "there is no table %s", name)
	}
	return nil
}

func (w *walker) add(op *Operation) { w.txn.Operations = append(w.txn.Operations, op) }

// with takes the WITH clause of a statement: its queries are run, and their columns can be named.
func (w *walker) with(c *pg.WithClause, at int) {
	for _, n := range c.GetCtes() {
		e := n.GetCommonTableExpr()
		r := relationScope{alias: e.GetCtename(), values: make(map[string]value)}
		if c.GetRecursive() {
			w.ctes = append(w.ctes, relationScope{alias: e.GetCtename(), any: true})
		}
		columns := w.statement(e.GetCtequery(), at)
		for i, o := range columns {
			if i < len(e.GetAliascolnames()) {
				o.name = e.GetAliascolnames()[i].GetString_().GetSval()
			}
			r.values[o.name] = o.value
		}
		r.any = c.GetRecursive()
		w.ctes = append(w.ctes, r)
	}
}

// query notes what a SELECT or VALUES reads, and returns its columns.
func (w *walker) query(s *pg.SelectStmt, outer *scope, at int) []output {
	if s == nil {
		return nil
	}
	if w.depth++; w.depth > 200 {
		w.depth--
		w.unknownf(at, "this query is too deep")
		return nil
	}
	defer func() { w.depth-- }()
	ctes := len(w.ctes)
	defer func() { w.ctes = w.ctes[:ctes] }()
	w.with(s.GetWithClause(), at)
	if s.GetLarg() != nil {
		left, right := w.query(s.GetLarg(), outer, at), w.query(s.GetRarg(), outer, at)
		for i := range min(len(left), len(right)) {
			left[i].value = left[i].value.join(right[i].value)
		}
		return left
	}
	if len(s.GetValuesLists()) > 0 {
		return w.valuesLists(s.GetValuesLists(), outer)
	}
	sc := &scope{outer: outer}
	from := w.from(s.GetFromClause(), sc, at)
	where, conditions := newExpr(s.GetWhereClause()), []expr(nil)
	if s.GetWhereClause() != nil {
		conditions = where.conjuncts()
	}
	kind := Read
	if len(s.GetLockingClause()) > 0 {
		kind = Lock
	}
	var reads []*Operation
	for i := range sc.relations {
		if t := sc.relations[i].table; t != nil && i < len(from) {
			op := &Operation{Kind: kind, table: t, Place: w.place(from[i])}
			w.restrict(op, conditions, sc, sc.relations[i].alias)
			sc.relations[i].row = rowOf(op)
			w.add(op)
			reads = append(reads, op)
		}
	}
	for _, n := range append(s.GetGroupClause()[:len(s.GetGroupClause()):len(s.GetGroupClause())], s.GetHavingClause()) {
		if n != nil {
			w.eval(newExpr(n), sc)
		}
	}
	for _, n := range s.GetSortClause() {
		w.eval(newExpr(n.GetSortBy().GetNode()), sc)
	}
	out := w.targets(s.GetTargetList(), sc)
	markLowest(s, sc, reads, out)
	return out
}

// markLowest notes which of a query's columns is the lowest of its table's matching rows: by min(x), or by ORDER BY x
// LIMIT 1.
func markLowest(s *pg.SelectStmt, sc *scope, reads []*Operation, out []output) {
	if len(reads) != 1 || len(sc.relations) != 1 || len(s.GetGroupClause()) > 0 {
		return
	}
	op := reads[0]
	var binds []string
	for _, b := range op.binds {
		binds = append(binds, b.column+"="+b.value.text)
	}
	if op.Range && len(op.binds) > 0 || len(op.binds) == 0 {
		return
	}
	first := ""
	if sorts := s.GetSortClause(); len(sorts) > 0 && s.GetLimitCount().GetAConst().GetIval().GetIval() == 1 {
		by := sorts[0].GetSortBy()
		if d := by.GetSortbyDir(); d == pg.SortByDir_SORTBY_DEFAULT || d == pg.SortByDir_SORTBY_ASC {
			first = newExpr(by.GetNode()).name
		}
	}
	for i, n := range s.GetTargetList() {
		if i >= len(out) {
			return
		}
		e := newExpr(n.GetResTarget().GetVal())
		switch {
		case e.kind == column && e.name == first:
			out[i].value.lowest = lowestOf(op.table, e.name, binds)
		case e.kind == call && e.name == "min" && len(e.args) == 1 && e.args[0].kind == column && e.filter == nil:
			out[i].value.lowest = lowestOf(op.table, e.args[0].name, binds)
		}
	}
}

// valuesLists joins the rows of VALUES.
func (w *walker) valuesLists(rows []*pg.Node, s *scope) []output {
	var out []output
	for i, n := range rows {
		for j, item := range n.GetList().GetItems() {
			e := newExpr(item)
			v := w.eval(e, s)
			if e.kind == defaults {
				v = value{text: "DEFAULT", sign: anySign}
			}
			switch {
			case i == 0:
				out = append(out, output{fmt.Sprintf("column%d", j+1), v})
			case j < len(out):
				if out[j].value.origin == generated && v.origin == generated {
					continue
				}
				out[j].value = out[j].value.join(v)
			}
		}
	}
	return out
}

// targets evaluates the columns of a result.
func (w *walker) targets(nodes []*pg.Node, s *scope) []output {
	var out []output
	for _, n := range nodes {
		t := n.GetResTarget()
		e := newExpr(t.GetVal())
		if e.kind == star {
			out = append(out, s.all(e.qual)...)
			continue
		}
		name := t.GetName()
		if name == "" && (e.bare().kind == column || e.bare().kind == call) {
			name = unqualified(e.bare().name)
		}
		out = append(out, output{name, w.eval(e, s)})
	}
	return out
}

// all returns every column of the relations, or of one.
func (s *scope) all(qual string) []output {
	var out []output
	for _, r := range s.relations {
		if qual != "" && r.alias != qual {
			continue
		}
		if r.table != nil {
			for _, c := range r.table.columns {
				v, _ := (&scope{relations: []relationScope{r}}).find("", c.name)
				out = append(out, output{c.name, v})
			}
		}
		for _, name := range sortedKeys(r.values) {
			out = append(out, output{name, r.values[name]})
		}
	}
	return out
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
