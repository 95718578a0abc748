package proxy

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func frame(kind byte, body string) []byte {
	b := append([]byte{kind, 0, 0, 0, 0}, body...)
	binary.BigEndian.PutUint32(b[1:], uint32(len(body)+4))
	return b
}

type seen struct {
	kind byte
	body string
}

// frames runs the chunks through a framer and returns what it found, bodies cut at keptSize.
func frames(chunks ...[]byte) (found []seen, boundary bool, err error) {
	var f framer
	for _, p := range chunks {
		for len(p) > 0 {
			rest, done, err := f.next(p)
			if err != nil {
				return found, false, err
			}
			if done {
				found = append(found, seen{f.kind, string(f.body[:min(len(f.body), keptSize)])})
			}
			p = rest
		}
	}
	return found, f.atBoundary(), nil
}

// However a stream is cut into chunks, the framer finds the same frames.
func TestFramerEveryCut(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), keptSize+10))
	stream := bytes.Join([][]byte{frame('Q', "select 1\x00"), frame('S', ""), frame('d', long), frame('Z', "I")}, nil)
	want := []seen{{'Q', "select 1\x00"}, {'S', ""}, {'d', long[:keptSize]}, {'Z', "I"}}
	for cut := range stream {
		for second := cut; second <= len(stream); second += 7 {
			got, boundary, err := frames(stream[:cut], stream[cut:second], stream[second:])
			if err != nil || !boundary {
				t.Fatalf("cut at %d and %d: boundary %v, error %v", cut, second, boundary, err)
			}
			if len(got) != len(want) {
				t.Fatalf("cut at %d and %d: %d frames, want %d", cut, second, len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("cut at %d and %d: frame %d is %q, want %q", cut, second, i, got[i], want[i])
				}
			}
		}
	}
}

// The framer knows when a stream stops amid a frame, and refuses impossible lengths.
func TestFramerBoundaryAndLengths(t *testing.T) {
	whole := frame('D', "abc")
	for n := 1; n < len(whole); n++ {
		if _, boundary, err := frames(whole[:n]); boundary || err != nil {
			t.Errorf("first %d bytes: boundary %v, error %v", n, boundary, err)
		}
	}
	for _, length := range []uint32{0, 3, maxFrame + 1, 1<<32 - 1} {
		header := binary.BigEndian.AppendUint32([]byte{'D'}, length)
		if _, _, err := frames(header); err == nil {
			t.Errorf("length %d was accepted", length)
		}
	}
}

// A frame tracker must survive any bytes in any chunks, and find the same in two chunks as in one.
func FuzzTracker(f *testing.F) {
	f.Add(bytes.Join([][]byte{frame('P', "a"), frame('B', ""), frame('E', ""), frame('S', "")}, nil), uint16(3))
	f.Add(bytes.Join([][]byte{frame('K', "12345678"), frame('Z', "I"), frame('E', "SFATAL\x00VFATAL\x00C57P01\x00\x00")}, nil), uint16(20))
	f.Add([]byte{'Z', 0, 0, 0, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		at := min(int(cut), len(stream))
		one, oneBoundary, oneErr := frames(stream)
		two, twoBoundary, twoErr := frames(stream[:at], stream[at:])
		if len(one) != len(two) || oneBoundary != twoBoundary || (oneErr == nil) != (twoErr == nil) {
			t.Fatalf("one chunk: %d frames, %v, %v; two: %d frames, %v, %v", len(one), oneBoundary, oneErr, len(two), twoBoundary, twoErr)
		}
		r := newRelay("n1", nil)
		if r.noteClient(stream[:at]) == nil {
			r.noteServer(stream[at:])
		}
		r.failure()
	})
}
