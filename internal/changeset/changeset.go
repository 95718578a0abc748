package changeset

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// ID names a change set for ever: the id of the server's start that made it,
// and a counter of that start.
type ID [16]byte

// MakeID returns the id of the change set number counter of a server's start.
func MakeID(start, counter uint64) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], start)
	binary.BigEndian.PutUint64(id[8:], counter)
	return id
}

// String returns the id in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Flags tell what a change set needs when it is applied.
type Flags uint8

// The flags of a change set. Any other bit is malformed.
const (
	HasDDL       Flags = 1 << iota // has DDL or TRUNCATE: alone in its local transaction
	HasSequences                   // carries inline sequence states
	Last                           // the last part of a chunked set
	allFlags     = HasDDL | HasSequences | Last
)

// Has reports whether all of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// ChangeSet is what one transaction did, as data.
type ChangeSet struct {
	ID     ID
	Origin uint16 // the node whose backend made it
	Flags  Flags
	// Chunks is the number of chunks before this last part.
	// Invariant: 0 unless Flags has Last.
	Chunks    uint32
	Timestamp int64 // when the transaction began, microseconds since 2000-01-01 UTC
	// Committed is when it was committed, in the same unit: each set's is above
	// those of all before it in the order. Its entry carries it; where the set
	// is alone, as at the gate, it is 0.
	Committed int64
	Database  string
	RequestID string // the client's name for its request, or empty
	Payload   []byte // framed messages; see Reader
}

// minChangeSet is the length of a change set whose fields are all empty.
const minChangeSet = 16 + 2 + 1 + 4 + 8 + 2 + 2 + 4

// AppendChangeSets appends the body of an entry of change sets. It panics if
// there are more than MaxSets, or as AppendChangeSet does.
func AppendChangeSets(b []byte, sets []ChangeSet) []byte {
	if len(sets) > MaxSets {
		panic(fmt.Sprintf("changeset: %d change sets in one entry", len(sets)))
	}
	b = appendCount32(b, len(sets))
	for _, set := range sets {
		b = AppendChangeSet(appendU64(b, uint64(set.Committed)), set)
	}
	return b
}

// DecodeChangeSets reads the body of an entry of change sets. The payloads
// alias body.
func DecodeChangeSets(body []byte) ([]ChangeSet, error) {
	return decodeChangeSets(body, minChangeSet+8, func(c *cursor) ChangeSet {
		time := int64(c.u64())
		set := c.changeSet()
		set.Committed = time
		return set
	})
}

// DecodeOldSets reads the body of an entry of change sets as version 0.1.0 wrote
// it: the beginning of each transaction stands for its commit.
func DecodeOldSets(body []byte) ([]ChangeSet, error) {
	return decodeChangeSets(body, minChangeSet, func(c *cursor) ChangeSet {
		set := c.changeSet()
		set.Committed = set.Timestamp
		return set
	})
}

func decodeChangeSets(body []byte, least uint64, read func(*cursor) ChangeSet) ([]ChangeSet, error) {
	c := cursor{rest: body}
	announced := c.u32()
	if announced > MaxSets {
		c.fail("%d change sets in one entry", announced)
	}
	sets := make([]ChangeSet, c.count(uint64(announced), least))
	for i := range sets {
		sets[i] = read(&c)
	}
	if err := c.done(); err != nil {
		return nil, fmt.Errorf("entry of change sets: %w", err)
	}
	return sets, nil
}

// AppendChangeSet appends one change set. It panics if Database or RequestID
// is longer than 65,535 bytes, Payload longer than 4 GiB, or Chunks breaks its
// invariant.
func AppendChangeSet(b []byte, set ChangeSet) []byte {
	if set.Chunks > 0 && !set.Flags.Has(Last) {
		panic("changeset: chunks before a change set that is not chunked")
	}
	b = append(b, set.ID[:]...)
	b = appendU16(b, set.Origin)
	b = append(b, byte(set.Flags))
	b = appendU32(b, set.Chunks)
	b = appendU64(b, uint64(set.Timestamp))
	b = appendStr16(b, set.Database)
	b = appendStr16(b, set.RequestID)
	return appendBytes32(b, set.Payload)
}

// DecodeChangeSet reads one change set that fills all of b. Its payload
// aliases b.
func DecodeChangeSet(b []byte) (ChangeSet, error) {
	set, rest, err := CutChangeSet(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("change set: %w: %d bytes too many", ErrMalformed, len(rest))
	}
	if err != nil {
		return ChangeSet{}, err
	}
	return set, nil
}

// CutChangeSet reads one change set from the front of b and returns what
// follows it. Its payload aliases b.
func CutChangeSet(b []byte) (set ChangeSet, rest []byte, err error) {
	c := cursor{rest: b}
	set = c.changeSet()
	if c.err != nil {
		return ChangeSet{}, nil, fmt.Errorf("change set: %w", c.err)
	}
	return set, c.rest, nil
}

func (c *cursor) changeSet() ChangeSet {
	set := ChangeSet{
		ID:        c.id(),
		Origin:    c.u16(),
		Flags:     Flags(c.u8()),
		Chunks:    c.u32(),
		Timestamp: int64(c.u64()),
		Database:  c.str16(),
		RequestID: c.str16(),
		Payload:   c.bytes32(),
	}
	if unknown := set.Flags &^ allFlags; unknown != 0 {
		c.fail("unknown flags %#x", uint8(unknown))
	}
	if set.Chunks > 0 && !set.Flags.Has(Last) {
		c.fail("%d chunks before a change set that is not chunked", set.Chunks)
	}
	return set
}
