package gate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// frame draws a frame as a backend sends it.
func frame(typ byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)+1))
	b = append(b, typ)
	return append(b, body...)
}

func request(n uint64, rest ...byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, n), rest...)
}

// Each frame of docs/internals/gate.md becomes the event that it means.
func TestFramesBecomeEvents(t *testing.T) {
	set := changeset.ChangeSet{ID: changeset.MakeID(5, 6), Origin: 1, Database: "postgres", Payload: []byte{}}
	states := []changeset.SequenceState{{Database: "postgres", Schema: "public", Name: "s", Horizon: 33, Called: true, LSN: 7}}
	epoch := binary.BigEndian.AppendUint64(nil, uint64(paxos.MakeBallot(7, 1)))
	propose := append(changeset.AppendSequences(epoch, states), changeset.AppendChangeSet(nil, set)...)
	for _, test := range []struct {
		typ  byte
		body []byte
		want replicator.Event
	}{
		{'P', request(1, propose...), replicator.Submitted{
			Backend: 9, Request: 1, Epoch: paxos.MakeBallot(7, 1), Sequences: states, Set: &set}},
		{'S', request(2, changeset.AppendSequences(epoch, states)...), replicator.Submitted{
			Backend: 9, Request: 2, Epoch: paxos.MakeBallot(7, 1), Sequences: states}},
		{'K', request(3, 0, 0, 0, 4, 'x'), replicator.ChunkSubmitted{Backend: 9, Request: 3, Ordinal: 4, Data: []byte("x")}},
		{'X', request(4), replicator.Discarded{Backend: 9, Request: 4}},
	} {
		got, err := parseFrame(9, test.typ, test.body)
		if err != nil {
			t.Errorf("frame %c: %v", test.typ, err)
		} else if !reflect.DeepEqual(got, test.want) {
			t.Errorf("frame %c: got %+v, want %+v", test.typ, got, test.want)
		}
	}
}

// What is cut short, too long or unknown is an error that says what is wrong, and never an event.
func TestBadFrames(t *testing.T) {
	for _, test := range []struct {
		name string
		typ  byte
		body []byte
		want string
	}{
		{"unknown type", 'Z', request(1), "unknown type"},
		{"no request number", 'P', []byte{1}, "too few"},
		{"no epoch", 'P', request(1), "no epoch"},
		{"no change set", 'P', request(1, make([]byte, 10)...), "propose frame"},
		{"chunk without ordinal", 'K', request(1, 1), "too few"},
		{"discard with a tail", 'X', request(1, 1), "too many"},
	} {
		if _, err := parseFrame(1, test.typ, test.body); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
	for _, stream := range [][]byte{frame('P', make([]byte, 3))[:6], {0, 0, 0, 0, 'P'}, {0xff, 0xff, 0xff, 0xff, 'P'}} {
		if _, _, err := readFrame(bufio.NewReader(bytes.NewReader(stream))); err == nil {
			t.Errorf("stream % x was read", stream)
		}
	}
}

// The answers have the bytes that docs/internals/gate.md draws.
func TestAnswerBytes(t *testing.T) {
	for _, test := range []struct {
		answer replicator.Answer
		want   []byte
	}{
		{replicator.Answer{Request: 1, Verdict: replicator.Chosen, Position: changeset.At(2, 3), Predecessor: changeset.At(2, 2), Committed: 258},
			[]byte{0, 0, 0, 33, 'C', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 1, 2}},
		{replicator.Answer{Request: 1, Verdict: replicator.Agreed}, []byte{0, 0, 0, 9, 'Q', 0, 0, 0, 0, 0, 0, 0, 1}},
		{replicator.Answer{Request: 1, Verdict: replicator.Unknown}, []byte{0, 0, 0, 9, 'U', 0, 0, 0, 0, 0, 0, 0, 1}},
		{replicator.Answer{Request: 1, Verdict: replicator.Refused, SQLState: "40001", Message: "no"},
			[]byte{0, 0, 0, 18, 'N', 0, 0, 0, 0, 0, 0, 0, 1, '4', '0', '0', '0', '1', 0, 2, 'n', 'o'}},
	} {
		if got := appendAnswer(nil, test.answer); !bytes.Equal(got, test.want) {
			t.Errorf("%+v: got % x, want % x", test.answer, got, test.want)
		}
	}
}

// A server that has the library of another build is named as the reason, in both directions.
func TestVersionOfTheGate(t *testing.T) {
	hello := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, 77), 4711)
	if pid, err := parseHello('H', append(hello, version), 77); err != nil || pid != 4711 {
		t.Errorf("pid %d, %v", pid, err)
	}
	hello = slices.Clip(hello)
	for want, body := range map[string][]byte{"version 1 of the gate": hello, "version 3 of the gate": append(hello, 3), "14 bytes": append(hello, version, 0)} {
		if _, err := parseHello('H', body, 77); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// Whatever comes through the socket, reading it ends with an error or with events, and allocates no more than was sent.
func FuzzFrames(f *testing.F) {
	f.Add(frame('H', append(make([]byte, 8), 0, 0, 0, 1, version)))
	f.Add(frame('X', request(1)))
	f.Add(frame('K', request(1, 0, 0, 0, 0, 'x')))
	f.Add(frame('S', request(1, make([]byte, 10)...)))
	f.Add(frame('P', request(1, append(make([]byte, 10), changeset.AppendChangeSet(nil, changeset.ChangeSet{})...)...)))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReader(bytes.NewReader(stream))
		for {
			typ, body, err := readFrame(r)
			if err != nil {
				return
			}
			if len(body) > len(stream) {
				t.Fatalf("a body of %d bytes out of %d", len(body), len(stream))
			}
			parseHello(typ, body, 0)
			parseFrame(1, typ, body)
		}
	})
}

func readFrame(r *bufio.Reader) (typ byte, body []byte, err error) {
	head, err := readHead(r)
	if err != nil {
		return 0, nil, err
	}
	body, err = head.readBody(r)
	return head.typ, body, err
}
