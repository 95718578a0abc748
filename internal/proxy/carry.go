package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/baristadb/barista/internal/session"
)

// Carry carries bytes both ways between the front door of another node and this node's own server, until either ends or ctx does; then it
// closes both. from begins with the client's start-up or cancel packet, as that front door sends it. A session's backend may take over the
// stream from there, as it does a client. What the server has said is delivered before its end. Both streams belong to Carry, and the place
// of to, also when it returns an error.
func (s *Server) Carry(ctx context.Context, from net.Conn, to session.Backend) error {
	defer leave(to.Place)
	if !s.enter() {
		from.Close()
		to.Close()
		return errors.New("carry a stream: the front door is shutting down")
	}
	defer s.clients.Done()
	o, err := s.forwardStart(from, to)
	defer s.offers.withdraw(o)
	if err != nil {
		from.Close()
		to.Close()
		return fmt.Errorf("carry a stream: %w", err)
	}
	r := newRelay("", nil)
	r.mute, r.place = true, to.Place
	if err := s.takeBoth(r, from, to.Conn); err != nil {
		return err
	}
	c, claimed := s.run(r, o, cuts{lost: ctx.Done(), why: clientGone, crowded: [2]<-chan struct{}{to.GaveWay}})
	if !claimed {
		s.end(r)
		return nil
	}
	stop := context.AfterFunc(ctx, func() { c.line.Close() })
	defer stop()
	if conn, _ := s.follow(r.client.fd, c, r.node); conn != nil {
		conn.Close()
	}
	return nil
}

// forwardStart sends the first packet of a stream to the server, with an offer if it begins a session.
func (s *Server) forwardStart(from, to net.Conn) (offer, error) {
	from.SetDeadline(time.Now().Add(s.options.Startup))
	packet, err := readPacket(from)
	if err != nil {
		return offer{}, err
	}
	from.SetDeadline(time.Time{})
	var o offer
	_, plain := from.(*net.TCPConn)
	if plain && binary.BigEndian.Uint32(packet[4:])>>16 == majorV3 {
		o = s.offers.make()
		packet = extendIfShort(packet, o.parameter())
	}
	_, err = to.Write(packet)
	return o, err
}

// enter makes Shutdown wait until s.clients.Done is called. It is false if Shutdown has begun.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		return false
	}
	s.clients.Add(1)
	return true
}
