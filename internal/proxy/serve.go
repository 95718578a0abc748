package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/baristadb/barista/internal/session"
	"golang.org/x/sys/unix"
)

// serve is the life of one connection, whose deadline is that of its start-up packet.
func (s *Server) serve(conn net.Conn, a arrival) {
	keepAlive(conn)
	g, err := readGreeting(conn)
	if !s.started(conn) {
		conn.Close()
		return
	}
	var failure *session.Failure
	switch {
	case errors.As(err, &failure):
		s.turnAway(conn, failure)
	case a.gaveWay() && err != nil:
		s.turnAwayUnheard(conn, a)
	case a.gaveWay():
		s.turnAway(conn, session.GaveWay())
	case err != nil:
		conn.Close() // came and went, as port scanners and health checks do
	case g.cancel != nil:
		a.guest.Leave()
		s.serveCancel(g.cancel)
		conn.Close()
	default:
		s.session(conn, g.startup, a)
	}
}

// started notes that a client has sent its start-up packet, and reports whether the server still serves.
func (s *Server) started(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.starting, conn)
	return s.listeners != nil
}

// session serves a client that has sent a good start-up packet.
func (s *Server) session(conn net.Conn, packet startup, a arrival) {
	defer s.sessions.Add(-1)
	s.sessions.Add(1)
	a.guest.Heard()
	_, plain := conn.(*net.TCPConn)
	got, err := s.answered(a, packet.forward(), plain)
	if err != nil {
		s.turnAway(conn, s.whyNot(err, a))
		return
	}
	defer s.offers.withdraw(got.offer)
	defer leave(got.backend.Place)
	if got.claim != nil {
		a.guest.Leave()
		leave(got.backend.Place)
		s.passOn(conn, got)
		return
	}
	s.relay(conn, got, a)
}

// answered is connect, until the client has to give way or the server stops.
func (s *Server) answered(a arrival, packet []byte, plain bool) (answer, error) {
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	defer context.AfterFunc(s.ctx, stop)()
	return s.connect(ctx, packet, plain)
}

func (s *Server) whyNot(err error, a arrival) *session.Failure {
	var failure *session.Failure
	switch {
	case errors.As(err, &failure):
		return failure
	case s.ctx.Err() != nil:
		return session.ShuttingDown()
	case a.gaveWay():
		return session.GaveWay()
	case errors.Is(err, session.ErrCrowded):
		return session.Crowded(s.options.Hold)
	default:
		return session.NoLeader(s.options.Hold, "")
	}
}

// lastWords writes words to a client and closes the connection in such a way that they arrive.
func lastWords(conn net.Conn, words []byte) {
	defer conn.Close()
	if say(conn, words) {
		linger(conn)
	}
}

// say writes words to a client, and reports whether it takes them.
func say(conn net.Conn, words []byte) bool {
	conn.SetWriteDeadline(time.Now().Add(clientWriteTime))
	_, err := conn.Write(words)
	return err == nil
}

// linger reads until the client has closed, for a while: closing while the client's own bytes are unread would reset the connection and destroy
// what was said last.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		conn.SetReadDeadline(time.Now().Add(lingerTime))
		io.Copy(io.Discard, conn)
	}
}

// answer is what a leader's server has answered to a start-up packet.
type answer struct {
	backend session.Backend
	offer   offer
	claim   *claim // the backend takes the client over at once; or else
	first   []byte // the first bytes of what it says
}

// connect finds a leader that answers the start-up packet, for at most the time that a new connection is held. A leader that is lost
// before it answers, or that cannot take connections now, is tried again or replaced by the next: nothing has been run, and the client
// has seen nothing. The client's socket is offered to a local server if it is plain.
func (s *Server) connect(ctx context.Context, packet []byte, plain bool) (answer, error) {
	held, stop := context.WithTimeout(ctx, s.options.Hold)
	defer stop()
	var refusal []byte // the last answer of a leader that cannot take connections now
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		backend, err := s.dial(held)
		if err != nil {
			if refusal != nil {
				return answer{}, refused(refusal)
			}
			return answer{}, err
		}
		a := answer{backend: backend}
		if plain && backend.Local {
			a.offer = s.offers.make()
		}
		err = s.greet(ctx, &a, packet)
		if err == nil && (a.claim != nil || !cannotConnectNow(a.first)) {
			return a, nil
		}
		s.offers.withdraw(a.offer)
		backend.Close()
		leave(backend.Place)
		if err == nil {
			refusal = a.first
		}
		select {
		case <-held.Done():
		case <-time.After(wait):
		}
	}
}

// dial is Dial, but never when the time is over.
func (s *Server) dial(ctx context.Context) (session.Backend, error) {
	if err := ctx.Err(); err != nil {
		return session.Backend{}, fmt.Errorf("%w: %w", session.ErrNoLeader, err)
	}
	return s.options.Backends.Dial(ctx)
}

// greet sends the start-up packet and waits until the client is claimed, or reads the first bytes of the answer: a whole ErrorResponse, or
// any bytes of anything else. A leader that does not answer is given up after the hold time.
func (s *Server) greet(ctx context.Context, a *answer, packet []byte) error {
	ctx, stop := context.WithTimeout(ctx, s.options.Hold)
	defer stop()
	heard := make(chan struct{})
	watched := make(chan struct{})
	go func() { // ends with this function, which waits for it
		defer close(watched)
		select {
		case <-a.backend.Lost:
		case <-ctx.Done():
		case c := <-a.offer.claimed:
			a.claim = &c
		case <-heard:
			return
		}
		a.backend.SetDeadline(time.Unix(1, 0))
	}()
	first, err := exchange(a.backend, extendIfShort(packet, a.offer.parameter()))
	close(heard)
	<-watched
	switch {
	case a.claim != nil && err == nil: // both at once: it goes the longer way
		a.claim.decline()
		a.claim = nil
	case a.claim != nil:
		return nil
	case err != nil:
		return fmt.Errorf("start a session at %s: %w", a.backend.Node, err)
	}
	a.first = first
	return nil
}

