package replicator

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/baristadb/barista/internal/changeset"
)

// eachInline calls use for each message with which a set tells of sequences, or of the names of databases. before has looked through the chunks of a
// chunked set, whose last part may begin within a message; it is the zero inlineScan for another.
func eachInline(set *changeset.ChangeSet, before inlineScan, use func(changeset.Message)) error {
	if set.Flags&changeset.HasSequences == 0 || set.Flags&changeset.Last != 0 && planted("sequences of a chunked set passed over") {
		return nil
	}
	before.read(set.Payload)
	if before.err == nil && (len(before.frame) > 0 || before.skip > 0) {
		before.err = errors.New("it ends within a message")
	}
	if before.err != nil {
		return before.err
	}
	for _, message := range before.found {
		use(message)
	}
	return nil
}

// An inlineScan looks through a payload, whose chunks may end anywhere, from frame to frame. It keeps what eachInline is after and passes the rest
// over, so a set of any size takes little memory. The zero inlineScan stands at the beginning.
type inlineScan struct {
	found []changeset.Message
	frame []byte // of the message that has begun: its header, and its body if that is wanted
	skip  uint64 // bytes of a body that nobody wants
	err   error
}

const (
	frameHeader = 5    // u8 type, u32 length
	maxInline   = 1024 // bytes of a body that is wanted: it holds a few names
)

// read takes the next chunk.
func (s *inlineScan) read(chunk []byte) {
	for s.err == nil && len(chunk) > 0 {
		if s.skip > 0 {
			n := min(s.skip, uint64(len(chunk)))
			s.skip -= n
			chunk = chunk[n:]
			continue
		}
		chunk = chunk[s.fill(chunk):]
		s.take()
	}
}

// fill adds to the frame what it lacks, as far as that has come, and returns how much it took.
func (s *inlineScan) fill(chunk []byte) int {
	want := frameHeader
	if len(s.frame) >= frameHeader {
		want += int(s.bodyLength())
	}
	n := min(want-len(s.frame), len(chunk))
	s.frame = append(s.frame, chunk[:n]...)
	return n
}

func (s *inlineScan) bodyLength() uint32 { return binary.BigEndian.Uint32(s.frame[1:]) }

// take looks at a header that is complete, and at a message.
func (s *inlineScan) take() {
	switch {
	case len(s.frame) < frameHeader:
	case !changeset.NamesSequences(s.frame[0]):
		s.skip, s.frame = uint64(s.bodyLength()), s.frame[:0]
	case s.bodyLength() > maxInline:
		s.err = fmt.Errorf("message %q is %d bytes long", s.frame[0], s.bodyLength())
	case len(s.frame) == frameHeader+int(s.bodyLength()):
		message, err := changeset.NewReader(s.frame).Next()
		s.found, s.err, s.frame = append(s.found, message), err, s.frame[:0]
	}
}
