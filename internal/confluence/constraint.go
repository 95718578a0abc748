package confluence

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// addConstraint takes a constraint of a table. at is where it stands if the constraint itself does not say.
func (r *reader) addConstraint(t *table, s *pg.Constraint, at int) {
	if l := int(s.GetLocation()); l > 0 {
		at = l
	}
	place, name := r.place(at), s.GetConname()
	named := func(suffix string, columns []string) string {
		if name != "" {
			return name
		}
		return t.unused(strings.Join(append(append([]string{unqualified(t.name)}, columns...), suffix), "_"))
	}
	switch s.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
		if s.GetIndexname() != "" {
			return // of an index that was declared as unique already
		}
		k := &key{place: place, columns: strs(s.GetKeys()), sameNulls: s.GetNullsNotDistinct()}
		if s.GetContype() == pg.ConstrType_CONSTR_PRIMARY {
			k.name, k.primary = named("pkey", nil), true
			t.primary = k
			for _, column := range k.columns {
				if c := t.index[column]; c != nil && !c.notNull {
					c.notNull, c.nullAt = true, place
				}
			}
		} else {
			k.name = named("key", k.columns)
		}
		t.keys = append(t.keys, k)
	case pg.ConstrType_CONSTR_CHECK:
		cond := newExpr(s.GetRawExpr())
		columns := columnsOf(cond)
		prefix := columns
		if len(columns) > 1 {
			prefix = nil // as PostgreSQL names it
		}
		t.checks = append(t.checks, &check{name: named("check", prefix), place: place, columns: columns, cond: cond, calls: r.ownCalls(cond)})
	case pg.ConstrType_CONSTR_FOREIGN:
		f := &foreignKey{
			place: place, child: t, parentName: relation(s.GetPktable()), columns: strs(s.GetFkAttrs()), to: strs(s.GetPkAttrs()),
			onDelete: s.GetFkDelAction(), onUpdate: s.GetFkUpdAction(),
		}
		f.name = named("fkey", f.columns)
		t.foreign = append(t.foreign, f)
	case pg.ConstrType_CONSTR_EXCLUSION:
		x := &exclusion{place: place}
		for _, n := range s.GetExclusions() {
			items := n.GetList().GetItems()
			if len(items) == 0 {
				continue
			}
			if e := items[0].GetIndexElem(); e.GetName() != "" {
				x.columns = append(x.columns, e.GetName())
			} else {
				x.parts = append(x.parts, newExpr(e.GetExpr()))
			}
		}
		if s.GetWhereClause() != nil {
			where := newExpr(s.GetWhereClause())
			x.where = &where
		}
		x.name = named("excl", x.all())
		t.exclude = append(t.exclude, x)
	case pg.ConstrType_CONSTR_NOTNULL:
		for _, column := range strs(s.GetKeys()) {
			if c := t.index[column]; c != nil {
				c.notNull, c.nullAt = true, place
			}
		}
	}
}

// unused returns the name, or the name with the first number that makes it one of no other constraint of the table, as
// PostgreSQL does.
func (t *table) unused(name string) string {
	taken := make(map[string]bool)
	for _, k := range t.keys {
		taken[k.name] = true
	}
	for _, c := range t.checks {
		taken[c.name] = true
	}
	for _, f := range t.foreign {
		taken[f.name] = true
	}
	for _, x := range t.exclude {
		taken[x.name] = true
	}
	free := name
	for n := 1; taken[free]; n++ {
		free = name + itoa(n)
	}
	return free
}

