package changeset

// Sequence is the state of a sequence that the transaction created, altered or
// rewrote: part of the transaction, unlike a SequenceState.
type Sequence struct {
	Schema, Name string
	Horizon      int64 // last_value + log_cnt x increment
	Called       bool
}

func (Sequence) kind() byte { return kindSequence }

func (m Sequence) appendBody(b []byte) []byte { return appendSequence(b, m) }

func appendSequence(b []byte, m Sequence) []byte {
	b = appendCstr(b, m.Schema)
	b = appendCstr(b, m.Name)
	b = appendU64(b, uint64(m.Horizon))
	return appendBool(b, m.Called)
}

func (c *cursor) sequence() Sequence {
	return Sequence{
		Schema:  c.cstr(),
		Name:    c.cstr(),
		Horizon: int64(c.u64()),
		Called:  c.boolean("is_called"),
	}
}

// DroppedSequence says that a statement of the transaction dropped a sequence,
// or gave it another name: no state is to be kept under this one.
type DroppedSequence struct {
	Schema, Name string
}

func (DroppedSequence) kind() byte { return kindDropped }

func (m DroppedSequence) appendBody(b []byte) []byte {
	b = appendCstr(b, m.Schema)
	return appendCstr(b, m.Name)
}

func (c *cursor) droppedSequence() DroppedSequence {
	return DroppedSequence{Schema: c.cstr(), Name: c.cstr()}
}
