package gate

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// maxMessage is the longest text of a refusal that a backend takes, in bytes.
const maxMessage = 4096

// frameHead is what is known of a frame before its body is read.
type frameHead struct {
	typ    byte
	length int // of the body, less than maxFrame
}

// readHead reads the head of a frame, and checks its length.
func readHead(r *bufio.Reader) (frameHead, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frameHead{}, err
	}
	length := binary.BigEndian.Uint32(head[:4])
	if length < 1 || length > maxFrame {
		return frameHead{}, fmt.Errorf("frame of %d bytes; between 1 and %d are allowed", length, maxFrame)
	}
	return frameHead{typ: head[4], length: int(length) - 1}, nil
}

func (h frameHead) readBody(r *bufio.Reader) ([]byte, error) {
	body := make([]byte, h.length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("frame cut short: %w", err)
	}
	return body, nil
}

// version is that of the frames. A hello of version 1 had no version; version 2 brought that, and the commit time of what is chosen.
const version = 2

// parseHello checks a backend's first frame and returns its process id.
func parseHello(typ byte, body []byte, start uint64) (pid uint32, err error) {
	if typ != 'H' || len(body) < 12 {
		return 0, fmt.Errorf("first frame of type %q and %d bytes is no hello", typ, len(body))
	}
	said := byte(1) // what says nothing
	if len(body) > 12 {
		said = body[12]
	}
	if said != version || len(body) != 13 {
		return 0, fmt.Errorf("hello of version %d of the gate and %d bytes, this is version %d: the server has another build's library", said, len(body), version)
	}
	if got := binary.BigEndian.Uint64(body); got != start {
		return 0, fmt.Errorf("hello of another start of the server: %x, this one is %x", got, start)
	}
	return binary.BigEndian.Uint32(body[8:12]), nil
}

// parseFrame reads any later frame of a backend.
func parseFrame(id replicator.BackendID, typ byte, body []byte) (replicator.Event, error) {
	if len(body) < 8 {
		return nil, fmt.Errorf("frame of type %q has %d bytes, too few for a request number", typ, len(body))
	}
	request, rest := binary.BigEndian.Uint64(body), body[8:]
	switch typ {
	case 'P':
		return parsePropose(id, request, rest)
	case 'S':
		return parseSequences(id, request, rest)
	case 'K':
		if len(rest) < 4 {
			return nil, fmt.Errorf("chunk frame has %d bytes, too few for an ordinal", len(body))
		}
		return replicator.ChunkSubmitted{Backend: id, Request: request, Ordinal: binary.BigEndian.Uint32(rest), Data: rest[4:]}, nil
	case 'X':
		if len(rest) != 0 {
			return nil, fmt.Errorf("discard frame has %d bytes too many", len(rest))
		}
		return replicator.Discarded{Backend: id, Request: request}, nil
	}
	return nil, fmt.Errorf("frame of unknown type %q", typ)
}

func parsePropose(id replicator.BackendID, request uint64, body []byte) (replicator.Event, error) {
	if len(body) < 8 {
		return nil, fmt.Errorf("propose frame has no epoch")
	}
	states, rest, err := changeset.CutSequences(body[8:])
	if err != nil {
		return nil, fmt.Errorf("propose frame: %w", err)
	}
	set, err := changeset.DecodeChangeSet(rest)
	if err != nil {
		return nil, fmt.Errorf("propose frame: %w", err)
	}
	return replicator.Submitted{
		Backend: id, Request: request, Epoch: paxos.Ballot(binary.BigEndian.Uint64(body)), Sequences: states, Set: &set,
	}, nil
}

func parseSequences(id replicator.BackendID, request uint64, body []byte) (replicator.Event, error) {
	if len(body) < 8 {
		return nil, fmt.Errorf("sequences frame has no epoch")
	}
	states, err := changeset.DecodeSequences(body[8:])
	if err != nil {
		return nil, fmt.Errorf("sequences frame: %w", err)
	}
	return replicator.Submitted{
		Backend: id, Request: request, Epoch: paxos.Ballot(binary.BigEndian.Uint64(body)), Sequences: states,
	}, nil
}

// appendAnswer appends the frame that tells a backend what became of its request.
func appendAnswer(b []byte, a replicator.Answer) []byte {
	begin := len(b)
	b = append(b, 0, 0, 0, 0, answerType(a.Verdict))
	b = binary.BigEndian.AppendUint64(b, a.Request)
	switch a.Verdict {
	case replicator.Chosen:
		b = binary.BigEndian.AppendUint64(b, uint64(a.Position))
		b = binary.BigEndian.AppendUint64(b, uint64(a.Predecessor))
		b = binary.BigEndian.AppendUint64(b, uint64(a.Committed))
	case replicator.Refused:
		message := a.Message[:min(len(a.Message), maxMessage)]
		b = append(b, (a.SQLState + "     ")[:5]...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
		b = append(b, message...)
	}
	binary.BigEndian.PutUint32(b[begin:], uint32(len(b)-begin-4))
	return b
}

func answerType(v replicator.Verdict) byte {
	switch v {
	case replicator.Chosen:
		return 'C'
	case replicator.Agreed:
		return 'Q'
	case replicator.Refused:
		return 'N'
	case replicator.Unknown:
		return 'U'
	}
	panic(fmt.Sprintf("gate: verdict %d", v))
}
