package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

type frame struct {
	typ  uint8
	body string
}

func readAll(r io.Reader, limit int) (frames []frame, err error) {
	fr := newFrameReader(r, limit)
	for {
		typ, body, err := fr.next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, frame{typ, string(body)})
	}
}

// Frames read back as they were written, however the stream is cut into reads.
func TestFramesRoundTrip(t *testing.T) {
	var raw []byte
	var want []frame
	for i, n := range []int{0, 1, 500, 32 << 10, 100_000, 3} {
		f := frame{uint8(i), string(bytes.Repeat([]byte{byte(i)}, n))}
		want = append(want, f)
		raw = appendFrame(raw, f.typ, []byte(f.body))
	}
	for name, r := range map[string]io.Reader{
		"whole":  bytes.NewReader(raw),
		"halves": iotest.HalfReader(bytes.NewReader(raw)),
		"bytes":  iotest.OneByteReader(bytes.NewReader(raw)),
	} {
		got, err := readAll(r, 100_000)
		if err != io.EOF || len(got) != len(want) {
			t.Fatalf("%s: %d frames, %v; want %d, EOF", name, len(got), err, len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: frame %d differs", name, i)
			}
		}
	}
}

// A length of zero or beyond the limit is refused before anything is allocated, and a stream that ends inside a frame says so.
func TestFrameMalformed(t *testing.T) {
	for name, b := range map[string][]byte{
		"zero":  {0, 0, 0, 0, 1},
		"long":  {0, 0, 0, 12, 1},
		"4 GiB": {255, 255, 255, 255, 1},
	} {
		if _, err := readAll(bytes.NewReader(b), 10); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	raw := appendFrame(nil, 7, []byte("0123456789"))
	for n := 1; n < len(raw); n++ {
		if _, err := readAll(bytes.NewReader(raw[:n]), 10); err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes of a frame: %v", n, err)
		}
	}
}

// Whatever bytes come, reading frames ends without a panic, and what is accepted is written back the same.
func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, 1, []byte("latte")), typePing, nil))
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, err := readAll(bytes.NewReader(b), 1<<10)
		var again []byte
		for _, fr := range frames {
			again = appendFrame(again, fr.typ, []byte(fr.body))
		}
		if !bytes.HasPrefix(b, again) || err == io.EOF && len(again) != len(b) {
			t.Errorf("%x read as %v, %v", b, frames, err)
		}
	})
}