// createIndex takes an index: a unique one is a key.
func (r *reader) createIndex(s *pg.IndexStmt, at int) {
	t := r.catalog.table(relation(s.GetRelation()))
	if t == nil {
		r.errorf(at, Warning, "index %s is of table %s, which is not declared", s.GetIdxname(), relation(s.GetRelation()))
		return
	}
	var columns []string
	var parts []expr
	for _, n := range s.GetIndexParams() {
		if e := n.GetIndexElem(); e.GetName() != "" {
			columns = append(columns, e.GetName())
		} else {
			parts = append(parts, newExpr(e.GetExpr()))
		}
	}
	name := s.GetIdxname()
	if name == "" {
		name = strings.Join(append(append([]string{unqualified(t.name)}, columns...), "idx"), "_")
	}
	if !s.GetUnique() {
		t.indexes = append(t.indexes, &index{name: name, place: r.place(at)})
		return
	}
	k := &key{name: name, place: r.place(at), columns: columns, parts: parts, sameNulls: s.GetNullsNotDistinct()}
	if s.GetWhereClause() != nil {
		where := newExpr(s.GetWhereClause())
		k.where = &where
	}
	t.keys = append(t.keys, k)
}

// ownCalls returns the functions in an expression that are not known to be PostgreSQL's own.
func (r *reader) ownCalls(e expr) []string {
	var out []string
	e.walk(func(e expr) {
		if e.kind == call && !isBuiltin(e.name) || e.kind == subquery {
			out = append(out, e.name)
		}
	})
	return out
}

// alterTable takes the parts of an ALTER TABLE that change what the analysis looks at.
func (r *reader) alterTable(s *pg.AlterTableStmt, at int) {
	name := relation(s.GetRelation())
	t := r.catalog.tables[name]
	if t == nil {
		t = r.catalog.table(name)
	}
	if t == nil {
		if s.GetObjtype() == pg.ObjectType_OBJECT_TABLE && !s.GetMissingOk() {
			r.errorf(at, Warning, "ALTER TABLE %s: the table is not declared", name)
		}
		return
	}
	for _, n := range s.GetCmds() {
		r.alter(t, n.GetAlterTableCmd(), at)
	}
}

func (r *reader) alter(t *table, cmd *pg.AlterTableCmd, at int) {
	c := t.index[cmd.GetName()]
	switch cmd.GetSubtype() {
	case pg.AlterTableType_AT_AddColumn:
		r.addColumn(t, cmd.GetDef().GetColumnDef())
	case pg.AlterTableType_AT_AddConstraint:
		r.addConstraint(t, cmd.GetDef().GetConstraint(), at)
	case pg.AlterTableType_AT_DropConstraint:
		t.dropConstraint(cmd.GetName())
	case pg.AlterTableType_AT_AttachPartition:
		part := r.catalog.tables[relation(cmd.GetDef().GetPartitionCmd().GetName())]
		if part != nil {
			part.join(t)
		}
	case pg.AlterTableType_AT_DetachPartition:
		if part := r.catalog.tables[relation(cmd.GetDef().GetPartitionCmd().GetName())]; part != nil {
			part.whole = nil
		}
	case pg.AlterTableType_AT_ColumnDefault, pg.AlterTableType_AT_SetNotNull, pg.AlterTableType_AT_DropNotNull,
		pg.AlterTableType_AT_AddIdentity, pg.AlterTableType_AT_DropIdentity, pg.AlterTableType_AT_DropColumn, pg.AlterTableType_AT_AlterColumnType:
		if c == nil {
			if !cmd.GetMissingOk() {
				r.errorf(at, Warning, "ALTER TABLE %s: there is no column %s", t.name, cmd.GetName())
			}
			return
		}
		r.alterColumn(t, c, cmd, at)
	}
}

func (r *reader) alterColumn(t *table, c *tableColumn, cmd *pg.AlterTableCmd, at int) {
	switch cmd.GetSubtype() {
	case pg.AlterTableType_AT_ColumnDefault:
		c.def, c.sequence = nil, ""
		if cmd.GetDef() != nil {
			c.setDefault(newExpr(cmd.GetDef()))
		}
	case pg.AlterTableType_AT_SetNotNull:
		c.notNull, c.nullAt = true, r.place(at)
	case pg.AlterTableType_AT_DropNotNull:
		c.notNull = false
	case pg.AlterTableType_AT_AddIdentity:
		c.sequence, c.identity = t.name+"_"+c.name+"_seq", true
	case pg.AlterTableType_AT_DropIdentity:
		c.sequence, c.identity = "", false
	case pg.AlterTableType_AT_AlterColumnType:
		if d := cmd.GetDef().GetColumnDef(); d != nil {
			c.typ = typeName(d.GetTypeName())
		}
	case pg.AlterTableType_AT_DropColumn:
		delete(t.index, c.name)
		t.columns = without(t.columns, c)
		t.forget(func(columns []string) bool { return overlap(columns, []string{c.name}) })
	}
}

