package confluence

import (
	"fmt"
	"strings"
)

// InvariantKind is what an invariant demands.
type InvariantKind string

// The kinds of invariants, as reports name them.
const (
	NotNull     InvariantKind = "not null"
	Check       InvariantKind = "check"
	Unique      InvariantKind = "unique"
	PrimaryKey  InvariantKind = "primary key"
	Exclusion   InvariantKind = "exclusion"
	ForeignKey  InvariantKind = "foreign key"
	Sequential  InvariantKind = "sequential id"
	Index       InvariantKind = "secondary index"
	MatView     InvariantKind = "materialized view"
	Trigger     InvariantKind = "trigger"
	Rule        InvariantKind = "rule"
	Declared    InvariantKind = "declared"
	UnknownCode InvariantKind = "unknown code"
)

// An Invariant is something that must hold of the data at any time, or, for a trigger, a rule and unknown code,
// something that may.
type Invariant struct {
	Name    string        `json:"name"`
	Kind    InvariantKind `json:"kind"`
	Table   string        `json:"table,omitempty"`
	Columns []string      `json:"columns,omitempty"`
	Place   Place         `json:"place"`

	// Holds is a query that says whether the invariant holds: one row, one boolean, in which NULL counts as true. It is
	// empty where there is none.
	Holds string `json:"holds,omitempty"`

	rule rule // what the verdicts rest on
}

// A rule judges operations by one invariant. It returns nil if the operation has nothing to do with the invariant.
type rule interface {
	judge(j *judge, op *Operation) *Finding
}

// invariants lists what the schema demands, in the order of its tables.
func (c *catalog) invariants() []*Invariant {
	var out []*Invariant
	add := func(i *Invariant, r rule) {
		i.rule = r
		out = append(out, i)
	}
	for _, t := range c.order {
		if t.whole != nil {
			continue
		}
		c.ofColumns(t, add)
		for _, k := range t.keys {
			kind := Unique
			if k.primary {
				kind = PrimaryKey
			}
			add(&Invariant{Name: k.name, Kind: kind, Table: t.name, Columns: k.all(), Place: k.place, Holds: holdsKey(t, k)}, keyRule{t, k})
		}
		for _, x := range t.checks {
			add(&Invariant{Name: x.name, Kind: Check, Table: t.name, Columns: x.columns, Place: x.place, Holds: holdsCheck(t, x)}, newCheckRule(t, x))
		}
		for _, x := range t.exclude {
			add(&Invariant{Name: x.name, Kind: Exclusion, Table: t.name, Columns: x.all(), Place: x.place}, exclusionRule{t, x})
		}
		for _, f := range t.foreign {
			add(&Invariant{Name: f.name, Kind: ForeignKey, Table: t.name, Columns: f.columns, Place: f.place, Holds: holdsForeign(f)}, foreignRule{f})
		}
		for _, i := range t.indexes {
			add(&Invariant{Name: i.name, Kind: Index, Table: t.name, Place: i.place}, derivedRule{tables: []*table{t}, why: "a secondary index follows its rows"})
		}
	}
	c.ofViews(add)
	c.ofTriggers(add)
	for _, q := range c.claims {
		add(&Invariant{Name: q.name, Kind: Declared, Place: q.place, Holds: q.sql}, q.rule(c))
	}
	return out
}

// ofColumns lists what single columns demand.
func (c *catalog) ofColumns(t *table, add func(*Invariant, rule)) {
	for _, col := range t.columns {
		name := t.name + "." + col.name
		if col.notNull {
			holds := fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM %s WHERE %s IS NULL)", ident(t.name), ident(col.name))
			add(&Invariant{Name: name + " NOT NULL", Kind: NotNull, Table: t.name, Columns: []string{col.name}, Place: col.nullAt, Holds: holds}, notNullRule{t, col.name})
		}
		if col.sequence != "" {
			add(&Invariant{Name: name, Kind: Sequential, Table: t.name, Columns: []string{col.name}, Place: col.place}, sequentialRule{t, col})
		}
	}
}

func (c *catalog) ofViews(add func(*Invariant, rule)) {
	for _, name := range sortedKeys(c.views) {
		v := c.views[name]
		if !v.materialized {
			continue
		}
		r := derivedRule{why: "a materialized view follows the rows that it is made of"}
		for _, of := range v.tables {
			if t := c.table(of); t != nil {
				r.tables = append(r.tables, t)
			}
		}
		add(&Invariant{Name: v.name, Kind: MatView, Table: v.name, Place: v.place}, r)
	}
}

func (c *catalog) ofTriggers(add func(*Invariant, rule)) {
	for _, t := range c.triggers {
		if of := c.table(t.table); of != nil {
			kind := Trigger
			if t.kind == "rule" {
				kind = Rule
			}
			add(&Invariant{Name: t.name, Kind: kind, Table: of.name, Place: t.place}, triggerRule{of, t, c.safe[t.name] || c.safe[t.function]})
		}
	}
}

// holdsKey is the query for a key.
func holdsKey(t *table, k *key) string {
	var parts, present []string
	for _, name := range k.columns {
		parts = append(parts, ident(name))
		present = append(present, ident(name)+" IS NOT NULL")
	}
	for _, e := range k.parts {
		sql := e.sql()
		if sql == "" {
			return ""
		}
		parts = append(parts, "ROW("+sql+")") // a constant alone would be taken for a position
		present = append(present, "("+sql+") IS NOT NULL")
	}
	if k.sameNulls {
		present = nil
	}
	if k.where != nil {
		sql := k.where.sql()
		if sql == "" {
			return ""
		}
		present = append(present, "("+sql+")")
	}
	where := ""
	if len(present) > 0 {
		where = " WHERE " + strings.Join(present, " AND ")
	}
	return fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM %s%s GROUP BY %s HAVING count(*) > 1)", ident(t.name), where, strings.Join(parts, ", "))
}

// holdsCheck is the query for a CHECK.
func holdsCheck(t *table, c *check) string {
	sql := c.cond.sql()
	if sql == "" {
		return ""
	}
	return fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM %s WHERE NOT (%s))", ident(t.name), sql)
}

// holdsForeign is the query for a foreign key.
func holdsForeign(f *foreignKey) string {
	if f.parent == nil || len(f.to) != len(f.columns) {
		return ""
	}
	var match, present []string
	for i, name := range f.columns {
		match = append(match, "parent."+ident(f.to[i])+" = child."+ident(name))
		present = append(present, "child."+ident(name)+" IS NOT NULL")
	}
	return fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM %s AS child WHERE %s AND NOT EXISTS (SELECT FROM %s AS parent WHERE %s))",
		ident(f.child.name), strings.Join(present, " AND "), ident(f.parent.name), strings.Join(match, " AND "))
}
