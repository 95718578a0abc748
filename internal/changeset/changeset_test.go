package changeset

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func someSets() []ChangeSet {
	return []ChangeSet{
		{
			ID: MakeID(1, 2), Origin: 3, Flags: HasDDL, Timestamp: 5, Committed: 9,
			Database: "db", RequestID: "r", Payload: []byte{0xaa, 0xbb},
		},
		{ID: MakeID(1, 3), Flags: Last | HasSequences, Chunks: 7, Timestamp: -1, Payload: []byte{}},
	}
}

// golden fails unless got is the bytes written in hexadecimal in want, where
// blanks separate the fields as drawn in docs/internals/formats.md.
func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	joined := strings.Join(strings.Fields(want), "")
	if hex.EncodeToString(got) != joined {
		t.Errorf("got  %x\nwant %s", got, joined)
	}
}

func TestChangeSetsGolden(t *testing.T) {
	// An entry of change sets has the bytes that docs/internals/formats.md draws.
	golden(t, AppendChangeSets(nil, someSets()), `
		00000002
		0000000000000009 00000000000000010000000000000002 0003 01 00000000 0000000000000005 0002 6462 0001 72 00000002 aabb
		0000000000000000 00000000000000010000000000000003 0000 06 00000007 ffffffffffffffff 0000 0000 00000000`)
}

