package changeset

// Statement is DDL that every node runs, as it ran where it came from.
type Statement struct {
	Role       string
	SearchPath string
	Timestamp  int64     // of the transaction, microseconds since 2000-01-01 UTC
	Settings   []Setting // those that change the meaning of the text
	Tag        string    // PostgreSQL's command tag
	Text       string
}

// Setting is a configuration parameter and its value.
type Setting struct {
	Name, Value string
}

// minSetting is the length of a setting of empty strings.
const minSetting = 1 + 1

func (Statement) kind() byte { return kindStatement }

func (m Statement) appendBody(b []byte) []byte {
	b = append(b, 0)
	b = appendCstr(b, m.Role)
	b = appendCstr(b, m.SearchPath)
	b = appendU64(b, uint64(m.Timestamp))
	b = appendCount16(b, len(m.Settings))
	for _, setting := range m.Settings {
		b = appendCstr(b, setting.Name)
		b = appendCstr(b, setting.Value)
	}
	b = appendCstr(b, m.Tag)
	return append(appendCount32(b, len(m.Text)), m.Text...)
}

func (c *cursor) statement() Statement {
	if flags := c.u8(); flags != 0 {
		c.fail("unknown flags of a statement %#x", flags)
	}
	m := Statement{Role: c.cstr(), SearchPath: c.cstr(), Timestamp: int64(c.u64())}
	m.Settings = make([]Setting, c.count(uint64(c.u16()), minSetting))
	for i := range m.Settings {
		m.Settings[i] = Setting{Name: c.cstr(), Value: c.cstr()}
	}
	m.Tag = c.cstr()
	m.Text = string(c.bytes32())
	return m
}
