package confluence

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// define takes one statement of DDL into the catalog. It reports whether the statement is one of DDL, or one that
// says nothing about data and may be passed over.
func (r *reader) define(n *pg.Node, at int) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_CreateStmt:
		r.createTable(n.CreateStmt, at)
	case *pg.Node_AlterTableStmt:
		r.alterTable(n.AlterTableStmt, at)
	case *pg.Node_IndexStmt:
		r.createIndex(n.IndexStmt, at)
	case *pg.Node_CreateSeqStmt:
		r.catalog.sequences[relation(n.CreateSeqStmt.GetSequence())] = r.place(at)
	case *pg.Node_ViewStmt:
		r.createView(n.ViewStmt.GetView(), n.ViewStmt.GetQuery(), at, false)
	case *pg.Node_CreateTableAsStmt:
		s := n.CreateTableAsStmt
		if s.GetObjtype() != pg.ObjectType_OBJECT_MATVIEW {
			r.errorf(at, Warning, "CREATE TABLE AS says no columns: table %s is not analysed", relation(s.GetInto().GetRel()))
			return true
		}
		r.createView(s.GetInto().GetRel(), s.GetQuery(), at, true)
	case *pg.Node_CreateTrigStmt:
		r.createTrigger(n.CreateTrigStmt, at)
	case *pg.Node_RuleStmt:
		r.createRule(n.RuleStmt, at)
	case *pg.Node_CreateFunctionStmt:
		r.createFunction(n.CreateFunctionStmt, at)
	case *pg.Node_CreateDomainStmt:
		r.createDomain(n.CreateDomainStmt, at)
	case *pg.Node_DropStmt:
		r.drop(n.DropStmt, at)
	case *pg.Node_RenameStmt:
		r.rename(n.RenameStmt, at)
	case *pg.Node_CreateEnumStmt:
		r.catalog.enums[qualified(n.CreateEnumStmt.GetTypeName())] = strs(n.CreateEnumStmt.GetVals())
	case *pg.Node_AlterSeqStmt, *pg.Node_AlterEnumStmt, *pg.Node_CompositeTypeStmt, *pg.Node_CreateSchemaStmt,
		*pg.Node_CreateExtensionStmt, *pg.Node_VariableSetStmt, *pg.Node_VariableShowStmt, *pg.Node_CommentStmt, *pg.Node_GrantStmt,
		*pg.Node_GrantRoleStmt, *pg.Node_AlterOwnerStmt, *pg.Node_CreateRoleStmt, *pg.Node_AlterRoleStmt, *pg.Node_CreatePolicyStmt,
		*pg.Node_AlterDefaultPrivilegesStmt, *pg.Node_CreateStatsStmt, *pg.Node_AlterObjectSchemaStmt, *pg.Node_AlterExtensionStmt,
		*pg.Node_CreateRangeStmt, *pg.Node_DefineStmt, *pg.Node_CreatePublicationStmt, *pg.Node_ClusterStmt, *pg.Node_VacuumStmt,
		*pg.Node_CreateCastStmt, *pg.Node_CreateOpClassStmt, *pg.Node_CreatePlangStmt, *pg.Node_RefreshMatViewStmt, *pg.Node_AlterFunctionStmt,
		*pg.Node_CreateEventTrigStmt, *pg.Node_AlterObjectDependsStmt, *pg.Node_SecLabelStmt, *pg.Node_AlterTypeStmt, *pg.Node_CreatedbStmt:
	default:
		return false
	}
	return true
}

// createTable takes a table with its columns and constraints.
func (r *reader) createTable(s *pg.CreateStmt, at int) {
	name := relation(s.GetRelation())
	if r.catalog.tables[name] != nil {
		if !s.GetIfNotExists() {
			r.errorf(at, Warning, "table %s is created twice; the first one counts", name)
		}
		return
	}
	t := &table{name: name, place: r.place(at)}
	r.catalog.addTable(t)
	for _, parent := range s.GetInhRelations() {
		r.inherit(t, parent.GetRangeVar(), s.GetPartbound() != nil, at)
	}
	for _, e := range s.GetTableElts() {
		switch e := e.GetNode().(type) {
		case *pg.Node_ColumnDef:
			r.addColumn(t, e.ColumnDef)
		case *pg.Node_Constraint:
			r.addConstraint(t, e.Constraint, at)
		case *pg.Node_TableLikeClause:
			if like := r.catalog.table(relation(e.TableLikeClause.GetRelation())); like != nil {
				for _, c := range like.columns {
					t.add(&tableColumn{name: c.name, typ: c.typ, place: c.place, notNull: c.notNull, nullAt: c.nullAt})
				}
			}
		}
	}
}

// inherit makes a table a part of another, or gives it the columns of the one that it inherits from.
func (r *reader) inherit(t *table, from *pg.RangeVar, asPartition bool, at int) {
	parent := r.catalog.table(relation(from))
	if parent == nil {
		r.errorf(at, Warning, "table %s inherits from %s, which is not declared", t.name, relation(from))
		return
	}
	if asPartition {
		t.join(parent)
		return
	}
	for _, c := range parent.columns {
		t.add(c)
	}
	r.errorf(at, Warning, "table %s inherits from %s: it is analysed as a table of its own", t.name, parent.name)
}

