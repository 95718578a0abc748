package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/session"
	"github.com/baristadb/barista/internal/transport"
)

// Status bytes with which a raw stream to a server begins.
const (
	tunnelRelayed    = 0
	tunnelNotLeading = 1
)

// purposeSQL is the purpose of a raw stream to the leader's server.
const purposeSQL = "sql"

// redial is how long to wait before a leader that refused is asked again.
const redial = 20 * time.Millisecond

// Dial implements session.Backends: a stream to the server of the node that leads.
func (n *node) Dial(ctx context.Context) (session.Backend, error) {
	for {
		v := n.leading.view()
		backend, err := n.dialLeader(ctx, v)
		if err == nil {
			return backend, nil
		}
		var again <-chan time.Time
		if v.open || (v.leader != 0 && v.leader != n.identity.Node) {
			again = time.After(redial)
		}
		select {
		case <-ctx.Done():
			if errors.Is(err, session.ErrCrowded) {
				return session.Backend{}, err
			}
			return session.Backend{}, n.noLeader()
		case <-v.changed:
		case <-again:
		}
	}
}

var errNotLeading = errors.New("the node does not lead with an open gate")

func (n *node) dialLeader(ctx context.Context, v view) (session.Backend, error) {
	if v.open {
		backend, err := n.arrive(ctx, n.cfg.Name)
		backend.Local, backend.Lost = true, v.lost
		return backend, err
	}
	name := n.directory.name(v.leader)
	if v.leader == 0 || name == "" || v.leader == n.identity.Node {
		return session.Backend{}, errNotLeading
	}
	conn, err := n.dialTunnel(ctx, name, purposeSQL)
	return session.Backend{Conn: conn, Node: name, Lost: v.lost}, err
}

// dialTunnel opens a raw stream to a peer's server.
func (n *node) dialTunnel(ctx context.Context, peer, purpose string) (net.Conn, error) {
	conn, err := n.transport.Dial(ctx, peer, purpose)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	var status [1]byte
	_, err = io.ReadFull(conn, status[:])
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil && status[0] != tunnelRelayed {
		err = errNotLeading
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("stream to the server of %s: %w", peer, err)
	}
	if c, ok := conn.(*transport.Conn); ok {
		return c.TCPConn, nil
	}
	return conn, nil
}

// serveSQL relays a peer's client to the own server, while this node leads.
func (n *node) serveSQL(ctx context.Context, c net.Conn, from transport.Identity) {
	if !n.leading.view().open {
		c.Write([]byte{tunnelNotLeading})
		return
	}
	held, end := context.WithTimeout(ctx, n.cfg.Hold)
	defer end()
	waiting, stop := untilHangUp(held, c)
	server, err := n.arrive(waiting, from.Name)
	stands := stop()
	switch {
	case err != nil:
		c.Write([]byte{tunnelNotLeading}) // the peer sees the end of the connection if this fails
		return
	case stands:
		_, err = c.Write([]byte{tunnelRelayed})
	}
	if err != nil || !stands {
		server.Close()
		server.Place.Leave()
		return
	}
	n.front.Carry(ctx, c, server) // an error is the end of either side, which both see
}

// serveBackup relays a base backup from the own server, whoever leads.
func (n *node) serveBackup(ctx context.Context, c net.Conn, from transport.Identity) {
	if !mayBeCopied(n.driver.Status()) {
		c.Write([]byte{tunnelNotLeading}) // the peer sees the end of the connection if this fails
		return
	}
	if n.pins.begins(from.Name) {
		n.log.Info("a peer takes a base backup", "peer", from.Name)
	}
	defer n.pinFloor()()
	n.relay(ctx, c)
}

// mayBeCopied reports whether peers may take the data of a node's server for a part of the order. Those of an older copy may be none: the first node of a
// cluster may have led alone from it, and agreed with nobody on what it committed.
func mayBeCopied(s replicator.Status) bool {
	return !s.Excluded() && s.Diverged == ""
}

// openTunnel connects to the own server and tells the peer whether that worked.
func (n *node) openTunnel(ctx context.Context, c net.Conn) (net.Conn, error) {
	server, err := n.server.dial(ctx)
	if err != nil {
		c.Write([]byte{tunnelNotLeading}) // the peer sees the end of the connection if this fails
		return nil, err
	}
	if _, err := c.Write([]byte{tunnelRelayed}); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// relay copies both ways until either side ends.
func (n *node) relay(ctx context.Context, c net.Conn) {
	server, err := n.openTunnel(ctx, c)
	if err != nil {
		return
	}
	defer server.Close()
	stop := context.AfterFunc(ctx, func() { c.Close(); server.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { copyThenClose(server, c) }) // each ends when its source does; relay waits for both
	both.Go(func() { copyThenClose(c, server) })
	both.Wait()
}

// copyThenClose copies until the source ends, then tells the receiver that nothing more comes.
func copyThenClose(to, from net.Conn) {
	io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	if half, ok := from.(interface{ CloseRead() error }); ok {
		half.CloseRead()
	}
}
