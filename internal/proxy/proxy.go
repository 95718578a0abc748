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

	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/session"
)

// Options say how a Server serves. The zero value of a number or duration stands for its default.
type Options struct {
	Backends session.Backends // required
	// Hold is for how long a new connection waits for a leader. Default 10 s.
	Hold time.Duration
	// Waiting limits the clients that are not authenticated yet, those that wait for a leader among them. Default 1524. Those that are are
	// counted by the leader's server, for all front doors.
	Waiting int
	// Startup is for how long a client may take to send its start-up packet. Default 15 s. The rest of the authentication is limited by the
	// server.
	Startup time.Duration
	// Drain is for how long the answer to a request may still arrive after its leader was lost. Default 1 s.
	Drain time.Duration
	// Log takes a line for each client that lost its leader, and once a minute one for those that were turned away. Default: nothing is logged.
	Log *slog.Logger
}

const (
	maxCancels      = 32  // cancel requests at once
	maxParting      = 128 // clients at once that are told why they are turned away
	lingerTime      = time.Second
	clientWriteTime = 5 * time.Second // a client that takes no last words for so long gets none
)

func (o Options) withDefaults() (Options, error) {
	if o.Backends == nil {
		return o, errors.New("proxy: no way to the leader is given")
	}
	if o.Hold < 0 || o.Waiting < 0 || o.Startup < 0 || o.Drain < 0 {
		return o, errors.New("proxy: a limit is negative")
	}
	o.Hold = orDefault(o.Hold, 10*time.Second)
	o.Waiting = orDefault(o.Waiting, 1524)
	o.Startup = orDefault(o.Startup, 15*time.Second)
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

	sessions atomic.Int64 // of clients that have sent their start-up packet

	waiting *lobby.Lobby // clients that are not authenticated yet
	cancels *lobby.Lobby // cancel requests
	parting *lobby.Lobby // clients that are told why they are turned away

	crowded, unable, uncancelled lobby.Rarely // lines of the log
	refused                      refusals     // likewise

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
	s := &Server{options: options, finished: make(chan struct{}), listeners: make(map[net.Listener]struct{}), starting: make(map[net.Conn]struct{})}
	if err = s.openLobbies(); err != nil {
		return nil, err
	}
	if s.loop, err = newLoop(); err != nil {
		return nil, err
	}
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
			if isTemporary(err) {
				s.unable.Say(func(n int) { s.options.Log.Error("cannot accept a connection", "times", n, "from", whom, "error", err) })
				s.pause(50 * time.Millisecond)
				continue
			}
			return fmt.Errorf("accept %s: %w", whom, err)
		}
		if !take(conn) {
			conn.Close()
		}
	}
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

// pause waits, unless the server is shutting down.
func (s *Server) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
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
