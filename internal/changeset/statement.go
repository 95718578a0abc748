package changeset

// Statement is DDL that every node runs, as it ran where it came from.
type Statement struct {
	Role       string
	SearchPath string
	Timestamp  int64     // of the transaction, microseconds since 2000-01-01 UTC
	Settings   []Setting // those that change the meaning of the text
	Tag        string    // PostgreSQL's command tag
	Text       string
	Bound      string // what its partition bound was evaluated to; empty: the text says it
	// DefaultPath is the search_path that RESET would have set, at which an extension's script may look; empty: it is no script.
	DefaultPath string
	// Stored are the settings, as name=value, that the role, database or function of the statement has when it has run; nil: it stores none.
	Stored []string
	// OIDs are those of what it makes; the zero value: its author did not choose them.
	OIDs OIDs
}

// OIDs are what a statement's objects are called by inside the server, in the order in which they are given out.
type OIDs struct {
	Next    uint32 // what the author's counter would give out next; 0: there are no OIDs
	Objects []Object
}

// Object is the OID of an object, and that of the catalog that it is in.
type Object struct {
	Catalog, OID uint32
}

// The flags of a statement: what travels behind its text.
const (
	hasBound = 1 << iota
	hasDefaultPath
	hasStored
	hasOIDs
)

// Setting is a configuration parameter and its value.
type Setting struct {
	Name, Value string
}

// objectLength is the length of an Object.
const objectLength = 4 + 4

// minSetting is the length of a setting of empty strings.
const minSetting = 1 + 1

func (Statement) kind() byte { return kindStatement }

func (m Statement) appendBody(b []byte) []byte {
	b = append(b, m.flags())
	b = appendCstr(b, m.Role)
	b = appendCstr(b, m.SearchPath)
	b = appendU64(b, uint64(m.Timestamp))
	b = appendSettings(b, m.Settings)
	b = appendCstr(b, m.Tag)
	b = append(appendCount32(b, len(m.Text)), m.Text...)
	if m.Bound != "" {
		b = appendCstr(b, m.Bound)
	}
	if m.DefaultPath != "" {
		b = appendCstr(b, m.DefaultPath)
	}
	if m.Stored != nil {
		b = appendCount16(b, len(m.Stored))
		for _, setting := range m.Stored {
			b = appendCstr(b, setting)
		}
	}
	if m.OIDs.Next != 0 {
		b = appendU32(b, m.OIDs.Next)
		b = appendCount32(b, len(m.OIDs.Objects))
		for _, object := range m.OIDs.Objects {
			b = appendU32(appendU32(b, object.Catalog), object.OID)
		}
	}
	return b
}

func appendSettings(b []byte, settings []Setting) []byte {
	b = appendCount16(b, len(settings))
	for _, setting := range settings {
		b = appendCstr(b, setting.Name)
		b = appendCstr(b, setting.Value)
	}
	return b
}

func (c *cursor) settings() []Setting {
	settings := make([]Setting, c.count(uint64(c.u16()), minSetting))
	for i := range settings {
		settings[i] = Setting{Name: c.cstr(), Value: c.cstr()}
	}
	return settings
}

func (m Statement) flags() (flags byte) {
	if m.Bound != "" {
		flags |= hasBound
	}
	if m.DefaultPath != "" {
		flags |= hasDefaultPath
	}
	if m.Stored != nil {
		flags |= hasStored
	}
	if m.OIDs.Next != 0 {
		flags |= hasOIDs
	}
	return flags
}

func (c *cursor) statement() Statement {
	flags := c.u8()
	if flags&^(hasBound|hasDefaultPath|hasStored|hasOIDs) != 0 {
		c.fail("unknown flags of a statement %#x", flags)
	}
	m := Statement{Role: c.cstr(), SearchPath: c.cstr(), Timestamp: int64(c.u64())}
	m.Settings = c.settings()
	m.Tag = c.cstr()
	m.Text = string(c.bytes32())
	if flags&hasBound != 0 {
		if m.Bound = c.cstr(); m.Bound == "" {
			c.fail("empty partition bound of a statement")
		}
	}
	if flags&hasDefaultPath != 0 {
		if m.DefaultPath = c.cstr(); m.DefaultPath == "" {
			c.fail("empty default search_path of a statement")
		}
	}
	if flags&hasStored != 0 {
		m.Stored = make([]string, c.count(uint64(c.u16()), 1))
		for i := range m.Stored {
			m.Stored[i] = c.cstr()
		}
	}
	if flags&hasOIDs != 0 {
		if m.OIDs.Next = c.u32(); m.OIDs.Next == 0 {
			c.fail("no next OID of a statement")
		}
		m.OIDs.Objects = make([]Object, c.count(uint64(c.u32()), objectLength))
		for i := range m.OIDs.Objects {
			m.OIDs.Objects[i] = Object{Catalog: c.u32(), OID: c.u32()}
		}
	}
	return m
}

// EmptiedTable says that the table is to be empty before the next Statement,
// which then has nothing to evaluate; the rows that it made follow as Inserts.
type EmptiedTable struct {
	Schema, Name string
}

func (EmptiedTable) kind() byte { return kindEmptied }

func (m EmptiedTable) appendBody(b []byte) []byte {
	b = appendCstr(b, m.Schema)
	return appendCstr(b, m.Name)
}

func (c *cursor) emptiedTable() EmptiedTable {
	return EmptiedTable{Schema: c.cstr(), Name: c.cstr()}
}

// DroppedDatabase takes a database of the cluster away, with all that is known
// of it. Where it runs, its files go later.
type DroppedDatabase struct {
	Name string
}

func (DroppedDatabase) kind() byte { return kindDatabase }

func (m DroppedDatabase) appendBody(b []byte) []byte { return appendCstr(b, m.Name) }

// RenamedDatabase gives a database of the cluster another name, by which it
// goes from the next change set on.
type RenamedDatabase struct {
	From, To string
}

func (RenamedDatabase) kind() byte { return kindRenamed }

func (m RenamedDatabase) appendBody(b []byte) []byte {
	b = appendCstr(b, m.From)
	return appendCstr(b, m.To)
}
