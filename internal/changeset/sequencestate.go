package changeset

import "fmt"

// SequenceState is the state of a sequence that nodes agree on, independent of
// any transaction.
type SequenceState struct {
	Database, Schema, Name string
	Horizon                int64 // last_value + log_cnt x increment
	Called                 bool
	// LSN of the sequence's page, on the leader of that epoch. Only that
	// leader may compare it.
	LSN uint64
}

// minSequenceState is the length of a state whose names are empty.
const minSequenceState = 2 + 2 + 2 + 8 + 1 + 8

// AppendSequences appends how many states there are, and the states. It panics
// if there are more than 65,535 or a name is longer than that many bytes.
func AppendSequences(b []byte, states []SequenceState) []byte {
	b = appendCount16(b, len(states))
	for _, s := range states {
		b = appendStr16(b, s.Database)
		b = appendStr16(b, s.Schema)
		b = appendStr16(b, s.Name)
		b = appendU64(b, uint64(s.Horizon))
		b = appendBool(b, s.Called)
		b = appendU64(b, s.LSN)
	}
	return b
}

// DecodeSequences reads states that fill all of body.
func DecodeSequences(body []byte) ([]SequenceState, error) {
	states, rest, err := CutSequences(body)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("sequence states: %w: %d bytes too many", ErrMalformed, len(rest))
	}
	if err != nil {
		return nil, err
	}
	return states, nil
}

// CutSequences reads states from the front of b and returns what follows them.
func CutSequences(b []byte) (states []SequenceState, rest []byte, err error) {
	c := cursor{rest: b}
	states = make([]SequenceState, c.count(uint64(c.u16()), minSequenceState))
	for i := range states {
		states[i] = SequenceState{
			Database: c.str16(),
			Schema:   c.str16(),
			Name:     c.str16(),
			Horizon:  int64(c.u64()),
			Called:   c.boolean("is_called"),
			LSN:      c.u64(),
		}
	}
	if c.err != nil {
		return nil, nil, fmt.Errorf("sequence states: %w", c.err)
	}
	return states, c.rest, nil
}
