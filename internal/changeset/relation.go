package changeset

// Relation describes a table from here on, under a number local to the change
// set.
type Relation struct {
	Number       uint32 // from 1, in order of first use
	Schema, Name string
	Identity     Identity
	Columns      []Column

	// SearchPath is the writer's, by which users' functions in indexes and
	// domains find what they call. Empty: pg_catalog alone, or no such function.
	SearchPath string

	// Settings are those of the writer that such functions may follow, as far as they are not what they mostly are.
	Settings []Setting
}

// Identity says how a relation's rows are found.
type Identity byte

// The identities of a relation.
const (
	ByKey Identity = 'k' // by the columns whose Key is set
	ByRow Identity = 'f' // by the whole row
)

// Column describes one column of a Relation.
type Column struct {
	Key                  bool
	Format               Format
	Name                 string
	TypeSchema, TypeName string
	Modifier             int32 // PostgreSQL's type modifier, -1 for none
}

// Format is the form of a column's values.
type Format byte

// The formats of a column: PostgreSQL's send and output functions.
const (
	Binary Format = 'b'
	Text   Format = 't'
)

// minColumn is the length of a column whose names are empty.
const minColumn = 1 + 1 + 1 + 1 + 1 + 4

func (Relation) kind() byte { return kindRelation }

func (r Relation) appendBody(b []byte) []byte {
	b = appendU32(b, r.Number)
	b = appendCstr(b, r.Schema)
	b = appendCstr(b, r.Name)
	b = append(b, byte(r.Identity))
	b = appendCount16(b, len(r.Columns))
	for _, column := range r.Columns {
		b = appendBool(b, column.Key)
		b = append(b, byte(column.Format))
		b = appendCstr(b, column.Name)
		b = appendCstr(b, column.TypeSchema)
		b = appendCstr(b, column.TypeName)
		b = appendU32(b, uint32(column.Modifier))
	}
	b = appendCstr(b, r.SearchPath)
	if len(r.Settings) > 0 {
		b = appendSettings(b, r.Settings)
	}
	return b
}

func (c *cursor) relation() Relation {
	r := Relation{
		Number:   c.u32(),
		Schema:   c.cstr(),
		Name:     c.cstr(),
		Identity: Identity(c.u8()),
	}
	r.Columns = make([]Column, c.count(uint64(c.u16()), minColumn))
	keys := 0
	for i := range r.Columns {
		r.Columns[i] = c.column()
		if r.Columns[i].Key {
			keys++
		}
	}
	r.SearchPath = c.cstr()
	if len(c.rest) > 0 {
		if r.Settings = c.settings(); len(r.Settings) == 0 {
			c.fail("relation %s.%s has an empty list of settings", r.Schema, r.Name)
		}
	}
	switch {
	case r.Identity != ByKey && r.Identity != ByRow:
		c.fail("unknown identity %q", r.Identity)
	case r.Identity == ByKey && keys == 0:
		c.fail("relation %s.%s is found by a key but has none", r.Schema, r.Name)
	}
	return r
}

func (c *cursor) column() Column {
	column := Column{
		Key:        c.boolean("column flags"),
		Format:     Format(c.u8()),
		Name:       c.cstr(),
		TypeSchema: c.cstr(),
		TypeName:   c.cstr(),
		Modifier:   int32(c.u32()),
	}
	if column.Format != Binary && column.Format != Text {
		c.fail("unknown format %q", column.Format)
	}
	return column
}
