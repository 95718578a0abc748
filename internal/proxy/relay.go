package proxy

import (
	"fmt"
	"sync"
	"syscall"

	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/session"
)

// ending says why the loop let go of a session.
type ending int

const (
	clientGone    ending = iota // the client closed, or its connection failed
	clientBroke                 // the client sent what is no frame
	backendEnded                // the server's stream ended, or takes no more: unread bytes may be left in it
	backendBroke                // the server's stream is no longer frames
	leaderLost                  // the leadership ended: unread bytes may be left in the server's stream
	shutdownIdle                // this node stops, and the session is idle
	shutdownForce               // this node stops, and waits no longer
	clientClaimed               // the backend takes over the client
	clientGaveWay               // others need the place of a client that is not authenticated
)

// relay is one session between its client and the leader's server. While the loop has it, only the loop's goroutine touches
// it; before and after that, only the goroutine that serves the client.
type relay struct {
	node     string
	mute     bool // nobody is told anything: the client's own front door does that
	requests requests
	fromCli  framer
	fromSrv  framer
	client   side
	server   side
	onKey    func(key string) // called with the body of BackendKeyData
	guest    *lobby.Guest     // the client, until it is authenticated; nil where that is another front door's
	place    session.Place    // where it is authenticated, until then; may be nil
	known    bool             // it is authenticated
	why      ending           // valid when done is closed
	done     chan struct{}    // closed when the loop has let go
}

// side is one end of a relay: a socket, and what could not be written to it yet.
type side struct {
	fd      int
	relay   *relay
	other   *side
	backlog []byte            // not written yet; while there are any, other is not read
	store   *[bufferSize]byte // what backlog lies in, from stores; nil while there is none
	events  uint32            // what the loop waits for here
}

// stores lends sessions with a backlog the room for it, so that the others hold none.
var stores = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func newRelay(node string, onKey func(string)) *relay {
	r := &relay{node: node, onKey: onKey, done: make(chan struct{})}
	r.client = side{fd: -1, relay: r, other: &r.server}
	r.server = side{fd: -1, relay: r, other: &r.client}
	return r
}

// passable reports whether nothing is under way that a backend would miss if it took over the client now: all that the server has said
// has reached the client, and all that the client has said was an answer to that.
func (r *relay) passable() bool {
	return len(r.client.backlog) == 0 && len(r.server.backlog) == 0 && r.fromCli.atBoundary() && r.fromSrv.atBoundary() &&
		!r.requests.ready && !r.requests.terminated && !r.requests.outstanding()
}

// noteClient follows the frames in a chunk from the client.
func (r *relay) noteClient(p []byte) error {
	for len(p) > 0 {
		rest, done, err := r.fromCli.next(p)
		if err != nil {
			return err
		}
		if done {
			r.requests.fromClient(r.fromCli.kind)
			r.noteWord()
		}
		p = rest
	}
	return nil
}

// noteServer follows the frames in a chunk from the server.
func (r *relay) noteServer(p []byte) error {
	for len(p) > 0 {
		rest, done, err := r.fromSrv.next(p)
		if err != nil {
			return fmt.Errorf("from the server of %s: %w", r.node, err)
		}
		if done {
			r.requests.fromServer(r.fromSrv.kind, r.fromSrv.body)
			switch {
			case r.fromSrv.kind == msgBackendKey && r.onKey != nil:
				r.onKey(string(r.fromSrv.body))
			case r.fromSrv.kind == msgAuthentication && !r.known:
				r.noteAuthentication(r.fromSrv.body)
			}
		}
		p = rest
	}
	return nil
}

// pump carries what can be read from a side, once, to the other. ok is false if the session is over: then why is set.
func (r *relay) pump(from *side, buffer []byte) (ok bool) {
	n, errno := readNow(from.fd, buffer)
	if errno == syscall.EAGAIN {
		return true
	}
	if errno != 0 || n == 0 {
		r.why = clientGone
		if from == &r.server {
			r.why = backendEnded
		}
		return false
	}
	if from == &r.client {
		return r.toServer(buffer[:n])
	}
	return r.toClient(buffer[:n])
}

func (r *relay) toServer(p []byte) bool {
	before := r.requests
	if err := r.noteClient(p); err != nil {
		r.why = clientBroke
		return false
	}
	n, errno := writeNow(r.server.fd, p)
	if errno != 0 && errno != syscall.EAGAIN {
		// The server has seen nothing of p: its requests are not under way.
		r.requests, r.why = before, backendEnded
		return false
	}
	r.server.keep(p, n, errno)
	return true
}

func (r *relay) toClient(p []byte) bool {
	if err := r.noteServer(p); err != nil {
		r.why = backendBroke
		return false
	}
	n, errno := writeNow(r.client.fd, p)
	if errno != 0 && errno != syscall.EAGAIN {
		r.why = clientGone
		return false
	}
	r.client.keep(p, n, errno)
	return true
}

// keep stores what a write of p, which is at most bufferSize, left over.
func (s *side) keep(p []byte, n int, errno syscall.Errno) {
	if errno != 0 {
		n = 0
	}
	if n == len(p) {
		return
	}
	s.store = stores.Get().(*[bufferSize]byte)
	s.backlog = s.store[:copy(s.store[:], p[n:])]
}

// forget gives back the room of the backlog.
func (s *side) forget() {
	s.backlog = nil
	if s.store != nil {
		stores.Put(s.store)
		s.store = nil
	}
}

// flush writes what it can of a side's backlog. ok is false if the session is over.
func (r *relay) flush(to *side) (ok bool) {
	n, errno := writeNow(to.fd, to.backlog)
	if errno == syscall.EAGAIN {
		return true
	}
	if errno != 0 {
		r.why = clientGone
		if to == &r.server {
			r.why = backendEnded
		}
		return false
	}
	to.backlog = to.backlog[n:]
	if len(to.backlog) == 0 {
		to.forget()
	}
	return true
}
