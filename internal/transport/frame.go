package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A frame is
//
//	u32 length of the rest | u8 type | body
//
// Type 0 without a body is a ping: the dialler of a stream sends one a second, and the listener sends it back.
const (
	frameHeader = 5
	typePing    = 0
)

// appendFrame writes one frame behind b. The caller has checked the length.
func appendFrame(b []byte, typ uint8, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(1+len(body)))
	b = append(b, typ)
	return append(b, body...)
}

// frameReader takes frames off a stream with as few reads as the peer's writes allow.
type frameReader struct {
	r   io.Reader
	max int    // bytes of the longest body
	buf []byte // buf[pos:end] is read and not yet taken
	pos int
	end int
}

func newFrameReader(r io.Reader, maxBody int) *frameReader {
	return &frameReader{r: r, max: maxBody, buf: make([]byte, 32<<10)}
}

// next returns the next frame. The body is a slice of its own, the caller's to keep. A length above the limit is an
// ErrMalformed before anything is allocated; io.EOF comes only between two frames.
func (f *frameReader) next() (typ uint8, body []byte, err error) {
	if err := f.fill(frameHeader); err != nil {
		return 0, nil, err
	}
	n := int64(binary.BigEndian.Uint32(f.buf[f.pos:]))
	if n < 1 || n-1 > int64(f.max) {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes, the limit is %d", ErrMalformed, n-1, f.max)
	}
	typ = f.buf[f.pos+4]
	f.pos += frameHeader
	body = make([]byte, n-1)
	taken := copy(body, f.buf[f.pos:f.end])
	f.pos += taken
	if taken < len(body) {
		if _, err := io.ReadFull(f.r, body[taken:]); err != nil {
			return 0, nil, cutOff(err)
		}
	}
	return typ, body, nil
}

// fill makes at least n bytes available in the buffer.
func (f *frameReader) fill(n int) error {
	if f.end-f.pos >= n {
		return nil
	}
	had := copy(f.buf, f.buf[f.pos:f.end])
	f.pos, f.end = 0, had
	read, err := io.ReadAtLeast(f.r, f.buf[had:], n-had)
	f.end += read
	if err == io.EOF && f.end > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cutOff names the end of the stream inside a frame for what it is.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
