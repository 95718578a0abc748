package randomsql

import "slices"

// model is what the writer believes to be in the database.
type model struct {
	tables        []*table
	sequences     []string
	eventTriggers []string
}

type table struct {
	name    string
	columns []column
	key     string // column of the primary key; empty: none
	parts   []part // partitions; nil: a plain table
}

type column struct {
	name     string
	kind     *kind
	computed bool // generated, or filled in by a sequence
	unique   bool // an index would make a change of many rows depend on their order
}

// clone returns a copy that shares nothing that can change.
func (m *model) clone() *model {
	c := &model{sequences: slices.Clone(m.sequences), eventTriggers: slices.Clone(m.eventTriggers)}
	for _, t := range m.tables {
		copied := *t
		copied.columns = slices.Clone(t.columns)
		copied.parts = slices.Clone(t.parts)
		c.tables = append(c.tables, &copied)
	}
	return c
}

// table finds a table by its name in this state of the model; nil if it is gone.
func (m *model) table(name string) *table {
	for _, t := range m.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}

func (m *model) drop(name string) {
	m.tables = slices.DeleteFunc(m.tables, func(t *table) bool { return t.name == name })
}

// plain returns the columns that a statement may set.
func (t *table) plain() (columns []column) {
	for _, c := range t.columns {
		if !c.computed {
			columns = append(columns, c)
		}
	}
	return columns
}

func (t *table) drop(name string) {
	t.columns = slices.DeleteFunc(t.columns, func(c column) bool { return c.name == name })
}

// find returns the place of a column, which must be there.
func (t *table) find(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
}
