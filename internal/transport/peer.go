package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"
)

// Pauses between attempts to reach a peer: doubled from the first to the last, less up to a half by chance.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// peer keeps the stream to one peer.
type peer struct {
	t          *Transport
	name, addr string
	stream     *stream
	changed    chan struct{}      // holds a token when the own identity has changed
	alive      chan struct{}      // holds a token when the peer has reached us: no need to pause any longer
	cancel     context.CancelFunc // ends keep; nil before it was started; guarded by Transport.mu
	after      <-chan struct{}    // the peer's old address is no longer used once this is closed; nil: there is none
	done       chan struct{}      // closed when keep has ended
}

func newPeer(t *Transport, name, addr string) *peer {
	return &peer{
		t: t, name: name, addr: addr,
		stream:  newStream(t.cfg.QueueBytes, t.cfg.MaxFrame),
		changed: make(chan struct{}, 1),
		alive:   make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
}

// put leaves a token in a channel for one.
func put(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// drain takes the token out, if there is one.
func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// keep holds a stream to the peer, again and again, until ctx ends.
func (p *peer) keep(ctx context.Context) {
	defer close(p.done)
	if p.after != nil {
		<-p.after // its context has ended too
	}
	log := p.t.cfg.Log.With("peer", p.name, "addr", p.addr)
	pause, said := firstPause, ""
	for ctx.Err() == nil {
		drain(p.alive)
		drain(p.changed) // dial takes the identity as it is now; a change after this line leaves another token
		conn, peer, err := p.t.dial(ctx, p.name, p.addr, PurposePaxos)
		if err == nil {
			log.Info("stream to peer stands", "incarnation", peer.Incarnation)
			pause, said = firstPause, ""
			err = p.hold(ctx, conn, peer)
			log.Info("stream to peer ended", "err", err)
		} else if ctx.Err() == nil && err.Error() != said {
			said = err.Error() // one line for each new reason, not for each attempt
			log.Warn("cannot reach peer", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-p.changed:
			pause = firstPause
		case <-p.alive:
			pause = firstPause
		case <-time.After(pause - rand.N(pause/2)):
			pause = min(2*pause, lastPause)
		}
	}
}

var errIdentityChanged = errors.New("the own identity has changed")

// hold serves one connection until it ends, and says why it did.
func (p *peer) hold(ctx context.Context, conn net.Conn, peer Identity) error {
	defer conn.Close()
	if err := p.stream.up(conn); err != nil {
		return err
	}
	if p.t.cfg.PeerUp != nil {
		p.t.cfg.PeerUp(peer)
	}
	gone := make(chan struct{})
	var readErr error // of the pings; written before gone is closed
	go func() {       // ends when conn is closed; awaited below
		defer close(gone)
		readErr = listenForPings(conn, p.t.cfg.Silence)
	}()
	err := p.write(ctx, conn, gone)
	conn.Close()
	<-gone
	if err == nil || errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
		err = readErr
	}
	p.stream.down()
	if p.t.cfg.PeerDown != nil {
		p.t.cfg.PeerDown(peer)
	}
	return err
}

// write sends what is queued, and a ping now and then, until something ends the connection; nil means that gone was it.
func (p *peer) write(ctx context.Context, conn net.Conn, gone <-chan struct{}) error {
	// Closing conn is what frees a Write that waits for a peer that takes nothing.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	pings := time.NewTicker(p.t.cfg.Silence / 5)
	defer pings.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.changed:
			return errIdentityChanged
		case <-gone:
			return nil
		case <-pings.C:
			p.stream.ping()
		case <-p.stream.wake:
		}
		if err := p.stream.flush(conn); err != nil {
			return err
		}
	}
}

// listenForPings reads the pings that the listener sends back. It returns when the connection ends or is silent for too long.
// It closes conn, so that a Write that waits comes back.
func listenForPings(conn net.Conn, silence time.Duration) error {
	defer conn.Close()
	frames := newFrameReader(&deadlineReader{conn: conn, silence: silence}, 0)
	for {
		typ, _, err := frames.next()
		if err != nil {
			return err
		}
		if typ != typePing {
			return errors.Join(ErrMalformed, errors.New("the listener of a stream sent more than pings"))
		}
	}
}

// deadlineReader fails a read that takes longer than silence.
type deadlineReader struct {
	conn    net.Conn
	silence time.Duration
}

func (d *deadlineReader) Read(b []byte) (int, error) {
	if err := d.conn.SetReadDeadline(time.Now().Add(d.silence)); err != nil {
		return 0, err
	}
	return d.conn.Read(b)
}
