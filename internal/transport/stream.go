package transport

import (
	"net"
	"sync"
	"syscall"
)

// Stats counts what became of the frames for one peer since the start.
type Stats struct {
	Connected bool
	Sent      uint64 // frames handed to the kernel or queued for it
	Dropped   uint64 // frames that met no stream, a full queue, or the limit of their length, or that were queued when it broke
	Queued    int    // bytes
}

// inlineLimit is the longest frame that the sender's own goroutine writes.
const inlineLimit = 64 << 10

// stream is the sending half towards one peer: a queue of encoded frames, and the connection if there is one.
//
// A frame that finds the stream idle is written by the goroutine that sends it, without ever waiting: a hand-over to another
// goroutine costs more than the write. What the kernel does not take at once, and what comes meanwhile, is left to the
// writer (see peer.write), all of it in one piece.
type stream struct {
	limit    int // bytes queued; one frame alone may be longer
	maxFrame int
	wake     chan struct{} // holds one token when the writer has something to do

	mu      sync.Mutex // guards what follows
	conn    net.Conn   // nil: down
	writing bool       // somebody writes; Invariant: nobody else does
	eager   *eager     // on conn; with inline, used only by whoever set writing
	inline  []byte     // the frame that send writes by itself, reused
	pending []byte     // waits for the writer
	frames  uint64     // in pending
	flying  int        // bytes that the writer has taken and not yet written
	stats   Stats
}

func newStream(limit, maxFrame int) *stream {
	return &stream{limit: limit, maxFrame: maxFrame, wake: make(chan struct{}, 1)}
}

// up puts the stream on a connection, with an empty queue.
func (s *stream) up(c net.Conn) error {
	eager, err := newEager(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.eager = c, eager
	return nil
}

// down takes the stream off its connection and discards the queue. The caller has closed the connection, so that nobody writes
// for long.
func (s *stream) down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.eager = nil, nil
	s.stats.Dropped += s.frames
	s.stats.Sent -= s.frames
	s.pending, s.frames, s.flying = nil, 0, 0
}

func (s *stream) snapshot() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Connected, st.Queued = s.conn != nil, len(s.pending)+s.flying
	return st
}

// send writes or queues one frame, or drops it. It never waits for the network.
func (s *stream) send(typ uint8, body []byte) {
	s.mu.Lock()
	size := frameHeader + len(body)
	queued := len(s.pending) + s.flying
	if s.conn == nil || len(body) > s.maxFrame || queued > 0 && queued+size > s.limit {
		s.stats.Dropped++
		s.mu.Unlock()
		return
	}
	s.stats.Sent++
	if s.writing || len(s.pending) > 0 || size > inlineLimit {
		s.pending = appendFrame(s.pending, typ, body)
		s.frames++
		idle := !s.writing
		s.mu.Unlock()
		if idle {
			put(s.wake)
		}
		return
	}
	s.writing = true
	conn, eager := s.conn, s.eager
	s.inline = appendFrame(s.inline[:0], typ, body)
	s.mu.Unlock()

	n, err := eager.write(s.inline)

	s.mu.Lock()
	s.writing = false
	if err != nil {
		conn.Close() // the goroutine that reads on it finds out, and takes the stream down
	} else if n < len(s.inline) && s.conn == conn {
		s.pending = append(append(make([]byte, 0, len(s.inline)+len(s.pending)), s.inline[n:]...), s.pending...)
	}
	more := len(s.pending) > 0
	s.mu.Unlock()
	if more {
		put(s.wake)
	}
}

// ping queues a ping, whatever the limit says.
func (s *stream) ping() {
	s.mu.Lock()
	s.pending = appendFrame(s.pending, typePing, nil)
	s.mu.Unlock()
}

// flush writes all that is pending on conn, and what is queued meanwhile. Only the writer calls it.
func (s *stream) flush(conn net.Conn) error {
	var spare []byte
	for {
		s.mu.Lock()
		if s.writing || s.conn != conn || len(s.pending) == 0 {
			s.mu.Unlock() // who writes now leaves a token when it is done
			return nil
		}
		s.writing = true
		batch := s.pending
		s.pending, s.frames, s.flying = spare[:0], 0, len(batch)
		s.mu.Unlock()

		_, err := conn.Write(batch)

		s.mu.Lock()
		s.writing, s.flying = false, 0
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if spare = batch; cap(spare) > 1<<20 {
			spare = nil // a burst must not hold memory for ever
		}
	}
}

// eager writes to a connection what the kernel takes at once. Its fields are there to save allocations for each frame.
type eager struct {
	raw syscall.RawConn // nil: the connection has no descriptor (a pipe in a test)
	b   []byte
	n   int
	err error
	try func(fd uintptr) bool
}

func newEager(c net.Conn) (*eager, error) {
	e := new(eager)
	e.try = func(fd uintptr) bool {
		e.n, e.err = syscall.Write(int(fd), e.b)
		return true // never wait
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return e, nil
	}
	var err error
	e.raw, err = sc.SyscallConn()
	return e, err
}

// write returns how much of b was written; zero if the connection would make it wait.
func (e *eager) write(b []byte) (int, error) {
	if e.raw == nil {
		return 0, nil
	}
	e.b = b
	if err := e.raw.Write(e.try); err != nil {
		return 0, err
	}
	if e.err == syscall.EAGAIN || e.err == syscall.EINTR {
		return 0, nil
	}
	return max(e.n, 0), e.err
}
