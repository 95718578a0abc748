package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// Dial opens a raw stream to peer for a purpose other than paxos; the caller closes it. ErrUnknownPeer, ErrRefused and ErrSecret
// are final; anything else may be tried again.
func (t *Transport) Dial(ctx context.Context, peer, purpose string) (net.Conn, error) {
	t.mu.Lock()
	p := t.peers[peer]
	t.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("dial %q: %w", peer, ErrUnknownPeer)
	}
	c, id, err := t.dial(ctx, p.name, p.addr, purpose)
	if err != nil {
		return nil, err
	}
	return &Conn{TCPConn: c, Peer: id}, nil
}

// Conn is what Dial returns: a TCP connection that knows whom it leads to. A joiner learns its cluster from it.
type Conn struct {
	*net.TCPConn
	Peer Identity
}

// dial connects and shakes hands within HandshakeTimeout.
func (t *Transport) dial(ctx context.Context, name, addr, purpose string) (*net.TCPConn, Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.HandshakeTimeout)
	defer cancel()
	fail := func(err error) (*net.TCPConn, Identity, error) {
		return nil, Identity{}, fmt.Errorf("dial %q at %s for %s: %w", name, addr, purpose, err)
	}
	dialer := net.Dialer{Control: onlyLoopback}
	nc, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // the address is named already
		}
		return fail(err)
	}
	c := nc.(*net.TCPConn)
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	id, err := greet(c, t.identity(), t.cfg.Secret, name, purpose)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		t.noteForeign(err)
		return fail(err)
	}
	return c, id, nil
}

// onlyLoopback refuses an address outside loopback before anything is sent to it.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return ErrNotLoopback
	}
	return nil
}
