package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/session"
)

// tunnelled is a leader on another node: its server is reached through a stream that the other node's front door carries.
type tunnelled struct {
	t      *testing.T
	server *plainServer
	door   *Server
}

func (c tunnelled) Dial(ctx context.Context) (session.Backend, error) {
	backend, err := c.server.Dial(ctx)
	if err != nil {
		return session.Backend{}, err
	}
	near, far := (&scripts{t: c.t}).pair()
	go c.door.Carry(context.Background(), far, backend) // ends with either stream
	return session.Backend{Conn: near, Node: "n2"}, nil
}

// Through two nodes, large results arrive whole, and the server's last word too.
func TestCarry(t *testing.T) {
	server := realServer(t)
	door, _ := startProxy(t, Options{Backends: server})
	_, addr := startProxy(t, Options{Backends: tunnelled{t, server, door}})
	ctx := testContext(t)
	conn := connectPgx(t, dsn(addr))
	var text string
	if err := conn.QueryRow(ctx, "select repeat('x', 20000000)").Scan(&text); err != nil || len(text) != 20000000 {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	other := connectPgx(t, dsn(addr))
	if _, err := other.Exec(ctx, "select pg_terminate_backend($1)", int(conn.PgConn().PID())); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "select 1"); err == nil || !bytes.Contains([]byte(err.Error()), []byte("57P01")) {
		t.Errorf("after its end: %v", err)
	}
}

// A carried stream that ends delivers everything first, also to a slow reader, and a context ends it at once.
func TestCarryEnds(t *testing.T) {
	door, _ := startProxy(t, Options{Backends: newScripts(t)})
	pair := (&scripts{t: t}).pair
	begin := func(ctx context.Context) (front, server net.Conn, ended chan error) {
		front, from := pair()
		to, server := pair()
		ended = make(chan error, 1)
		front.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, codeCancel)) // which is passed on as it is
		go func() { ended <- door.Carry(ctx, from, session.Backend{Conn: to}) }()  // ends with either stream, or ctx
		for _, c := range []net.Conn{front, server} {
			c.SetDeadline(time.Now().Add(20 * time.Second))
			t.Cleanup(func() { c.Close() })
		}
		if _, err := io.ReadFull(server, make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		return front, server, ended
	}

	front, server, ended := begin(t.Context())
	said := frame('D', string(bytes.Repeat([]byte("espresso"), 1<<20)))
	wrote := make(chan error, 1)
	go func() { // ends when all is taken
		_, err := server.Write(said)
		server.Close()
		wrote <- err
	}()
	hash := sha256.New()
	n, err := io.Copy(hash, front)
	if err != nil || n != int64(len(said)) || !bytes.Equal(hash.Sum(nil), sum(said)) {
		t.Errorf("%d of %d bytes arrived, %v", n, len(said), err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	front, server, ended = begin(ctx)
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var one [1]byte
	if _, err := io.ReadFull(front, one[:]); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := front.Read(one[:]); err == nil {
		t.Error("the front door's end is still open")
	}
}

func sum(p []byte) []byte {
	s := sha256.Sum256(p)
	return s[:]
}
