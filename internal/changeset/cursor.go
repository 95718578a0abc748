package changeset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is matched by the error of every decoder of this package.
var ErrMalformed = errors.New("malformed")

// cursor reads fields from the front of its bytes and remembers the first
// failure; after it, every read returns a zero value. A decoder reads all its
// fields and asks once.
type cursor struct {
	rest []byte
	err  error
}

// fail records a failure unless one is already recorded.
func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
		c.rest = nil
	}
}

// done fails if bytes are left over, and returns the first failure.
func (c *cursor) done() error {
	if len(c.rest) > 0 {
		c.fail("%d bytes too many", len(c.rest))
	}
	return c.err
}

// take returns the next n bytes, which alias the input.
func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.rest)) {
		c.fail("%d bytes wanted, %d left", n, len(c.rest))
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) u8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// boolean reads a byte that must be 0 or 1.
func (c *cursor) boolean(what string) bool {
	b := c.u8()
	if b > 1 {
		c.fail("%s is %d", what, b)
	}
	return b == 1
}

// id reads 16 bytes.
func (c *cursor) id() (id [16]byte) {
	copy(id[:], c.take(16))
	return id
}

func (c *cursor) str16() string { return string(c.take(uint64(c.u16()))) }

func (c *cursor) bytes32() []byte { return c.take(uint64(c.u32())) }

// cstr reads up to a zero byte and past it.
func (c *cursor) cstr() string {
	if c.err != nil {
		return ""
	}
	end := bytes.IndexByte(c.rest, 0)
	if end < 0 {
		c.fail("string without an end")
		return ""
	}
	s := string(c.rest[:end])
	c.rest = c.rest[end+1:]
	return s
}

// count checks that n items of at least size bytes can still follow, so that
// the caller may allocate room for them.
func (c *cursor) count(n, size uint64) int {
	if c.err == nil && n > uint64(len(c.rest))/size {
		c.fail("%d items announced, %d bytes left", n, len(c.rest))
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}
