package gate

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

const testLimit = 10 * time.Second

// serving is a gate with what came through it.
type serving struct {
	gate   *Gate
	path   string
	events chan replicator.Event
}

func serve(t *testing.T) *serving {
	t.Helper()
	s := &serving{path: filepath.Join(t.TempDir(), "gate"), events: make(chan replicator.Event, 16)}
	s.start(t, func(e replicator.Event) { s.events <- e })
	return s
}

// start serves until the test ends.
func (s *serving) start(t *testing.T, handler Handler) {
	t.Helper()
	var err error
	if s.gate, err = Listen(s.path, 77, handler, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.gate.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

// backend connects as a process of the server's start.
func (s *serving) backend(t *testing.T, start uint64) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testLimit))
	hello := append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, start), 4711), version)
	if _, err := conn.Write(frame('H', hello)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func (s *serving) next(t *testing.T) replicator.Event {
	t.Helper()
	select {
	case e := <-s.events:
		return e
	case <-time.After(testLimit):
		t.Fatal("no event came")
		return nil
	}
}

// A backend's request arrives, its answers go to it alone, and its end is told.
func TestConversation(t *testing.T) {
	s := serve(t)
	first, second := s.backend(t, 77), s.backend(t, 77)
	first.Write(frame('X', request(1)))
	asked := s.next(t).(replicator.Discarded)
	second.Write(frame('X', request(1)))
	other := s.next(t).(replicator.Discarded)
	if asked.Backend == other.Backend {
		t.Fatal("two connections have one number")
	}
	s.gate.Send([]replicator.Answer{
		{Backend: asked.Backend, Request: 1, Verdict: replicator.Chosen, Position: changeset.At(1, 0)},
		{Backend: asked.Backend, Request: 2, Verdict: replicator.Unknown},
	})
	got := make([]byte, 37+13)
	if _, err := io.ReadFull(first, got); err != nil || got[4] != 'C' || got[41] != 'U' {
		t.Errorf("the backend read % x, error %v", got, err)
	}
	first.Close()
	if gone := s.next(t).(replicator.BackendGone); gone.Backend != asked.Backend {
		t.Errorf("backend %d is gone, want %d", gone.Backend, asked.Backend)
	}
}

// A process of an earlier start of the server, and one that talks nonsense, are cut off.
func TestStrangersAreCutOff(t *testing.T) {
	s := serve(t)
	stale := s.backend(t, 78)
	if _, err := stale.Read(make([]byte, 1)); err == nil {
		t.Error("a backend of another start was answered")
	}
	s.next(t)
	mad := s.backend(t, 77)
	mad.Write([]byte{0xff, 0xff, 0xff, 0xff, 'P'})
	if _, err := mad.Read(make([]byte, 1)); err == nil {
		t.Error("a frame of 4 GiB was answered")
	}
}

// The mapped file says what the drawing in docs/internals/gate.md says; a gate begins closed.
func TestSharedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared")
	s, err := NewShared(path, 77, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unmap()
	if !s.Closed() || s.Start() != 77 {
		t.Error("a new gate is not closed")
	}
	s.SetLease(-5)
	if got := s.word(offLease).Load(); got != 0 {
		t.Errorf("a lease that never was is %d", got)
	}
	s.SetLease(12345)
	s.Open(paxos.MakeBallot(7, 1))
	if string(s.data[:8]) != "BARISTA1" {
		t.Errorf("magic %q", s.data[:8])
	}
	for offset, want := range map[int]uint64{
		offStart: 77, offEpoch: 7<<16 | 1, offClosed: 0, offLease: 12345, offApplied: 0, offWaiting: 0, offNode: 3,
	} {
		if got := binary.NativeEndian.Uint64(s.data[offset:]); got != want {
			t.Errorf("word at %d is %d, want %d", offset, got, want)
		}
	}
	if s.Close(); !s.Closed() {
		t.Error("the flag did not close the gate")
	}
	again, err := NewShared(path, 78, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Unmap()
	if s.Start() != 77 {
		t.Error("a leftover process sees the file of the next start")
	}
}

// Long frames of many backends come in only as far as a limit allows, and short ones beside them; all arrive in the end.
func TestLongFramesOfManyBackends(t *testing.T) {
	const length, many = 8 << 20, 6
	s := &serving{path: filepath.Join(t.TempDir(), "gate")}
	entered, leave := make(chan int), make(chan struct{})
	handler := func(e replicator.Event) {
		if chunk, ok := e.(replicator.ChunkSubmitted); ok {
			entered <- len(chunk.Data)
			<-leave
		} else if _, short := e.(replicator.Discarded); short {
			entered <- 0
		}
	}
	s.start(t, handler)
	for range many {
		conn := s.backend(t, 77)
		go conn.Write(frame('K', request(1, make([]byte, 4+length)...))) // ends with the frame, or its connection
	}
	next := func() int {
		select {
		case n := <-entered:
			return n
		case <-time.After(testLimit):
			t.Fatal("nothing more came in")
			return 0
		}
	}
	const fit = maxHeld / (length + 100)
	for range fit {
		if next() != length {
			t.Fatal("something else than a chunk came in")
		}
	}
	s.backend(t, 77).Write(frame('X', request(1)))
	if next() != 0 {
		t.Errorf("more than %d frames of %d bytes are held", fit, length)
	}
	close(leave)
	for range many - fit {
		next()
	}
}
