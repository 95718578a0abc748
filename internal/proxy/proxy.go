// Package proxy is the PostgreSQL front door of a node: it accepts clients of the PostgreSQL protocol and relays their bytes, both
// ways and unchanged, to the server of the node that leads. It looks at start-up packets, cancel requests, frame headers and
// ReadyForQuery, so that it can tell a client the truth when the leader is lost; it parses no SQL, keeps no state of a session
// beyond that, and never answers a request by itself. Where the server is this node's own, its backend takes over the client's socket once
// the client is authenticated, and says in a page of memory what there would be to tell.
//
// A client is served by one goroutine until its session begins, then by a loop that has many sessions, then by its goroutine
// again when something ends.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baristadb/barista/internal/session"
)

// Options say how a Server serves. The zero value of a number or duration stands for its default.
type Options struct {
	Backends session.Backends // required
	// Hold is for how long a new connection waits for a leader. Default 10 s.
	Hold time.Duration
	// MaxSessions limits the sessions served at once. Default 500. Cancel requests pass beyond it.
	MaxSessions int
	// Startup is for how long a client may take to send its start-up packet. Default 60 s.
	Startup time.Duration
	// Drain is for how long the answer to a request may still arrive after its leader was lost. Default 1 s.
	Drain time.Duration
	// Log takes a line for each client that was turned away or lost its leader. Default: nothing is logged.
	Log *slog.Logger
}

const (
	spareConnections = 32 // beyond MaxSessions, for cancel requests and clients that are about to be told of the limit
	lingerTime       = time.Second
	clientWriteTime  = 5 * time.Second // a client that takes no last words for so long gets none
)

func (o Options) withDefaults() (Options, error) {
	if o.Backends == nil {
		return o, errors.New("proxy: no way to the leader is given")
	}
	if o.Hold < 0 || o.MaxSessions < 0 || o.Startup < 0 || o.Drain < 0 {
		return o, errors.New("proxy: a limit is negative")
	}
	o.Hold = orDefault(o.Hold, 10*time.Second)
	o.MaxSessions = orDefault(o.MaxSessions, 500)
	o.Startup = orDefault(o.Startup, time.Minute)
	o.Drain = orDefault(o.Drain, time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func orDefault[T time.Duration | int](value, standard T) T {
	if value == 0 {
		return standard
	}
	return value
}

// Server serves clients of the PostgreSQL protocol.
type Server struct {
	options Options
	keys    cancelKeys
	offers  offers
	lines   lines
	loop    *loop
	ctx     context.Context // ends when the server stops serving
	stop    context.CancelFunc

	finish   sync.Once
	finished chan struct{} // closed when Shutdown has ended

	connections atomic.Int64 // accepted and not yet closed
	sessions    atomic.Int64 // of these, those that passed their start-up packet

	mu        sync.Mutex
	listeners map[net.Listener]struct{} // guarded by mu; nil after Shutdown began
	starting  map[net.Conn]struct{}     // guarded by mu: clients that have not sent their start-up packet

	clients sync.WaitGroup // a goroutine for each connection
	bridges sync.WaitGroup // two for each stream that is no plain socket
}

// New returns a server that serves nothing yet. It must be ended with Shutdown.
func New(options Options) (*Server, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := newLoop()
	if err != nil {
		return nil, err
	}
	s := &Server{options: options, loop: l, finished: make(chan struct{}), listeners: make(map[net.Listener]struct{}), starting: make(map[net.Conn]struct{})}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Sessions returns how many sessions are served now.
func (s *Server) Sessions() int { return int(s.sessions.Load()) }

// Serve accepts clients from l until Shutdown, and returns nil when that has ended; it closes l. Any other end of l is an error.
func (s *Server) Serve(l net.Listener) error {
	return s.accept(l, fmt.Sprintf("clients on %s", l.Addr()), s.admit)
}

// accept gives what comes in at l to take, and closes what that does not want. It ends as Serve does; whom is for the error.
func (s *Server) accept(l net.Listener, whom string, take func(net.Conn) bool) error {
	defer l.Close()
	if !s.register(l) {
		<-s.finished
		return nil
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			if s.ctx.Err() != nil {
				<-s.finished
				return nil
			}
			if isTemporary(err) && s.pause(50*time.Millisecond) {
				continue
			}
			return fmt.Errorf("accept %s: %w", whom, err)
		}
		if !take(conn) {
			conn.Close()
		}
	}
}

// admit starts to serve a connection unless there are too many or the server is shutting down.
func (s *Server) admit(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil || s.connections.Load() >= int64(s.options.MaxSessions+spareConnections) {
		return false
	}
	s.connections.Add(1)
	s.starting[conn] = struct{}{}
	s.clients.Add(1)
	go func() { // ended by Shutdown, which waits for it
		defer s.clients.Done()
		defer s.connections.Add(-1)
		s.serve(conn)
	}()
	return true
}

func (s *Server) register(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

// pause waits, and reports whether the server still serves.
func (s *Server) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// Shutdown accepts no more clients, ends sessions as they become idle, and returns when there are none left. When ctx ends, the rest
// is cut: their clients are told whether a request was under way.
func (s *Server) Shutdown(ctx context.Context) {
	s.stop()
	s.mu.Lock()
	for l := range s.listeners {
		l.Close()
	}
	s.listeners = nil
	for conn := range s.starting {
		conn.Close()
	}
	s.mu.Unlock()
	s.loop.drain()

	idle := make(chan struct{})
	go func() { // ends below at the latest, when the loop has stopped
		s.clients.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	s.loop.stop()
	s.lines.cut()
	<-idle
	s.bridges.Wait()
	s.finish.Do(func() { close(s.finished) })
}

// isTemporary reports whether Accept failed for want of something that may come back: descriptors or memory, or because the
// client had already gone.
func isTemporary(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}
