package changeset

// The types of a batch's items beside the messages.
const (
	itemBegin     = 'B'
	itemSet       = 'X'
	itemSequences = 'Z'
	itemIDLimit   = 'C'
	itemEnd       = 'E'
	itemWithout   = 'v'

	// In the place of a batch.
	itemSetAside = 'a'
	itemRebuild  = 'b'
)

// Missing says what a server does about a sequence state whose sequence it does
// not have.
type Missing uint8

const (
	MissingIsError   Missing = 0 // divergence
	MissingIsSkipped Missing = 1 // it was dropped later in the order
)

// Batch builds the parts of one local transaction of a server's apply function.
// The first part starts with Begin, the last one ends with End; between parts,
// take Bytes and call Reset. The zero Batch is an empty part.
type Batch struct {
	buf []byte
}

// Begin says which applied position must hold when the transaction commits.
func (p *Batch) Begin(predecessor Position) {
	p.buf = appendItem(p.buf, itemBegin, func(b []byte) []byte {
		return appendU64(b, uint64(predecessor))
	})
}

// WithoutFunctions says, after Begin, that no users' function is called in the statements of this batch: they run as if their tables were empty.
func (p *Batch) WithoutFunctions() {
	p.buf = appendItem(p.buf, itemWithout, func(b []byte) []byte { return b })
}

// Set starts a change set, with the time at which its transaction began and its
// commit time, in microseconds since 2000-01-01 UTC. Its payload follows, and
// with it a new numbering of relations.
func (p *Batch) Set(began, committed int64) {
	p.buf = appendItem(p.buf, itemSet, func(b []byte) []byte {
		return appendU64(appendU64(b, uint64(began)), uint64(committed))
	})
}

// Payload adds messages of the current change set as they are. A message may
// lie across two calls, and across two parts.
func (p *Batch) Payload(messages []byte) { p.buf = append(p.buf, messages...) }

// Sequences adds sequence states outside any change set. The server sets them
// in the database of its session: the states' Database and LSN are not sent.
func (p *Batch) Sequences(missing Missing, states []SequenceState) {
	p.buf = appendItem(p.buf, itemSequences, func(b []byte) []byte {
		b = append(b, byte(missing))
		b = appendCount16(b, len(states))
		for _, s := range states {
			b = appendSequence(b, Sequence{s.Schema, s.Name, s.Horizon, s.Called})
		}
		return b
	})
}

// IDLimit moves the server's counter of transaction ids up to a limit. It comes
// before any change set, because what is applied after it has ids above it.
func (p *Batch) IDLimit(limit IDLimit) {
	p.buf = appendItem(p.buf, itemIDLimit, func(b []byte) []byte { return AppendIDLimit(b, limit) })
}

// End says which position the commit stores. If it equals the predecessor,
// nothing is stored.
func (p *Batch) End(position Position) {
	p.buf = appendItem(p.buf, itemEnd, func(b []byte) []byte {
		return appendU64(b, uint64(position))
	})
}

// SetIndexAside asks, in the place of a batch, that the index of this OID gets no entries any more and is not used.
func (p *Batch) SetIndexAside(index uint32) {
	p.buf = appendItem(p.buf, itemSetAside, func(b []byte) []byte { return appendU32(b, index) })
}

// RebuildIndex asks, in the place of a batch, that an index which was set aside is built within so many milliseconds.
func (p *Batch) RebuildIndex(index, longest uint32) {
	p.buf = appendItem(p.buf, itemRebuild, func(b []byte) []byte { return appendU32(appendU32(b, index), longest) })
}

// Bytes returns the part built so far. It is valid until the next Reset.
func (p *Batch) Bytes() []byte { return p.buf }

// Len returns the length in bytes of the part built so far.
func (p *Batch) Len() int { return len(p.buf) }

// Reset starts the next part, or the next batch, in the same memory.
func (p *Batch) Reset() { p.buf = p.buf[:0] }

// appendItem appends a framed item: its type, the length of its body, its body.
func appendItem(b []byte, kind byte, body func([]byte) []byte) []byte {
	b = append(b, kind, 0, 0, 0, 0)
	start := len(b)
	b = body(b)
	appendCount32(b[:start-4], len(b)-start)
	return b
}
