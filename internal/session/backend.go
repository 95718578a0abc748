// Package session holds what every front door needs and none of them owns: the way to the server of the node that leads, and the
// truth that a client is told when something on that way fails, as an SQLSTATE with a text. It relays nothing and speaks no
// protocol.
package session

import (
	"context"
	"errors"
	"net"
)

// ErrCrowded says that too many connections were being authenticated until the context of Dial ended.
var ErrCrowded = errors.New("too many connections are being authenticated")

// ErrNoLeader says that no node led with an open gate until the context of Dial ended.
var ErrNoLeader = errors.New("no node leads with an open gate")

// Backend is a raw byte stream to the PostgreSQL server of the node that leads, fresh: nothing has been written to it.
//
// Conn is best a plain *net.TCPConn or *net.UnixConn, without anything read ahead. A front door may then take over a duplicate of
// the descriptor and call Close on Conn early, which does not end the stream. Any other kind of Conn works too, but is relayed
// through two more goroutines and a socket pair.
type Backend struct {
	net.Conn
	// Node is the name of the node that leads.
	Node string
	// Local says that the server is this node's own, so that it can take over a client's socket.
	Local bool
	// Lost is closed when the leadership under which the stream was opened has ended, or that node went away. The stream may
	// still hold bytes that nobody has read, the answer to a commit among them. A nil Lost is never closed.
	Lost <-chan struct{}
	// Place is where the stream stands until the server has authenticated the client. The front door tells it whose turn it is to speak,
	// and leaves it in any case; the stream's own end does not.
	Place Place
	// GaveWay is closed when the stream has to end because others need its Place. A nil GaveWay is never closed.
	GaveWay <-chan struct{}
}

// Place is held by a client that is not authenticated yet.
type Place interface {
	// Silent says that the next word is the client's.
	Silent()
	// Heard says that the client has said what it owed.
	Heard()
	// Leave gives the place back. It may be called again.
	Leave()
}

// Backends opens streams to the server of the node that leads.
type Backends interface {
	// Dial waits until a node leads with an open gate and has a Place, and returns a stream to its server. If ctx ends first, the error
	// is ErrNoLeader or ErrCrowded. Dial is called by many goroutines at once.
	Dial(ctx context.Context) (Backend, error)
}
