package changeset

// Insert is a new row.
type Insert struct {
	Relation uint32
	New      Tuple
}

// Update is a changed row.
type Update struct {
	Relation uint32
	OldKind  OldKind
	Old      Tuple // nil if OldKind is OldNone
	New      Tuple
}

// Delete is a row that is gone.
type Delete struct {
	Relation uint32
	OldKind  OldKind // not OldNone
	Old      Tuple
}

func (Insert) kind() byte { return kindInsert }

func (m Insert) appendBody(b []byte) []byte {
	return appendTuple(appendU32(b, m.Relation), newMark, m.New)
}

func (c *cursor) insert() Insert { return Insert{Relation: c.u32(), New: c.newTuple()} }

func (Update) kind() byte { return kindUpdate }

func (m Update) appendBody(b []byte) []byte {
	b = appendU32(b, m.Relation)
	if m.OldKind != OldNone {
		b = appendTuple(b, byte(m.OldKind), m.Old)
	}
	return appendTuple(b, newMark, m.New)
}

func (c *cursor) update() Update {
	m := Update{Relation: c.u32()}
	if mark := c.peek(); mark == byte(OldKey) || mark == byte(OldRow) {
		m.OldKind, m.Old = c.oldTuple()
	}
	m.New = c.newTuple()
	return m
}

func (Delete) kind() byte { return kindDelete }

func (m Delete) appendBody(b []byte) []byte {
	return appendTuple(appendU32(b, m.Relation), byte(m.OldKind), m.Old)
}

func (c *cursor) delete() Delete {
	m := Delete{Relation: c.u32()}
	m.OldKind, m.Old = c.oldTuple()
	return m
}

func (c *cursor) oldTuple() (OldKind, Tuple) {
	kind := OldKind(c.u8())
	if kind != OldKey && kind != OldRow {
		c.fail("%q where the old tuple should be", kind)
	}
	return kind, c.tuple()
}

// peek returns the next byte without taking it, or 0 at the end.
func (c *cursor) peek() byte {
	if len(c.rest) == 0 {
		return 0
	}
	return c.rest[0]
}
