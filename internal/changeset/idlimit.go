package changeset

import "fmt"

// An IDLimit is a transaction id, with its epoch (64 bits). Leaders give out ids
// below it only.
type IDLimit uint64

// AppendIDLimit appends the body of an entry that moves the limit.
func AppendIDLimit(b []byte, limit IDLimit) []byte { return appendU64(b, uint64(limit)) }

// DecodeIDLimit reads the body of such an entry.
func DecodeIDLimit(body []byte) (IDLimit, error) {
	c := cursor{rest: body}
	limit := IDLimit(c.u64())
	if err := c.done(); err != nil {
		return 0, fmt.Errorf("id limit: %w", err)
	}
	return limit, nil
}
