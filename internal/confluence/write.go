package confluence

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// insert notes an INSERT, with the values that its columns get, also by default.
func (w *walker) insert(s *pg.InsertStmt, at int) []output {
	w.with(s.GetWithClause(), at)
	t := w.table(s.GetRelation(), at)
	var columns []string
	for _, n := range s.GetCols() {
		columns = append(columns, n.GetResTarget().GetName())
		if t != nil && t.index[n.GetResTarget().GetName()] == nil {
			w.unknownf(int(n.GetResTarget().GetLocation()), "table %s has no column %s", t.name, n.GetResTarget().GetName())
		}
	}
	given := w.query(s.GetSelectStmt().GetSelectStmt(), nil, at)
	if t == nil {
		return nil
	}
	if len(columns) == 0 {
		columns = t.names()
	}
	op := &Operation{Kind: Insert, table: t, Place: w.place(at)}
	written := make(map[string]value)
	for i, o := range given {
		if i < len(columns) && o.value.text != "DEFAULT" {
			written[columns[i]] = o.value
		}
	}
	for _, c := range t.columns {
		v, found := written[c.name]
		if !found {
			v = w.defaultOf(t, c)
		}
		op.Sets = append(op.Sets, newSet(t, c.name, v, ""))
	}
	w.add(op)
	w.conflict(s.GetOnConflictClause(), op, at)
	inserted := relationScope{alias: s.GetRelation().GetRelname(), values: make(map[string]value)}
	for _, set := range op.Sets {
		inserted.values[set.Column] = set.value
	}
	if op.Upsert != "" { // the row may have been there before
		inserted = relationScope{alias: inserted.alias, table: t}
	}
	if a := s.GetRelation().GetAlias().GetAliasname(); a != "" {
		inserted.alias = a
	}
	return w.targets(s.GetReturningList(), &scope{relations: []relationScope{inserted}})
}

// defaultOf is what a column gets that an INSERT does not name.
func (w *walker) defaultOf(t *table, c *tableColumn) value {
	switch {
	case c.sequence != "":
		w.fresh++
		return value{origin: sequential, sequence: c.sequence, sign: Positive, known: true, text: "nextval " + t.name + "." + c.name + itoa(w.fresh)}
	case c.computed != nil:
		return value{sign: anySign, text: "computed"}
	case c.def != nil:
		return w.eval(*c.def, nil)
	}
	return value{origin: absent, text: "NULL"}
}

// conflict notes ON CONFLICT: the INSERT that may find its row there, and the UPDATE that it then becomes.
func (w *walker) conflict(c *pg.OnConflictClause, op *Operation, at int) {
	if c == nil {
		return
	}
	for _, n := range c.GetInfer().GetIndexElems() {
		op.arbiter = append(op.arbiter, n.GetIndexElem().GetName())
	}
	if name := c.GetInfer().GetConname(); name != "" {
		for _, k := range op.table.keys {
			if k.name == name {
				op.arbiter = k.columns
			}
		}
	}
	op.Upsert = "nothing"
	if c.GetAction() != pg.OnConflictAction_ONCONFLICT_UPDATE {
		return
	}
	op.Upsert = "update"
	excluded := relationScope{alias: "excluded", values: make(map[string]value)}
	for _, s := range op.Sets {
		excluded.values[s.Column] = s.value
	}
	sc := &scope{relations: []relationScope{{alias: unqualified(op.table.name), table: op.table, row: self}, excluded}}
	update := &Operation{Kind: Update, table: op.table, Place: op.Place, onRow: op}
	for _, name := range op.arbiter {
		if s, found := op.set(name); found {
			update.binds = append(update.binds, bind{name, s.value})
		}
	}
	w.sets(update, c.GetTargetList(), sc)
	w.add(update)
}

// update notes an UPDATE.
func (w *walker) update(s *pg.UpdateStmt, at int) []output {
	w.with(s.GetWithClause(), at)
	t := w.table(s.GetRelation(), at)
	if t == nil {
		return nil
	}
	op := &Operation{Kind: Update, table: t, Place: w.place(at)}
	sc := w.target(op, s.GetRelation(), s.GetFromClause(), s.GetWhereClause(), at)
	before := w.vars
	if s.GetWhereClause() != nil {
		w.vars = w.vars.copy()
		w.narrow(newExpr(s.GetWhereClause()), true)
	}
	w.sets(op, s.GetTargetList(), sc)
	w.vars = before
	w.add(op)
	sc.relations[0].row = rowOf(op)
	return w.targets(s.GetReturningList(), sc)
}

// target opens the scope of an UPDATE or DELETE and notes which rows it looks for.
func (w *walker) target(op *Operation, r *pg.RangeVar, from []*pg.Node, where *pg.Node, at int) *scope {
	alias := r.GetAlias().GetAliasname()
	if alias == "" {
		alias = r.GetRelname()
	}
	sc := &scope{relations: []relationScope{{alias: alias, table: op.table, row: self}}}
	w.from(from, sc, at)
	var conditions []expr
	if where != nil {
		conditions = newExpr(where).conjuncts()
	}
	w.restrict(op, conditions, sc, alias)
	return sc
}

// sets notes the columns that an UPDATE writes. Writing back the value that the row was looked for by is no change.
func (w *walker) sets(op *Operation, nodes []*pg.Node, sc *scope) {
	row := rowOf(op)
	for _, n := range nodes {
		target := n.GetResTarget()
		name := target.GetName()
		if op.table.index[name] == nil {
			w.unknownf(int(target.GetLocation()), "table %s has no column %s", op.table.name, name)
			continue
		}
		e := newExpr(target.GetVal())
		var v value
		switch {
		case e.kind == defaults:
			v = w.defaultOf(op.table, op.table.index[name])
		case len(target.GetIndirection()) > 0:
			v = value{sign: anySign, text: "part", reads: []string{op.table.name + "." + name}}
			w.eval(e, sc)
		default:
			v = w.eval(e, sc)
		}
		if b, found := op.bound(name); found && b.text == v.text && v.origin != generated && v.origin != sequential {
			continue
		}
		op.Sets = append(op.Sets, newSet(op.table, name, v, row))
	}
	w.recompute(op)
}

// recompute notes the generated columns that an UPDATE changes with the columns that they are made of.
func (w *walker) recompute(op *Operation) {
	for _, c := range op.table.columns {
		if c.computed == nil || !op.writes(columnsOf(*c.computed)) {
			continue
		}
		set := Set{Column: c.name, Effect: Computed, value: value{sign: anySign, text: "computed"}}
		for _, s := range op.Sets {
			if s.delta && overlap([]string{s.Column}, columnsOf(*c.computed)) {
				set = Set{Column: c.name, Effect: Changed, delta: true, value: value{sign: anySign, shift: anySign, text: "computed", vanishes: true}}
			}
		}
		op.Sets = append(op.Sets, set)
	}
}

// delete notes a DELETE.
func (w *walker) delete(s *pg.DeleteStmt, at int) []output {
	w.with(s.GetWithClause(), at)
	t := w.table(s.GetRelation(), at)
	if t == nil {
		return nil
	}
	op := &Operation{Kind: Delete, table: t, Place: w.place(at)}
	sc := w.target(op, s.GetRelation(), s.GetUsingClause(), s.GetWhereClause(), at)
	w.add(op)
	sc.relations[0].row = rowOf(op)
	return w.targets(s.GetReturningList(), sc)
}
