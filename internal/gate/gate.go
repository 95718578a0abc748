package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baristadb/barista/internal/budget"
	"github.com/baristadb/barista/internal/replicator"
)

const (
	maxFrame     = 16 << 20 // bytes after the length field
	maxHeld      = 32 << 20 // bytes of long frames that are being read, or handed over
	longFrame    = 64 << 10 // from here on a frame counts
	writeTimeout = 5 * time.Second
)

// Handler takes what backends say. It may block: then that backend waits.
type Handler func(replicator.Event)

// Gate listens for backends of one start of the server.
type Gate struct {
	listener *net.UnixListener
	start    uint64
	handler  Handler
	held     *budget.Budget // of long frames: as many backends may commit at once as there are sessions
	log      *slog.Logger

	mu       sync.Mutex // guards the rest
	backends map[replicator.BackendID]*backend
	closed   bool
	done     sync.WaitGroup
}

// lastBackend numbers the connections of all starts of the server, so that a late answer meets nobody else.
var lastBackend atomic.Uint64

type backend struct {
	id   replicator.BackendID
	conn *net.UnixConn
	pid  uint32
}

// Listen makes the socket at path, for the server whose start is named start. Serve must be called.
func Listen(path string, start uint64, handler Handler, log *slog.Logger) (*Gate, error) {
	listener, err := ListenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("make the gate's socket: %w", err)
	}
	g := &Gate{listener: listener, start: start, handler: handler, held: budget.New(maxHeld), log: log, backends: make(map[replicator.BackendID]*backend)}
	return g, nil
}

// Serve accepts backends until ctx ends or Close; then every connection is closed and its goroutine has ended.
func (g *Gate) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, g.Close)
	defer stop()
	defer g.done.Wait()
	for {
		conn, err := g.listener.AcceptUnix()
		if err != nil {
			if g.isClosed() {
				return nil
			}
			return fmt.Errorf("accept at the gate: %w", err)
		}
		b := g.add(conn)
		if b == nil {
			conn.Close()
			continue
		}
		go func() { // ends when its connection does, which Close closes, or with ctx; Serve waits for it
			defer g.done.Done()
			g.converse(ctx, b)
		}()
	}
}

// Close ends the listener and every connection: to the backends that means that the epoch is closed.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.listener.Close()
	for _, b := range g.backends {
		b.conn.Close()
	}
}

func (g *Gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

func (g *Gate) add(conn *net.UnixConn) *backend {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	b := &backend{id: replicator.BackendID(lastBackend.Add(1)), conn: conn}
	g.backends[b.id] = b
	g.done.Add(1)
	return b
}

func (g *Gate) remove(b *backend) {
	g.mu.Lock()
	delete(g.backends, b.id)
	g.mu.Unlock()
	b.conn.Close()
}

// converse reads one backend's frames until it ends or says something that it must not.
func (g *Gate) converse(ctx context.Context, b *backend) {
	defer g.remove(b)
	err := g.read(ctx, b, bufio.NewReaderSize(b.conn, 32<<10))
	g.handler(replicator.BackendGone{Backend: b.id})
	if !errors.Is(err, io.EOF) && !g.isClosed() {
		g.log.Warn("a backend's connection at the gate was closed", "pid", b.pid, "reason", err)
	}
}

// read returns why there is nothing more to read.
func (g *Gate) read(ctx context.Context, b *backend, r *bufio.Reader) error {
	if err := g.greet(b, r); err != nil {
		return err
	}
	for {
		head, err := readHead(r)
		if err != nil {
			return err
		}
		if err := g.take(ctx, b, r, head); err != nil {
			return err
		}
	}
}

func (g *Gate) greet(b *backend, r *bufio.Reader) error {
	head, err := readHead(r)
	if err != nil {
		return err
	}
	body, err := head.readBody(r)
	if err != nil {
		return err
	}
	b.pid, err = parseHello(head.typ, body, g.start)
	return err
}

// serverTime is a time as PostgreSQL counts: microseconds since 2000-01-01 UTC.
func serverTime(t time.Time) int64 {
	const epoch = 946684800 // seconds from 1970 to 2000
	return t.UnixMicro() - epoch*1e6
}

// take reads the body of a frame and hands over what it says. A long one waits until those of other backends are handed over: meanwhile its
// bytes stay in the socket, and its backend waits.
func (g *Gate) take(ctx context.Context, b *backend, r *bufio.Reader, head frameHead) error {
	if head.length >= longFrame {
		if err := g.held.Take(ctx, head.length); err != nil {
			return err
		}
		defer g.held.Give(head.length)
	}
	body, err := head.readBody(r)
	if err != nil {
		return err
	}
	event, err := parseFrame(b.id, head.typ, body)
	if err != nil {
		return err
	}
	if s, ok := event.(replicator.Submitted); ok {
		s.Arrived = serverTime(time.Now())
		event = s
	}
	g.handler(event)
	return nil
}

// Send writes answers to their backends, those for one backend in one write. A backend that is gone, or does not read, is dropped: it
// learns from the end of its connection that the epoch is closed to it.
func (g *Gate) Send(answers []replicator.Answer) {
	var buf []byte
	for len(answers) > 0 {
		id := answers[0].Backend
		n := 1
		buf = appendAnswer(buf[:0], answers[0])
		for n < len(answers) && answers[n].Backend == id {
			buf = appendAnswer(buf, answers[n])
			n++
		}
		g.write(id, buf)
		answers = answers[n:]
	}
}

func (g *Gate) write(id replicator.BackendID, frames []byte) {
	g.mu.Lock()
	b := g.backends[id]
	g.mu.Unlock()
	if b == nil {
		return
	}
	b.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := b.conn.Write(frames); err != nil {
		b.conn.Close()
	}
}
