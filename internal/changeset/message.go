package changeset

// Message is one step of what a transaction did, in the order in which it
// happened: a Relation, Insert, Update, Delete, Truncate, Statement, Sequence,
// DroppedSequence, EmptiedTable, DroppedDatabase, RenamedDatabase, LargeObject,
// UnlinkedLargeObject, WrittenPages or RemovedPages.
type Message interface {
	kind() byte
	appendBody(b []byte) []byte
}

// The types of messages.
const (
	kindRelation    = 'R'
	kindInsert      = 'I'
	kindUpdate      = 'U'
	kindDelete      = 'D'
	kindTruncate    = 'T'
	kindStatement   = 'Q'
	kindSequence    = 'S'
	kindDropped     = 's'
	kindEmptied     = 'e'
	kindDatabase    = 'd'
	kindRenamed     = 'n'
	kindLargeObject = 'l'
	kindUnlinked    = 'u'
	kindPages       = 'p'
	kindRemoved     = 'r'
)

// NamesSequences reports whether messages of a type tell of sequences, or of
// the names of databases: Sequence, DroppedSequence, DroppedDatabase and
// RenamedDatabase.
func NamesSequences(kind byte) bool {
	switch kind {
	case kindSequence, kindDropped, kindDatabase, kindRenamed:
		return true
	}
	return false
}

// Writer builds a payload. It checks nothing beyond what fits its fields; a
// Reader does. The zero Writer is ready.
type Writer struct {
	buf []byte
}

// Write adds a message. It panics if a field of m does not fit: a name with a
// zero byte, or more than 65,535 columns, settings or values.
func (w *Writer) Write(m Message) { w.buf = appendItem(w.buf, m.kind(), m.appendBody) }

// Payload returns the messages written so far.
func (w *Writer) Payload() []byte { return w.buf }
