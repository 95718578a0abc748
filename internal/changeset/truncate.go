package changeset

// Truncate empties relations together.
type Truncate struct {
	Options   TruncateOptions
	Relations []uint32 // at least one
}

// TruncateOptions are those of the TRUNCATE statement.
type TruncateOptions uint8

// The options of a Truncate. Any other bit is malformed.
const (
	Cascade            TruncateOptions = 1 << iota
	RestartIdentity                    // sequences owned by the relations start again
	allTruncateOptions = Cascade | RestartIdentity
)

func (Truncate) kind() byte { return kindTruncate }

func (m Truncate) appendBody(b []byte) []byte {
	b = appendCount32(b, len(m.Relations))
	b = append(b, byte(m.Options))
	for _, relation := range m.Relations {
		b = appendU32(b, relation)
	}
	return b
}

func (c *cursor) truncate() Truncate {
	announced := c.u32()
	m := Truncate{Options: TruncateOptions(c.u8())}
	if unknown := m.Options &^ allTruncateOptions; unknown != 0 {
		c.fail("unknown options of TRUNCATE %#x", uint8(unknown))
	}
	if announced == 0 {
		c.fail("TRUNCATE of no relation")
	}
	m.Relations = make([]uint32, c.count(uint64(announced), 4))
	for i := range m.Relations {
		m.Relations[i] = c.u32()
	}
	return m
}
