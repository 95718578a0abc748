package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func sampleHello() hello {
	return hello{Identity: identity("n1"), purpose: PurposePaxos, nonce: [nonceSize]byte{1, 2, 3}}
}

// A hello reads back as it was written, to the last byte and not one further.
func TestHelloRoundTrip(t *testing.T) {
	want := sampleHello()
	raw := want.append(nil)
	r := bytes.NewReader(append(raw, "rest"...))
	got, covered, err := readHello(r)
	if err != nil || got != want || !bytes.Equal(covered, raw) {
		t.Fatalf("got %+v covering %d bytes, %v; want %+v covering %d", got, len(covered), err, want, len(raw))
	}
	if rest, _ := io.ReadAll(r); string(rest) != "rest" {
		t.Errorf("left %q behind the hello", rest)
	}
}

// A hello that is cut off anywhere is an error, and so are a wrong magic and an over-long field.
func TestHelloMalformed(t *testing.T) {
	raw := sampleHello().append(nil)
	for n := range raw {
		if _, _, err := readHello(bytes.NewReader(raw[:n])); err == nil {
			t.Errorf("a hello of %d of %d bytes was read", n, len(raw))
		}
	}
	long := sampleHello()
	long.Name = strings.Repeat("x", maxField+1)
	for name, b := range map[string][]byte{
		"magic": append([]byte("GET / HT"), raw[8:]...),
		"field": long.append(nil),
	} {
		if _, _, err := readHello(bytes.NewReader(b)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// A hello of another version, as v0.1.0 says one, is refused by its version.
func TestHelloOfAnotherVersion(t *testing.T) {
	raw := sampleHello().append(nil)
	raw[len(magic)] = '1'
	if _, _, err := readHello(bytes.NewReader(raw)); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "'1'") {
		t.Errorf("%v", err)
	}
}

// Whatever bytes come, reading a hello ends without a panic, and what it accepts is written back the same.
func FuzzHello(f *testing.F) {
	f.Add(sampleHello().append(nil))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, raw, err := readHello(bytes.NewReader(b))
		if err == nil && (!bytes.Equal(h.append(nil), raw) || !bytes.HasPrefix(b, raw)) {
			t.Errorf("%x read as %+v", b, h)
		}
	})
}

// Whatever bytes come, reading a verdict ends without a panic.
func FuzzVerdict(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 0, 2, 'n', 'o'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := readVerdict(bytes.NewReader(b)); err == nil && b[0] != 0 {
			t.Errorf("%x read as welcome", b)
		}
	})
}