// addColumn takes a column and the constraints that are written behind it.
func (r *reader) addColumn(t *table, d *pg.ColumnDef) {
	at := int(d.GetLocation())
	c := &tableColumn{name: d.GetColname(), typ: typeName(d.GetTypeName()), place: r.place(at)}
	switch c.typ {
	case "serial", "serial4", "bigserial", "serial8", "smallserial", "serial2":
		c.sequence = t.name + "_" + c.name + "_seq"
		c.notNull, c.nullAt = true, c.place
		c.typ = map[byte]string{'s': "int4", 'b': "int8"}[c.typ[0]]
	}
	t.add(c)
	for _, n := range d.GetConstraints() {
		s := n.GetConstraint()
		switch s.GetContype() {
		case pg.ConstrType_CONSTR_NOTNULL:
			c.notNull, c.nullAt = true, r.place(int(s.GetLocation()))
		case pg.ConstrType_CONSTR_DEFAULT:
			c.setDefault(newExpr(s.GetRawExpr()))
		case pg.ConstrType_CONSTR_IDENTITY:
			c.sequence, c.identity = t.name+"_"+c.name+"_seq", true
			c.notNull, c.nullAt = true, c.place
		case pg.ConstrType_CONSTR_GENERATED:
			e := newExpr(s.GetRawExpr())
			c.computed = &e
		case pg.ConstrType_CONSTR_FOREIGN:
			if len(s.GetFkAttrs()) == 0 {
				s.FkAttrs = []*pg.Node{pg.MakeStrNode(c.name)}
			}
			r.addConstraint(t, s, at)
		case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
			if len(s.GetKeys()) == 0 {
				s.Keys = []*pg.Node{pg.MakeStrNode(c.name)}
			}
			r.addConstraint(t, s, at)
		case pg.ConstrType_CONSTR_CHECK:
			r.addConstraint(t, s, at)
		}
	}
	r.addDomain(t, c)
}

// setDefault notes a default, and the sequence that it draws from.
func (c *tableColumn) setDefault(e expr) {
	c.def, c.sequence = &e, ""
	inner := e.bare()
	if inner.kind == call && inner.name == "nextval" && len(inner.args) == 1 {
		c.sequence = sequenceName(inner.args[0])
	}
}

// sequenceName is the name of the sequence that nextval's argument says.
func sequenceName(e expr) string {
	e = e.bare()
	if e.kind != literal {
		return "a sequence"
	}
	name := e.name
	if len(name) > 7 && name[:7] == "public." {
		name = name[7:]
	}
	return name
}

// addDomain gives a column the constraints of its domain.
func (r *reader) addDomain(t *table, c *tableColumn) {
	d := r.catalog.domains[c.typ]
	if d == nil {
		return
	}
	if d.notNull && !c.notNull {
		c.notNull, c.nullAt = true, c.place
	}
	for _, cond := range d.checks {
		cond = rename(cond, "value", c.name)
		t.checks = append(t.checks, &check{name: t.name + "_" + c.name + "_" + d.name, place: c.place, columns: []string{c.name}, cond: cond, calls: r.ownCalls(cond)})
	}
}

// rename returns a copy of e in which a column has another name.
func rename(e expr, from, to string) expr {
	if e.kind == column && e.name == from && e.qual == "" {
		e.name = to
		e.node = pg.MakeColumnRefNode([]*pg.Node{pg.MakeStrNode(to)}, 0)
		return e
	}
	args := make([]expr, len(e.args))
	changed := false
	for i, a := range e.args {
		args[i] = rename(a, from, to)
		changed = changed || args[i].node != a.node
	}
	e.args = args
	if changed {
		e.node = nil // what the parser made still has the old name
	}
	return e
}

func (r *reader) createView(v *pg.RangeVar, query *pg.Node, at int, materialized bool) {
	name := relation(v)
	r.catalog.views[name] = &view{name: name, place: r.place(at), materialized: materialized, tables: tablesOf(query.GetSelectStmt())}
}

func (r *reader) createTrigger(s *pg.CreateTrigStmt, at int) {
	t := &trigger{name: s.GetTrigname(), kind: "trigger", table: relation(s.GetRelation()), function: qualified(s.GetFuncname()), columns: strs(s.GetColumns()), place: r.place(at)}
	for bit, kind := range map[int32]OperationKind{4: Insert, 8: Delete, 16: Update} { // TRIGGER_TYPE_* of PostgreSQL's pg_trigger.h
		if s.GetEvents()&bit != 0 {
			t.events = append(t.events, kind)
		}
	}
	r.catalog.triggers = append(r.catalog.triggers, t)
}

func (r *reader) createRule(s *pg.RuleStmt, at int) {
	t := &trigger{name: s.GetRulename(), kind: "rule", table: relation(s.GetRelation()), place: r.place(at), instead: s.GetInstead()}
	switch s.GetEvent() {
	case pg.CmdType_CMD_INSERT:
		t.events = []OperationKind{Insert}
	case pg.CmdType_CMD_UPDATE:
		t.events = []OperationKind{Update}
	case pg.CmdType_CMD_DELETE:
		t.events = []OperationKind{Delete}
	default:
		return // a view's own
	}
	r.catalog.triggers = append(r.catalog.triggers, t)
}

func (r *reader) createDomain(s *pg.CreateDomainStmt, at int) {
	d := &domain{name: qualified(s.GetDomainname()), typ: typeName(s.GetTypeName()), place: r.place(at)}
	for _, n := range s.GetConstraints() {
		switch c := n.GetConstraint(); c.GetContype() {
		case pg.ConstrType_CONSTR_NOTNULL:
			d.notNull = true
		case pg.ConstrType_CONSTR_CHECK:
			d.checks = append(d.checks, newExpr(c.GetRawExpr()))
		}
	}
	r.catalog.domains[d.name] = d
}
