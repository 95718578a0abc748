package paxos

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error about bytes that are not what they
// should be.
var ErrMalformed = errors.New("malformed")

// A cursor reads a buffer from front to back and remembers its first failure;
// after it, every read returns zero.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	c.rest = nil
}

// take returns the next n bytes, which alias the buffer.
func (c *cursor) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n > len(c.rest) {
		c.fail("%d bytes wanted, %d left", n, len(c.rest))
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) bool() bool {
	b := c.byte()
	if b > 1 {
		c.fail("a truth value of %d", b)
	}
	return b == 1
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) string() string { return string(c.take(int(c.uint16()))) }

// sized returns bytes that carry their length in 32 bits in front.
func (c *cursor) sized() []byte {
	n := c.uint32()
	if uint64(n) > uint64(len(c.rest)) {
		c.fail("%d bytes announced, %d left", n, len(c.rest))
		return nil
	}
	return c.take(int(n))
}

// all returns what is left.
func (c *cursor) all() []byte { return c.take(len(c.rest)) }

// count reads a number of things that are each at least size bytes long, and
// fails before anything is allocated when they cannot all be there.
func (c *cursor) count(n uint32, size int) int {
	if uint64(n)*uint64(size) > uint64(len(c.rest)) {
		c.fail("%d things of at least %d bytes announced, %d bytes left", n, size, len(c.rest))
		return 0
	}
	return int(n)
}

// end returns the first failure; bytes left over are one.
func (c *cursor) end() error {
	if c.err == nil && len(c.rest) > 0 {
		c.fail("%d bytes left over", len(c.rest))
	}
	return c.err
}
