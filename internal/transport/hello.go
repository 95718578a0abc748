package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	magic     = "BARISTA"
	version   = '2' // of all that nodes say to each other
	nonceSize = 32
	maxField  = 1024 // bytes of one string in a hello, and of a reason
)

// hello is the first thing that each side of a connection says. As bytes:
//
//	"BARISTA" | u8 version | [16] cluster | u64 incarnation | [32] nonce | str16 name | str16 purpose | u32 major | str16 collation | u16 voters
type hello struct {
	Identity
	nonce   [nonceSize]byte
	purpose string
}

// append writes h behind b.
func (h hello) append(b []byte) []byte {
	b = append(append(b, magic...), version)
	b = append(b, h.Cluster[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Incarnation)
	b = append(b, h.nonce[:]...)
	b = appendString(b, h.Name)
	b = appendString(b, h.purpose)
	b = binary.BigEndian.AppendUint32(b, h.ServerMajor)
	return binary.BigEndian.AppendUint16(appendString(b, h.Collation), h.Voters)
}

// checkLengths refuses what a peer would refuse to read.
func (h hello) checkLengths() error {
	for _, s := range []string{h.Name, h.purpose, h.Collation} {
		if len(s) > maxField {
			return fmt.Errorf("%w: a field of a hello has %d bytes, more than %d", ErrMalformed, len(s), maxField)
		}
	}
	return nil
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// readHello reads one hello and nothing behind it. It returns the bytes too, because both proofs cover them.
func readHello(r io.Reader) (h hello, raw []byte, err error) {
	c := cursor{r: r}
	if m := c.bytes(len(magic)); c.err == nil && string(m) != magic {
		return hello{}, nil, fmt.Errorf("%w: wrong magic", ErrMalformed)
	}
	if v := c.bytes(1)[0]; c.err == nil && v != version {
		return hello{}, nil, fmt.Errorf("%w: it says %q, and this node %q: run the same Barista on every node", ErrVersion, v, version)
	}
	copy(h.Cluster[:], c.bytes(len(h.Cluster)))
	h.Incarnation = c.uint64()
	copy(h.nonce[:], c.bytes(nonceSize))
	h.Name = c.string()
	h.purpose = c.string()
	h.ServerMajor = c.uint32()
	h.Collation = c.string()
	h.Voters = c.uint16()
	if c.err != nil {
		return hello{}, nil, c.err
	}
	return h, c.raw, nil
}

// cursor reads fields from a stream, never a byte more, keeps what it has read, and remembers its first failure: after it
// every field is zero.
type cursor struct {
	r   io.Reader
	raw []byte
	err error
}

// bytes returns the next n bytes; the caller has checked n. They may be overwritten only together with raw.
func (c *cursor) bytes(n int) []byte {
	if c.err != nil {
		return make([]byte, n)
	}
	from := len(c.raw)
	c.raw = append(c.raw, make([]byte, n)...)
	if _, err := io.ReadFull(c.r, c.raw[from:]); err != nil {
		c.err = err
		return make([]byte, n)
	}
	return c.raw[from:]
}

func (c *cursor) uint16() uint16 { return binary.BigEndian.Uint16(c.bytes(2)) }
func (c *cursor) uint32() uint32 { return binary.BigEndian.Uint32(c.bytes(4)) }
func (c *cursor) uint64() uint64 { return binary.BigEndian.Uint64(c.bytes(8)) }

func (c *cursor) string() string {
	n := int(c.uint16())
	if n > maxField && c.err == nil {
		c.err = fmt.Errorf("%w: a field of %d bytes, more than %d", ErrMalformed, n, maxField)
	}
	if c.err != nil {
		return ""
	}
	return string(c.bytes(n))
}
