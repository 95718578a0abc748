package changeset

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// The fuzz tests show that no input makes a decoder panic, that a failure is
// always ErrMalformed, and that what was read writes the same bytes again: each
// value has one form.

func FuzzDecodeChangeSets(f *testing.F) {
	f.Add(AppendChangeSets(nil, someSets()))
	f.Fuzz(func(t *testing.T, body []byte) {
		sets, err := DecodeChangeSets(body)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		mustBeSame(t, body, AppendChangeSets(nil, sets))
	})
}

func FuzzDecodeOldSets(f *testing.F) {
	f.Add(AppendChangeSet([]byte{0, 0, 0, 1}, someSets()[0]))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := DecodeOldSets(body); err != nil {
			mustBeMalformed(t, err)
		}
	})
}

func FuzzCutChangeSet(f *testing.F) {
	f.Add(append(AppendChangeSet(nil, someSets()[0]), "rest"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, rest, err := CutChangeSet(b)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		mustBeSame(t, b, append(AppendChangeSet(nil, set), rest...))
	})
}

func FuzzCutSequences(f *testing.F) {
	f.Add(append(AppendSequences(nil, []SequenceState{{Schema: "s", Called: true}}), "rest"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		states, rest, err := CutSequences(b)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		mustBeSame(t, b, append(AppendSequences(nil, states), rest...))
	})
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(AppendChunk(nil, Chunk{ID: MakeID(1, 2), Ordinal: 3, Data: []byte("data")}))
	f.Fuzz(func(t *testing.T, body []byte) {
		chunk, err := DecodeChunk(body)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		mustBeSame(t, body, AppendChunk(nil, chunk))
	})
}

func FuzzDecodeMark(f *testing.F) {
	f.Add(AppendMark(nil, MarkID{1}))
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := DecodeMark(body)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		mustBeSame(t, body, AppendMark(nil, id))
	})
}

func FuzzReader(f *testing.F) {
	f.Add(payloadOf(everything()...))
	for _, m := range everything() {
		f.Add(payloadOf(account(), m))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		messages, err := readAll(payload)
		if err != io.EOF {
			mustBeMalformed(t, err)
		}
		mustBeSame(t, payload[:min(len(payload), len(payloadOf(messages...)))], payloadOf(messages...))
	})
}

func mustBeMalformed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrMalformed) {
		t.Fatalf("not ErrMalformed: %v", err)
	}
}

func mustBeSame(t *testing.T, want, got []byte) {
	t.Helper()
	if !bytes.Equal(want, got) {
		t.Fatalf("read\n%x\nwrote\n%x", want, got)
	}
}
