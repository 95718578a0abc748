package proxy

import (
	"bytes"
	"encoding/binary"

	"github.com/baristadb/barista/internal/session"
)

// fatalFrame returns the ErrorResponse that tells a client of f and ends its session.
func fatalFrame(f *session.Failure) []byte {
	b := make([]byte, headerSize, 512)
	b[0] = msgError
	field := func(code byte, value string) {
		if value != "" {
			b = append(append(append(b, code), value...), 0)
		}
	}
	field('S', "FATAL")
	field('V', "FATAL")
	field('C', f.SQLSTATE)
	field('M', f.Message)
	field('D', f.Detail)
	field('H', f.Hint)
	b = append(b, 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b
}

// isFatal reports whether the body of an ErrorResponse ends its session. The severities stand in front of it.
func isFatal(body []byte) bool {
	severity := errorField(body, 'V')
	return severity == "FATAL" || severity == "PANIC"
}

// errorField returns the value of a field in the body of an ErrorResponse, or nothing.
func errorField(body []byte, code byte) string {
	for len(body) > 0 && body[0] != 0 {
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			return ""
		}
		if body[0] == code {
			return string(body[1 : 1+end])
		}
		body = body[1+end+1:]
	}
	return ""
}
