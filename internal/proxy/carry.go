package proxy

import (
	"context"
	"errors"
	"net"
)

// Carry carries bytes both ways between two streams, without a look at them, until either ends or ctx does; then it closes both. It is
// how a node that leads connects the front doors of other nodes to its server: from is the front door's end, to the server's. What the
// server has said is delivered before its end is. Both streams belong to Carry, also when it returns an error.
func (s *Server) Carry(ctx context.Context, from, to net.Conn) error {
	if !s.enter() {
		from.Close()
		to.Close()
		return errors.New("carry a stream: the front door is shutting down")
	}
	defer s.clients.Done()
	r := newRelay("", nil)
	r.blind = true
	if err := s.takeBoth(r, from, to); err != nil {
		return err
	}
	s.loop.add(r)
	select {
	case <-r.done:
	case <-ctx.Done():
		s.loop.release(r, clientGone)
		<-r.done
	}
	s.end(r)
	return nil
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
