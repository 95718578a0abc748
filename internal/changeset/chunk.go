package changeset

import "fmt"

// Chunk is a piece of the payload of a change set that is too large for one
// entry. It takes effect with the set's last part.
type Chunk struct {
	ID      ID
	Ordinal uint32 // from 0
	Data    []byte
}

// AppendChunk appends the body of a chunk's entry.
func AppendChunk(b []byte, chunk Chunk) []byte {
	b = append(b, chunk.ID[:]...)
	b = appendU32(b, chunk.Ordinal)
	return append(b, chunk.Data...)
}

// DecodeChunk reads the body of a chunk's entry. Data aliases body.
func DecodeChunk(body []byte) (Chunk, error) {
	c := cursor{rest: body}
	chunk := Chunk{ID: c.id(), Ordinal: c.u32(), Data: c.rest}
	if c.err != nil {
		return Chunk{}, fmt.Errorf("chunk: %w", c.err)
	}
	return chunk, nil
}
