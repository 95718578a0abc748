package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/session"
	"github.com/jackc/pgx/v5/pgproto3"
)

// leader is a scripted server of a node that leads, for one connection.
type leader struct {
	*pgproto3.Backend
	conn net.Conn
	lost chan struct{}
}

// script is what a leader does with its connection. The connection is closed at its end.
type script func(l *leader)

// scripts is a cluster: each connection is served by the next script, and while there is none, nobody leads.
type scripts struct {
	t      *testing.T
	next   chan script
	node   string
	plain  bool         // connections are no sockets
	local  bool         // the server is the front door's own
	places *lobby.Lobby // nil: as many as come
	wg     sync.WaitGroup
}

func newScripts(t *testing.T, all ...script) *scripts {
	s := &scripts{t: t, next: make(chan script, 16), node: "n1"}
	for _, one := range all {
		s.next <- one
	}
	t.Cleanup(s.wg.Wait) // runs after the proxy's own clean-up, which closes its ends
	return s
}

func (s *scripts) Dial(ctx context.Context) (session.Backend, error) {
	var run script
	select {
	case run = <-s.next:
	case <-ctx.Done():
		return session.Backend{}, session.ErrNoLeader
	}
	var place session.Place
	var gaveWay chan struct{}
	if s.places != nil {
		gaveWay = make(chan struct{})
		guest, err := s.places.Wait(ctx, "", func() { close(gaveWay) })
		if err != nil {
			return session.Backend{}, session.ErrCrowded
		}
		place = guest
	}
	near, far := s.pair()
	l := &leader{Backend: pgproto3.NewBackend(far, far), conn: far, lost: make(chan struct{})}
	s.wg.Go(func() { // ends with the script; the test waits for it
		defer far.Close()
		run(l)
	})
	return session.Backend{Conn: near, Node: s.node, Local: s.local, Lost: l.lost, Place: place, GaveWay: gaveWay}, nil
}

func (s *scripts) pair() (near, far net.Conn) {
	if s.plain {
		return net.Pipe()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer listener.Close()
	near, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	far, err = listener.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	return near, far
}

// welcome begins a session.
func (l *leader) welcome() {
	l.ReceiveStartupMessage()
	l.Send(&pgproto3.AuthenticationOk{})
	l.Send(&pgproto3.BackendKeyData{ProcessID: 7, SecretKey: []byte{1, 2, 3, 4}})
	l.ready('I')
}

func (l *leader) ready(status byte) {
	l.Send(&pgproto3.ReadyForQuery{TxStatus: status})
	l.Flush()
}

// untilClosed reads until the proxy closes the stream.
func (l *leader) untilClosed() { io.Copy(io.Discard, l.conn) }

// client is a bare client of the protocol.
type client struct {
	*pgproto3.Frontend
	conn *net.TCPConn
	t    *testing.T
}

// dialClient connects and sends a start-up packet.
func dialClient(t *testing.T, addr *net.TCPAddr) *client {
	t.Helper()
	c := dialRaw(t, addr)
	c.start()
	return c
}

// start sends a start-up packet.
func (c *client) start() {
	c.t.Helper()
	c.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "alice"}})
	c.flush()
}

func dialRaw(t *testing.T, addr *net.TCPAddr) *client {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{Frontend: pgproto3.NewFrontend(conn, conn), conn: conn, t: t}
}

func (c *client) flush() {
	c.t.Helper()
	if err := c.Flush(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) query(sql string) {
	c.t.Helper()
	c.Send(&pgproto3.Query{String: sql})
	c.flush()
}

// hear reads messages up to a ReadyForQuery or the end of the stream, and returns them in short: types of messages as in the protocol,
// the SQLSTATE in brackets behind an error, and . for the end of the stream.
func (c *client) hear() string {
	c.t.Helper()
	var heard strings.Builder
	for {
		m, err := c.Receive()
		switch m := m.(type) {
		case nil:
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				c.t.Fatalf("heard %q, then nothing", heard.String())
			}
			heard.WriteByte('.')
			return heard.String()
		case *pgproto3.ErrorResponse:
			heard.WriteString("E[" + m.Code + "]")
		case *pgproto3.ReadyForQuery:
			heard.WriteByte('Z')
			return heard.String()
		default:
			b, _ := m.Encode(nil)
			heard.WriteByte(b[0])
		}
	}
}

func (c *client) expect(want string) {
	c.t.Helper()
	if got := c.hear(); got != want {
		c.t.Fatalf("the client heard %q, want %q", got, want)
	}
}
