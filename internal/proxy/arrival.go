package proxy

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/session"
)

// A client is not trusted before the leader's server has authenticated it. Until then it stands in this front door's lobby, where the first to
// give way to others is who owes his start-up packet for longest, and after those that do, who came first. Once there is a leader it also
// has one of the leader's places, of which there are fewer, because there it has a backend. There who owes an answer for longest gives way. So a
// client that says nothing costs one that speaks no more than a moment.

// arrival is a client that is not authenticated yet.
type arrival struct {
	ctx     context.Context // ends when it has to give way
	guest   *lobby.Guest
	startup time.Time // until when it may send its start-up packet
}

// gaveWay reports whether the client had to give way.
func (a arrival) gaveWay() bool { return a.ctx.Err() != nil }

// openLobbies makes the lobbies of a front door.
func (s *Server) openLobbies() (err error) {
	if s.waiting, err = lobby.New(lobby.Options{Limit: s.options.Waiting, Crowded: s.sayCrowded}); err != nil {
		return err
	}
	if s.cancels, err = lobby.New(lobby.Options{Limit: maxCancels}); err != nil {
		return err
	}
	s.parting, err = lobby.New(lobby.Options{Limit: maxParting})
	return err
}

func (s *Server) sayCrowded() {
	s.crowded.Say(func(n int) {
		s.options.Log.Warn("too many clients are not authenticated yet; those that are silent for longest are closed", "closed", n, "limit", s.options.Waiting)
	})
}

// admit starts to serve a connection unless the server is shutting down.
func (s *Server) admit(conn net.Conn) bool {
	s.mu.Lock()
	if s.listeners == nil {
		s.mu.Unlock()
		return false
	}
	s.starting[conn] = struct{}{}
	s.clients.Add(1)
	s.mu.Unlock()

	startup := time.Now().Add(s.options.Startup)
	conn.SetDeadline(startup)
	ctx, giveWay := context.WithCancel(context.Background())
	guest := s.waiting.Enter(func() {
		giveWay()
		conn.SetReadDeadline(time.Unix(1, 0)) // it may be waiting for its start-up packet
	})
	guest.Silent()
	go func() { // ended by Shutdown, which waits for it
		defer s.clients.Done()
		defer giveWay()
		defer guest.Leave()
		s.serve(conn, arrival{ctx, guest, startup})
	}()
	return true
}

// refusals are the log's lines of clients that were turned away.
type refusals struct {
	mu    sync.Mutex
	lines map[string]*lobby.Rarely // by SQLSTATE, all of which are this program's; guarded by mu
}

func (r *refusals) line(sqlstate string) *lobby.Rarely {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines == nil {
		r.lines = make(map[string]*lobby.Rarely)
	}
	if r.lines[sqlstate] == nil {
		r.lines[sqlstate] = new(lobby.Rarely)
	}
	return r.lines[sqlstate]
}

// turnAway tells a client why it is not served, and closes. To see that the words arrive takes a moment, in which it has no place any more; of
// those that take too long the oldest are closed at once.
func (s *Server) turnAway(conn net.Conn, why *session.Failure) {
	client := conn.RemoteAddr()
	s.refused.line(why.SQLSTATE).Say(func(n int) {
		s.options.Log.Info("client turned away", "times", n, "client", client, "sqlstate", why.SQLSTATE, "reason", why.Message)
	})
	defer conn.Close()
	if say(conn, fatalFrame(why)) {
		guest := s.parting.Enter(func() { conn.Close() })
		defer guest.Leave()
		linger(conn)
	}
}

// turnAwayUnheard is turnAway for a client that had to give way before it said what it wants. An error in the place of an answer to its request
// for TLS would not tell it to try another node. So it may still say that, among those that are turned away.
func (s *Server) turnAwayUnheard(conn net.Conn, a arrival) {
	a.guest.Leave()
	guest := s.parting.Enter(func() { conn.Close() })
	defer context.AfterFunc(s.ctx, func() { conn.Close() })()
	conn.SetDeadline(a.startup)
	readGreeting(conn) // whatever it is, and if it is none
	guest.Leave()
	s.turnAway(conn, session.GaveWay())
}

// What an Authentication message of the server asks for, as far as it matters who speaks next. All others ask the client for something.
const (
	authOK        = 0
	authSASLFinal = 12
)

// noteAuthentication follows whose turn it is, from the server's Authentication messages, until the client is authenticated.
func (r *relay) noteAuthentication(body []byte) {
	if len(body) < 4 {
		return
	}
	switch binary.BigEndian.Uint32(body) {
	case authOK:
		r.authenticated()
	case authSASLFinal:
	default:
		if r.place != nil {
			r.place.Silent()
		}
	}
}

// noteWord takes note of a whole message of a client that is not authenticated: whatever it is, the server answers it.
func (r *relay) noteWord() {
	if r.place != nil {
		r.place.Heard()
	}
}

// authenticated ends the client's stay among those that are not.
func (r *relay) authenticated() {
	r.guest.Leave()
	leave(r.place)
	r.guest, r.place, r.known = nil, nil, true
}

// leave gives a place back, if there is one.
func leave(p session.Place) {
	if p != nil {
		p.Leave()
	}
}
