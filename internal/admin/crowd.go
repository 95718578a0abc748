package admin

import (
	"context"
	"net"
	"sync"
	"time"
)

// maxGuests is how many connections one listener has at once.
const maxGuests = 256

// crowd is a listener that bounds how many connections there are. When one more comes, the one that has waited the longest without a request
// gives way: whoever connects and asks at once is answered, however many hold connections and say nothing. If all are being answered,
// the new one is told so.
type crowd struct {
	net.Listener
	limit int

	mu     sync.Mutex // guards what follows, and guest.busy and guest.since
	guests map[*guest]struct{}
	clock  uint64 // grows with each arrival and each answer
}

// guest is one connection.
type guest struct {
	net.Conn
	crowd *crowd
	busy  bool   // it is being answered
	since uint64 // when it came, or when its last answer ended
}

func newCrowd(l net.Listener) *crowd {
	return &crowd{Listener: l, limit: maxGuests, guests: make(map[*guest]struct{})}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := c.admit(conn); g != nil {
			return g, nil
		}
		turnAway(conn)
	}
}

// admit returns the new guest, or nil if there is no room.
func (c *crowd) admit(conn net.Conn) *guest {
	c.mu.Lock()
	var leaves *guest
	if len(c.guests) >= c.limit {
		if leaves = c.longestWaiting(); leaves == nil {
			c.mu.Unlock()
			return nil
		}
		delete(c.guests, leaves)
	}
	c.clock++
	g := &guest{Conn: conn, crowd: c, since: c.clock}
	c.guests[g] = struct{}{}
	c.mu.Unlock()
	if leaves != nil {
		leaves.Conn.Close()
	}
	return g
}

// longestWaiting returns the guest that has waited the longest of those who are not being answered; nil if all are.
func (c *crowd) longestWaiting() (longest *guest) {
	for g := range c.guests {
		if !g.busy && (longest == nil || g.since < longest.since) {
			longest = g
		}
	}
	return longest
}

// turnAway tells a connection that there is no room. The few bytes fit into the system's buffer.
func turnAway(conn net.Conn) {
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	conn.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	conn.Close()
}

// answering marks the guest as being answered, until done is called.
func (g *guest) answering() (done func()) {
	set := func(busy bool) {
		g.crowd.mu.Lock()
		defer g.crowd.mu.Unlock()
		g.crowd.clock++
		g.busy, g.since = busy, g.crowd.clock
	}
	set(true)
	return func() { set(false) }
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	delete(g.crowd.guests, g)
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}

type guestKey struct{}

// rememberGuest makes the connection known to those who answer its requests.
func rememberGuest(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, conn)
}

// guestOf returns the connection of a request; nil if it came in another way.
func guestOf(ctx context.Context) *guest {
	g, _ := ctx.Value(guestKey{}).(*guest)
	return g
}
