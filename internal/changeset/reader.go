package changeset

import (
	"fmt"
	"io"
)

// Reader reads the messages of one change set's whole payload (of a chunked
// one: all its chunks and its last part) and checks that they fit together.
// It remembers the first failure.
type Reader struct {
	payload   cursor
	relations map[uint32]*Relation
	last      uint32 // the number of the relation described last
}

// NewReader returns a Reader at the start of payload.
func NewReader(payload []byte) *Reader {
	return &Reader{payload: cursor{rest: payload}, relations: make(map[uint32]*Relation)}
}

// Next returns the next message, whose tuples alias the payload, or io.EOF
// after the last one. Any other error matches ErrMalformed and comes again at
// each further call.
func (r *Reader) Next() (Message, error) {
	if r.payload.err == nil && len(r.payload.rest) == 0 {
		return nil, io.EOF
	}
	kind := r.payload.u8()
	body := cursor{rest: r.payload.bytes32()}
	if r.payload.err != nil {
		return nil, r.payload.err
	}
	message := body.message(kind)
	if body.err == nil {
		r.check(&body, message)
	}
	if err := body.done(); err != nil {
		r.payload.err = fmt.Errorf("message %q: %w", kind, err)
		return nil, r.payload.err
	}
	return message, nil
}

// Relation returns what the number of a message that Next returned stands for,
// or nil. Do not change it.
func (r *Reader) Relation(number uint32) *Relation { return r.relations[number] }

// message only dispatches.
func (c *cursor) message(kind byte) Message {
	switch kind {
	case kindRelation:
		return c.relation()
	case kindInsert:
		return c.insert()
	case kindUpdate:
		return c.update()
	case kindDelete:
		return c.delete()
	case kindTruncate:
		return c.truncate()
	case kindStatement:
		return c.statement()
	case kindSequence:
		return c.sequence()
	case kindDropped:
		return c.droppedSequence()
	case kindEmptied:
		return c.emptiedTable()
	case kindDatabase:
		return DroppedDatabase{Name: c.cstr()}
	case kindRenamed:
		return RenamedDatabase{From: c.cstr(), To: c.cstr()}
	case kindLargeObject:
		return c.largeObject()
	case kindUnlinked:
		return UnlinkedLargeObject{Object: c.u32()}
	case kindPages:
		return c.writtenPages()
	case kindRemoved:
		return c.removedPages()
	}
	c.fail("unknown type")
	return nil
}
