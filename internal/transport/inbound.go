package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/baristadb/barista/internal/lobby"
)

// inbound is a peer's stream to us.
type inbound struct {
	conn net.Conn
	done chan struct{} // closed when its reader is gone
}

// Handle sets what is done with raw connections for purpose; h's connection is closed when h returns, and on shutdown (when ctx
// ends too). It must be set before a peer asks for it, and not for paxos.
func (t *Transport) Handle(purpose string, h func(ctx context.Context, c net.Conn, from Identity)) {
	if purpose == PurposePaxos {
		panic("transport: the purpose paxos is not raw")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handlers[purpose] = h
}

func (t *Transport) handler(purpose string) func(context.Context, net.Conn, Identity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.handlers[purpose]
}

// allow refuses a purpose that nobody serves.
func (t *Transport) allow(purpose string) error {
	if purpose == PurposePaxos && t.cfg.Handler != nil || t.handler(purpose) != nil {
		return nil
	}
	return fmt.Errorf("%w: nobody serves the purpose %q here", ErrRefused, purpose)
}

// accept takes connections until ctx ends.
func (t *Transport) accept(ctx context.Context) error {
	for {
		c, err := t.listener.AcceptTCP()
		if ctx.Err() != nil {
			if c != nil {
				c.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return ErrClosed
		}
		if err != nil { // out of descriptors, say: it must not end the node, nor spin
			t.unable.Say(func(n int) { t.cfg.Log.Error("cannot accept a connection", "times", n, "err", err) })
			select {
			case <-ctx.Done():
			case <-time.After(firstPause):
			}
			continue
		}
		guest, err := t.fresh.Wait(ctx, "", func() { c.Close() })
		if err != nil {
			c.Close()
			return nil // ctx has ended
		}
		guest.Silent()
		t.tasks.Go(func() { t.admit(ctx, c, guest) }) // ends with its connection, at the latest with ctx
	}
}

// handshakeGrace is for how long a handshake may take before it has to give way to others when there are too many. It needs two messages of
// the dialler.
const handshakeGrace = 100 * time.Millisecond

// admit shakes hands and gives the connection to who serves its purpose. It closes the connection.
func (t *Transport) admit(ctx context.Context, c *net.TCPConn, guest *lobby.Guest) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	log := t.cfg.Log.With("remote", c.RemoteAddr())

	c.SetDeadline(time.Now().Add(t.cfg.HandshakeTimeout))
	from, purpose, err := welcome(c, t.identity(), t.cfg.Secret, t.allow)
	guest.Leave()
	t.noteForeign(err)
	switch {
	case errors.Is(err, ErrRefused):
		log.Warn("refused a connection", "peer", from.Name, "err", err)
		return
	case err != nil:
		t.strange.Say(func(n int) { log.Warn("a connection did not end its handshake", "times", n, "err", err) })
		return
	}
	c.SetDeadline(time.Time{})
	if purpose == PurposePaxos {
		err := t.receive(ctx, c, from)
		log.Info("stream from peer ended", "peer", from.Name, "err", err)
		return
	}
	t.handler(purpose)(ctx, c, from)
}

func (t *Transport) sayCrowded() {
	t.crowded.Say(func(n int) {
		t.cfg.Log.Warn("too many connections have not proved the secret; the oldest ones are closed", "closed", n, "limit", t.cfg.MaxConnections)
	})
}

// receive hands a peer's frames to the Handler until the stream ends. A newer stream of the same peer replaces an older one.
func (t *Transport) receive(ctx context.Context, c net.Conn, from Identity) error {
	in := &inbound{conn: c, done: make(chan struct{})}
	defer close(in.done)
	if err := t.replace(ctx, from.Name, in); err != nil {
		return err
	}
	defer t.release(from.Name, in)
	frames := newFrameReader(&deadlineReader{conn: c, silence: t.cfg.Silence}, t.cfg.MaxFrame)
	for {
		typ, body, err := frames.next()
		if err != nil {
			return err
		}
		if typ != typePing {
			t.cfg.Handler(from, typ, body)
			continue
		}
		c.SetWriteDeadline(time.Now().Add(t.cfg.Silence))
		if _, err := c.Write(appendFrame(nil, typePing, nil)); err != nil {
			return err
		}
	}
}

// replace puts in in the place of the peer's older stream, and waits until that one's last frame has been handled: frames of a
// peer are never handled by two goroutines at once.
func (t *Transport) replace(ctx context.Context, name string, in *inbound) error {
	t.mu.Lock()
	old := t.inbound[name]
	t.inbound[name] = in
	if p := t.peers[name]; p != nil {
		put(p.alive)
	}
	t.mu.Unlock()
	if old == nil {
		return nil
	}
	old.conn.Close()
	select {
	case <-old.done:
		return nil
	case <-ctx.Done():
		t.release(name, in)
		return ctx.Err()
	}
}

func (t *Transport) release(name string, in *inbound) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inbound[name] == in {
		delete(t.inbound, name)
	}
}
