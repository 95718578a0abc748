package changeset

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxSets is the number of change sets that one entry can hold: an ordinal has
// 16 bits.
const MaxSets = 1 << ordinalBits

const ordinalBits = 16

// Position is the place of a change set in the one order that all nodes apply:
// the index of its entry and its ordinal within the entry. Positions increase
// but are not dense. The zero Position means that nothing has been applied.
type Position uint64

// At returns the position of the change set with the given ordinal, counted
// from 0, in the entry at index. It panics if either does not fit.
func At(index uint64, ordinal int) Position {
	if ordinal < 0 || ordinal >= MaxSets {
		panic(fmt.Sprintf("changeset: ordinal %d out of range", ordinal))
	}
	if index >= 1<<(64-ordinalBits) {
		panic(fmt.Sprintf("changeset: index %d out of range", index))
	}
	return Position(index<<ordinalBits | uint64(ordinal))
}

// Index returns the index of the entry that holds the change set.
func (p Position) Index() uint64 { return uint64(p) >> ordinalBits }

// Ordinal returns the place of the change set within its entry, from 0.
func (p Position) Ordinal() int { return int(p % MaxSets) }

// String returns the position as people read it: "index.ordinal".
func (p Position) String() string {
	return strconv.FormatUint(p.Index(), 10) + "." + strconv.Itoa(p.Ordinal())
}

// ParsePosition reads what String writes.
func ParsePosition(s string) (Position, error) {
	head, tail, found := strings.Cut(s, ".")
	if !found {
		return 0, fmt.Errorf("position %q: want index.ordinal", s)
	}
	index, err := strconv.ParseUint(head, 10, 64-ordinalBits)
	if err != nil {
		return 0, fmt.Errorf("position %q: index: %w", s, err)
	}
	ordinal, err := strconv.ParseUint(tail, 10, ordinalBits)
	if err != nil {
		return 0, fmt.Errorf("position %q: ordinal: %w", s, err)
	}
	return At(index, int(ordinal)), nil
}

// MarshalText makes positions strings in JSON, whose numbers lose bits.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (p *Position) UnmarshalText(text []byte) error {
	parsed, err := ParsePosition(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
