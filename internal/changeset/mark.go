package changeset

import (
	"encoding/hex"
	"fmt"
)

// MarkID names a mark: a point of the log at which nodes compare themselves.
type MarkID [16]byte

// String returns the id in hexadecimal.
func (id MarkID) String() string { return hex.EncodeToString(id[:]) }

// ParseMarkID reads what String writes.
func ParseMarkID(s string) (MarkID, error) {
	var id MarkID
	if len(s) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("mark %.40q: want %d hexadecimal digits", s, hex.EncodedLen(len(id)))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return MarkID{}, fmt.Errorf("mark %q: %w", s, err)
	}
	return id, nil
}

// MarshalText makes a mark id a string in JSON.
func (id MarkID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (id *MarkID) UnmarshalText(text []byte) error {
	parsed, err := ParseMarkID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// AppendMark appends the body of a mark's entry.
func AppendMark(b []byte, id MarkID) []byte { return append(b, id[:]...) }

// DecodeMark reads the body of a mark's entry.
func DecodeMark(body []byte) (MarkID, error) {
	c := cursor{rest: body}
	id := MarkID(c.id())
	if err := c.done(); err != nil {
		return MarkID{}, fmt.Errorf("mark: %w", err)
	}
	return id, nil
}