func TestChangeSetsRoundTrip(t *testing.T) {
	// What is appended is what is decoded, at every count that an entry allows.
	for _, sets := range [][]ChangeSet{{}, someSets()[:1], someSets(), make([]ChangeSet, MaxSets)} {
		for i := range sets {
			if sets[i].Payload == nil {
				sets[i].Payload = []byte{}
			}
		}
		got, err := DecodeChangeSets(AppendChangeSets(nil, sets))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sets, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOldSets(t *testing.T) {
	// An entry of version 0.1.0 is read: it has no commit times, and the transactions' beginnings stand for them.
	want := someSets()
	old := appendU32(nil, uint32(len(want)))
	for i := range want {
		want[i].Committed = want[i].Timestamp
		old = AppendChangeSet(old, want[i])
	}
	got, err := DecodeOldSets(old)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	if _, err := DecodeOldSets(old[:len(old)-1]); !errors.Is(err, ErrMalformed) {
		t.Errorf("cut short: %v", err)
	}
}

func TestCutChangeSet(t *testing.T) {
	// A change set is cut from the front of a frame, and what follows is returned.
	set := someSets()[0]
	set.Committed = 0 // only its entry says
	frame := append(AppendChangeSet(nil, set), "rest"...)
	got, rest, err := CutChangeSet(frame)
	if err != nil || string(rest) != "rest" {
		t.Fatalf("rest %q, %v", rest, err)
	}
	if diff := cmp.Diff(set, got); diff != "" {
		t.Error(diff)
	}
	if _, err := DecodeChangeSet(frame); !errors.Is(err, ErrMalformed) {
		t.Errorf("trailing bytes: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	// Every truncation, and every field out of range, is ErrMalformed and no panic.
	whole := AppendChangeSets(nil, someSets())
	for n := range whole {
		if _, err := DecodeChangeSets(whole[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	spoil := func(at int, with ...byte) []byte {
		spoiled := bytes.Clone(whole)
		copy(spoiled[at:], with)
		return spoiled
	}
	for name, body := range map[string][]byte{
		"a byte too many":         append(bytes.Clone(whole), 0),
		"more sets than fit":      spoil(0, 0, 1, 0, 1),
		"four billion sets":       spoil(0, 0xff, 0xff, 0xff, 0xff),
		"unknown flag":            spoil(4+8+18, 8),
		"chunks without its flag": spoil(4+8+19, 0, 0, 0, 1),
		"database of 64 KiB":      spoil(4+8+31, 0xff, 0xff),
	} {
		if _, err := DecodeChangeSets(body); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAppendPanics(t *testing.T) {
	// A value that does not fit its field panics instead of writing bytes that mean something else.
	for name, set := range map[string]ChangeSet{
		"database":   {Database: strings.Repeat("x", 65536)},
		"request id": {RequestID: strings.Repeat("x", 65536)},
		"chunks":     {Chunks: 1},
	} {
		if !panics(func() { AppendChangeSet(nil, set) }) {
			t.Errorf("%s: no panic", name)
		}
	}
	if !panics(func() { AppendChangeSets(nil, make([]ChangeSet, MaxSets+1)) }) {
		t.Error("too many sets: no panic")
	}
}

func TestChunk(t *testing.T) {
	// A chunk has the drawn bytes and comes back; its data may be empty.
	chunk := Chunk{ID: MakeID(1, 2), Ordinal: 3, Data: []byte("data")}
	body := AppendChunk(nil, chunk)
	golden(t, body, "00000000000000010000000000000002 00000003 64617461")
	got, err := DecodeChunk(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(chunk, got); diff != "" {
		t.Error(diff)
	}
	if _, err := DecodeChunk(body[:20]); err != nil {
		t.Errorf("empty data: %v", err)
	}
	if _, err := DecodeChunk(body[:19]); !errors.Is(err, ErrMalformed) {
		t.Errorf("truncated: %v", err)
	}
}

func TestSequences(t *testing.T) {
	// Sequence states have the drawn bytes, come back, and leave what follows them.
	states := []SequenceState{
		{Database: "d", Schema: "s", Name: "n", Horizon: 33, Called: true, LSN: 9},
		{Horizon: -1},
	}
	body := AppendSequences(nil, states)
	golden(t, body, `0002
		0001 64 0001 73 0001 6e 0000000000000021 01 0000000000000009
		0000 0000 0000 ffffffffffffffff 00 0000000000000000`)
	got, rest, err := CutSequences(append(bytes.Clone(body), "rest"...))
	if err != nil || string(rest) != "rest" {
		t.Fatalf("rest %q, %v", rest, err)
	}
	if diff := cmp.Diff(states, got); diff != "" {
		t.Error(diff)
	}
	for n := range body {
		if _, err := DecodeSequences(body[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	body[2+9+8] = 2
	if _, err := DecodeSequences(body); !errors.Is(err, ErrMalformed) {
		t.Errorf("is_called of 2: %v", err)
	}
}

func TestMark(t *testing.T) {
	// A mark's id comes back from its entry and from its text.
	id := MarkID{1, 15: 0xff}
	if got, err := DecodeMark(AppendMark(nil, id)); err != nil || got != id {
		t.Errorf("from its entry: %v, %v", got, err)
	}
	if got, err := ParseMarkID(id.String()); err != nil || got != id {
		t.Errorf("from its text: %v, %v", got, err)
	}
	for _, n := range []int{0, 15, 17} {
		if _, err := DecodeMark(make([]byte, n)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, s := range []string{"", "0g", strings.Repeat("g", 32), strings.Repeat("0", 33)} {
		if _, err := ParseMarkID(s); err == nil {
			t.Errorf("%q was read as a mark", s)
		}
	}
}

func TestBatchGolden(t *testing.T) {
	// The parts of a batch have the drawn bytes.
	var b Batch
	b.Begin(At(1, 0))
	b.Sequences(MissingIsSkipped, []SequenceState{{Database: "d", Schema: "s", Name: "n", Horizon: 33, Called: true, LSN: 9}})
	b.Set(4, 5)
	b.Payload([]byte{0xaa})
	golden(t, b.Bytes(), `
		42 00000008 0000000000010000
		5a 00000010 01 0001 7300 6e00 0000000000000021 01
		58 00000010 0000000000000004 0000000000000005
		aa`)
	if b.Len() != len(b.Bytes()) {
		t.Errorf("length %d of %d bytes", b.Len(), len(b.Bytes()))
	}
	b.Reset()
	b.End(At(2, 1))
	golden(t, b.Bytes(), "45 00000008 0000000000020001")
}