// forget drops the constraints whose columns match.
func (t *table) forget(gone func(columns []string) bool) {
	keep := t.keys[:0:0]
	for _, k := range t.keys {
		if !gone(k.all()) {
			keep = append(keep, k)
		} else if k == t.primary {
			t.primary = nil
		}
	}
	t.keys = keep
	for _, f := range t.foreign {
		if gone(f.columns) {
			t.foreign = without(t.foreign, f)
		}
	}
	for _, c := range t.checks {
		if gone(c.columns) {
			t.checks = without(t.checks, c)
		}
	}
	for _, x := range t.exclude {
		if gone(x.all()) {
			t.exclude = without(t.exclude, x)
		}
	}
}

// dropConstraint drops the constraint of that name.
func (t *table) dropConstraint(name string) {
	for _, k := range t.keys {
		if k.name == name {
			t.keys = without(t.keys, k)
			if k == t.primary {
				t.primary = nil
			}
		}
	}
	for _, f := range t.foreign {
		if f.name == name {
			t.foreign = without(t.foreign, f)
		}
	}
	for _, c := range t.checks {
		if c.name == name {
			t.checks = without(t.checks, c)
		}
	}
	for _, x := range t.exclude {
		if x.name == name {
			t.exclude = without(t.exclude, x)
		}
	}
}

// drop takes DROP TABLE, INDEX, FUNCTION, TRIGGER and VIEW.
func (r *reader) drop(s *pg.DropStmt, at int) {
	for _, n := range s.GetObjects() {
		parts := n.GetList().GetItems()
		name := qualified(parts)
		switch s.GetRemoveType() {
		case pg.ObjectType_OBJECT_TABLE:
			r.catalog.dropTable(name)
		case pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW:
			delete(r.catalog.views, name)
		case pg.ObjectType_OBJECT_INDEX:
			for _, t := range r.catalog.order {
				for _, k := range t.keys {
					if k.name == name {
						t.keys = without(t.keys, k)
					}
				}
			}
		case pg.ObjectType_OBJECT_FUNCTION, pg.ObjectType_OBJECT_PROCEDURE:
			gone := qualified(n.GetObjectWithArgs().GetObjname())
			if f := r.catalog.functions[gone]; f != nil {
				delete(r.catalog.functions, gone)
				r.catalog.defs = without(r.catalog.defs, f)
			}
		case pg.ObjectType_OBJECT_TRIGGER, pg.ObjectType_OBJECT_RULE:
			if len(parts) < 2 {
				continue
			}
			of, trigger := qualified(parts[:len(parts)-1]), lastName(parts)
			for _, t := range r.catalog.triggers {
				if t.name == trigger && t.table == of {
					r.catalog.triggers = without(r.catalog.triggers, t)
				}
			}
		}
	}
}

// rename says that renaming is not followed.
func (r *reader) rename(s *pg.RenameStmt, at int) {
	t := r.catalog.tables[relation(s.GetRelation())]
	switch {
	case t == nil:
	case s.GetRenameType() == pg.ObjectType_OBJECT_TABLE:
		r.catalog.dropTable(t.name)
		t.name = s.GetNewname()
		r.catalog.addTable(t)
	case s.GetRenameType() == pg.ObjectType_OBJECT_COLUMN:
		r.errorf(at, Warning, "RENAME COLUMN is not followed: write the schema as pg_dump does")
	}
}