func exchange(backend net.Conn, packet []byte) ([]byte, error) {
	if _, err := backend.Write(packet); err != nil {
		return nil, err
	}
	buffer := make([]byte, 8<<10)
	n, err := io.ReadAtLeast(backend, buffer, 1)
	if err != nil {
		return nil, err
	}
	if buffer[0] != msgError {
		return buffer[:n], nil
	}
	if n < headerSize {
		more, err := io.ReadAtLeast(backend, buffer[n:], headerSize-n)
		if err != nil {
			return nil, err
		}
		n += more
	}
	size := uint64(binary.BigEndian.Uint32(buffer[1:])) + 1
	if size > uint64(len(buffer)) {
		return nil, fmt.Errorf("error message of %d bytes", size)
	}
	if uint64(n) < size {
		more, err := io.ReadAtLeast(backend, buffer[n:], int(size)-n)
		if err != nil {
			return nil, err
		}
		n += more
	}
	return buffer[:n], nil
}

// cannotConnectNow reports whether the first bytes of an answer are the refusal of a server that starts, stops or has crashed.
func cannotConnectNow(first []byte) bool {
	if first[0] != msgError {
		return false
	}
	switch errorField(first[headerSize:], 'C') {
	case session.CannotConnectNow, session.AdminShutdown, session.CrashShutdown, session.ConnectionFailure, session.ResultUnknown:
		return true
	default:
		return false
	}
}

// refused turns a server's refusal into what the client is told.
func refused(first []byte) *session.Failure {
	body := first[headerSize:]
	return &session.Failure{
		SQLSTATE: session.CannotConnectNow,
		Message:  errorField(body, 'M'),
		Detail:   errorField(body, 'D'),
		Hint:     "Connect again later.",
	}
}

// relay carries the session until it ends, or until its backend takes over the client, and tells the client how it ended.
func (s *Server) relay(conn net.Conn, a answer, from arrival) {
	var key string
	defer func() { s.keys.remove(key) }()
	backend := a.backend
	r := newRelay(backend.Node, func(k string) { key = k; s.keys.add(k, backend.Node) })
	r.guest, r.place = from.guest, backend.Place
	if err := r.noteServer(a.first); err != nil {
		backend.Close()
		s.turnAway(conn, session.LostAtStart(backend.Node))
		return
	}
	r.client.backlog = a.first
	conn.SetDeadline(time.Time{})
	backend.SetDeadline(time.Time{})
	if err := s.takeBoth(r, conn, backend.Conn); err != nil {
		s.options.Log.Error("session not begun", "error", err)
		return
	}
	c, claimed := s.run(r, a.offer, cuts{lost: backend.Lost, why: leaderLost, crowded: [2]<-chan struct{}{from.ctx.Done(), backend.GaveWay}})
	if !claimed {
		s.end(r)
		return
	}
	s.passed(r.client.fd, c, backend.Node)
}

// cuts are what ends a session from this side.
type cuts struct {
	lost    <-chan struct{}
	why     ending             // what it means that lost is closed
	crowded [2]<-chan struct{} // one of them is closed when a client that is not authenticated has to give way
}

// run has the loop relay until the session ends or is cut, or its backend has claimed the client and can have it. Then the server's side is
// closed.
func (s *Server) run(r *relay, o offer, cut cuts) (c claim, claimed bool) {
	s.loop.add(r)
	for {
		select {
		case <-r.done:
			return claim{}, false
		case <-cut.lost:
			s.loop.release(r, cut.why)
			<-r.done
			return claim{}, false
		case <-cut.crowded[0]:
			s.loop.crowdOut(r)
			cut.crowded[0] = nil
			continue
		case <-cut.crowded[1]:
			s.loop.crowdOut(r)
			cut.crowded[1] = nil
			continue
		case c = <-o.claimed:
		}
		s.loop.release(r, clientClaimed)
		<-r.done
		if r.why == clientClaimed && r.passable() {
			r.authenticated()
			unix.Close(r.server.fd)
			return c, true
		}
		c.decline()
		if r.why != clientClaimed {
			return claim{}, false
		}
		r.done = make(chan struct{})
		s.loop.add(r)
	}
}

// passOn hands a client over whose backend claimed it before a word was said.
func (s *Server) passOn(conn net.Conn, a answer) {
	a.backend.Close()
	client, _, err := takeDescriptor(conn)
	if err != nil {
		a.claim.line.Close()
		conn.Close()
		s.options.Log.Error("session not begun", "error", err)
		return
	}
	s.passed(client, *a.claim, a.backend.Node)
}

// passed is the life of a session whose client a backend has taken over.
func (s *Server) passed(client int, c claim, node string) {
	s.keys.add(c.key, node)
	defer s.keys.remove(c.key)
	conn, why := s.follow(client, c, node)
	if conn != nil {
		s.options.Log.Info("session ended", "leader", node, "sqlstate", why.SQLSTATE, "reason", why.Message)
		lastWords(conn, fatalFrame(why))
	}
}

func (s *Server) takeBoth(r *relay, conn, backend net.Conn) error {
	client, err := s.takeOver(conn)
	if err != nil {
		backend.Close()
		return err
	}
	server, err := s.takeOver(backend)
	if err != nil {
		unix.Close(client)
		return err
	}
	r.client.fd, r.server.fd = client, server
	return nil
}

// keepAlive finds clients whose machine or network has gone without a word.
func keepAlive(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	}
}
