package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net"
	"sync"
	"time"
)

// A backend of this node's own server can take over its client's socket, so that no byte of the session passes through this process.
// It is offered so in the start-up packet, under a token that names the client once. When the backend has authenticated the client it
// connects to a socket of this server and claims the client:
//
//	[16] token, u32 process, u32 cancel key
//
// The answer is one byte, 1 with the two descriptors of a pass, or 0: then the session is relayed. That connection, the line, stays open
// for as long as the backend lives.

const (
	tokenSize = 16
	claimSize = tokenSize + 8
	claimTime = 5 * time.Second // for a backend to say what it claims, and to take the answer
)

type token [tokenSize]byte

// claim is a backend that waits for its client.
type claim struct {
	line *net.UnixConn
	key  string // the body of the BackendKeyData that the client will get
}

// decline makes the backend go on through this process.
func (c claim) decline() {
	c.line.SetWriteDeadline(time.Now().Add(claimTime))
	c.line.Write([]byte{0}) // an error is the end of the backend, which the relay sees
	c.line.Close()
}

// offer is what a backend may claim. The zero value is no offer.
type offer struct {
	token   token
	claimed chan claim // holds one
}

// parameter returns what a start-up packet says of the offer.
func (o offer) parameter() string {
	if o.claimed == nil {
		return ""
	}
	return reserved + ".client\x00" + hex.EncodeToString(o.token[:]) + "\x00"
}

// offers are the clients that may be claimed now.
type offers struct {
	mu   sync.Mutex
	open map[token]chan claim // guarded by mu
}

// make returns a new offer. It must be withdrawn.
func (o *offers) make() offer {
	one := offer{claimed: make(chan claim, 1)}
	rand.Read(one.token[:])
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == nil {
		o.open = make(map[token]chan claim)
	}
	o.open[one.token] = one.claimed
	return one
}

// withdraw ends an offer. A claim that came and was not taken is declined.
func (o *offers) withdraw(one offer) {
	if one.claimed == nil {
		return
	}
	o.mu.Lock()
	delete(o.open, one.token)
	o.mu.Unlock()
	select {
	case c := <-one.claimed:
		c.decline()
	default:
	}
}

// claim brings a claim to whoever made the offer, and reports whether there is one.
func (o *offers) claim(t token, c claim) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	claimed, found := o.open[t]
	if found {
		delete(o.open, t)
		claimed <- c // has room: an offer is claimed once
	}
	return found
}

// ServeBackends takes claims of the own server's backends from l until Shutdown, and returns nil when that has ended; it closes l. Any
// other end of l is an error.
func (s *Server) ServeBackends(l *net.UnixListener) error {
	return s.accept(l, "the server's backends", s.admitBackend)
}

// admitBackend starts to listen to a backend unless the server is shutting down.
func (s *Server) admitBackend(conn net.Conn) bool {
	if !s.enter() {
		return false
	}
	go func() { // bounded by claimTime; Shutdown waits for it
		defer s.clients.Done()
		s.takeClaim(conn.(*net.UnixConn))
	}()
	return true
}

func (s *Server) takeClaim(line *net.UnixConn) {
	var message [claimSize]byte
	line.SetDeadline(time.Now().Add(claimTime))
	if _, err := io.ReadFull(line, message[:]); err != nil {
		line.Close()
		return
	}
	c := claim{line: line, key: string(message[tokenSize:])}
	if !s.offers.claim(token(message[:tokenSize]), c) {
		c.decline()
	}
}
