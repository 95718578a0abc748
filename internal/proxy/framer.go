package proxy

import (
	"encoding/binary"
	"fmt"
)

const (
	headerSize = 5       // type and length
	maxFrame   = 1 << 30 // PostgreSQL's own limit of a message, in bytes
	keptSize   = 272     // enough for a BackendKeyData with a key of 256 bytes and for the severity of an error
)

// framer finds the frames (u8 type, u32 length of the rest including itself, body) in one direction of a session, in the chunks in
// which they pass by. It allocates nothing and keeps no more than the first keptSize bytes of a body that is split over chunks.
type framer struct {
	kind   byte   // type of the current or last frame
	body   []byte // of the last complete frame; cut at keptSize if it was split. Valid until the next call
	left   uint32 // bytes of the current body still to come
	have   uint8  // bytes of the current header that are in header
	inBody bool   // the header is complete, the body is not
	keptN  uint16
	header [headerSize]byte
	kept   [keptSize]byte
}

// atBoundary reports whether the chunks so far end exactly with a frame.
func (f *framer) atBoundary() bool { return f.have == 0 && !f.inBody }

// next takes the bytes of p up to the end of the current frame and returns what is left of p; done says whether that frame is now
// complete. If it is not, nothing is left. An error means that the length is none; the framer must not be used after it.
func (f *framer) next(p []byte) (rest []byte, done bool, err error) {
	if f.inBody {
		rest, done = f.takeBody(p)
		return rest, done, nil
	}
	if f.have > 0 || len(p) < headerSize {
		n := copy(f.header[f.have:], p)
		f.have += uint8(n)
		if f.have < headerSize {
			return nil, false, nil
		}
		return f.begin(f.header[:], p[n:])
	}
	return f.begin(p[:headerSize], p[headerSize:])
}

// begin starts the frame with the given header; p follows it.
func (f *framer) begin(header, p []byte) (rest []byte, done bool, err error) {
	length := binary.BigEndian.Uint32(header[1:])
	f.kind, f.have = header[0], 0
	if length < 4 || length > maxFrame {
		return nil, false, fmt.Errorf("message of type %q has length %d", f.kind, length)
	}
	size := length - 4
	if uint64(size) <= uint64(len(p)) {
		f.body = p[:size]
		return p[size:], true, nil
	}
	f.inBody, f.left, f.keptN = true, size, 0
	rest, done = f.takeBody(p)
	return rest, done, nil
}

func (f *framer) takeBody(p []byte) (rest []byte, done bool) {
	n := len(p)
	if uint64(n) > uint64(f.left) {
		n = int(f.left)
	}
	f.keptN += uint16(copy(f.kept[f.keptN:], p[:n]))
	f.left -= uint32(n)
	if f.left > 0 {
		return nil, false
	}
	f.inBody, f.body = false, f.kept[:f.keptN]
	return p[n:], true
}
