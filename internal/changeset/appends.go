package changeset

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// The append functions panic when a value does not fit its field: whoever took
// the value from outside has checked it, so this is a bug, not an input.

func appendU16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }

func appendU32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

func appendU64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// appendCount16 appends how many items follow.
func appendCount16(b []byte, n int) []byte {
	if n > math.MaxUint16 {
		panic(fmt.Sprintf("changeset: %d items do not fit 16 bits", n))
	}
	return appendU16(b, uint16(n))
}

// appendCount32 appends how many items or bytes follow.
func appendCount32(b []byte, n int) []byte {
	if uint64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("changeset: %d does not fit 32 bits", n))
	}
	return appendU32(b, uint32(n))
}

func appendStr16(b []byte, s string) []byte { return append(appendCount16(b, len(s)), s...) }

func appendBytes32(b, data []byte) []byte { return append(appendCount32(b, len(data)), data...) }

func appendCstr(b []byte, s string) []byte {
	if strings.IndexByte(s, 0) >= 0 {
		panic(fmt.Sprintf("changeset: zero byte in %q", s))
	}
	return append(append(b, s...), 0)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
