package proxy

import (
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

func wellBehaved(l *leader) {
	l.welcome()
	l.untilClosed()
}

// What is no PostgreSQL client gets an error message, and the front door stays open.
func TestGarbage(t *testing.T) {
	_, addr := startProxy(t, Options{Startup: 5 * time.Second, Backends: newScripts(t, wellBehaved, wellBehaved)})
	packet := func(words ...uint32) string {
		var b []byte
		for _, w := range words {
			b = binary.BigEndian.AppendUint32(b, w)
		}
		return string(b)
	}
	tests := []struct{ name, send, want string }{
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "E[08P01]."},
		{"TLS without asking", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "E[08P01]."},
		{"no length", packet(0, 196608), "E[08P01]."},
		{"over-long", packet(1<<31, 196608), "E[08P01]."},
		{"protocol 2", packet(8, 2<<16), "E[0A000]."},
		{"no parameters", packet(8, 196608), "E[08P01]."},
		{"cancel without a key", packet(12, codeCancel, 1), "E[08P01]."},
		{"TLS asked for twice", packet(8, codeSSL, 8, codeSSL), "NE[0A000]."},
		{"a message with an impossible length", string(append(binary.BigEndian.AppendUint32(nil, uint32(4+len(startupOf("user", "a")))), startupOf("user", "a")...)) + "Q\x00\x00\x00\x00", welcomed + "E[08P01]."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialRaw(t, addr)
			if _, err := io.WriteString(c.conn, test.send); err != nil {
				t.Fatal(err)
			}
			want := test.want
			if want[0] == 'N' { // one byte, not a message
				var n [1]byte
				if _, err := io.ReadFull(c.conn, n[:]); err != nil || n[0] != 'N' {
					t.Fatalf("heard %q, %v", n, err)
				}
				want = want[1:]
			}
			if got := c.hear(); got != want {
				if got == welcomed && want == welcomed+"E[08P01]." {
					c.expect("E[08P01].")
					return
				}
				t.Errorf("heard %q, want %q", got, want)
			}
		})
	}
	dialClient(t, addr).expect(welcomed)
}

// A client that says nothing does not keep its place for ever.
func TestSilentClient(t *testing.T) {
	_, addr := startProxy(t, Options{Startup: 30 * time.Millisecond, Backends: newScripts(t)})
	dialRaw(t, addr).expect(".")
}

// waitFor waits until a condition holds that nothing announces.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the condition was not met in time")
		}
	}
}

// A cancel request whose key is of no session here goes to the leader; one that is meant for another node's server is dropped.
func TestCancelRouting(t *testing.T) {
	relayed := make(chan uint32, 1)
	take := func(l *leader) {
		m, err := l.ReceiveStartupMessage()
		if cancel, ok := m.(*pgproto3.CancelRequest); ok && err == nil {
			relayed <- cancel.ProcessID
			return
		}
		relayed <- 0
	}
	cluster := newScripts(t, wellBehaved, take, take)
	_, addr := startProxy(t, Options{Backends: cluster})
	own := dialClient(t, addr)
	own.expect(welcomed)

	cancel := func(process uint32) {
		c := dialRaw(t, addr)
		c.Send(&pgproto3.CancelRequest{ProcessID: process, SecretKey: []byte{1, 2, 3, 4}})
		c.flush()
		c.expect(".")
	}
	cancel(99)
	if got := <-relayed; got != 99 {
		t.Errorf("the leader got a cancel request for %d, want 99", got)
	}
	cluster.node = "n2" // the leader is another one now
	cancel(7)
	if got := <-relayed; got != 0 {
		t.Errorf("the new leader got a cancel request for %d that was meant for the old one", got)
	}
}

// At shutdown an idle session ends at once, a busy one when it is answered, and at the end of the time every other.
func TestShutdown(t *testing.T) {
	answerNow := make(chan struct{})
	busy := func(l *leader) {
		l.welcome()
		l.Receive()
		<-answerNow
		l.Send(&pgproto3.CommandComplete{CommandTag: []byte("COMMIT")})
		l.ready('I')
		l.untilClosed()
	}
	received := make(chan struct{}, 2)
	stuck := func(l *leader) {
		l.welcome()
		l.Receive()
		received <- struct{}{}
		l.untilClosed()
	}
	server, addr := startProxy(t, Options{Backends: newScripts(t, wellBehaved, busy, stuck)})
	idle, working, waiting := dialClient(t, addr), (*client)(nil), (*client)(nil)
	idle.expect(welcomed)
	working = dialClient(t, addr)
	working.expect(welcomed)
	working.query("commit")
	waiting = dialClient(t, addr)
	waiting.expect(welcomed)
	waiting.query("commit")
	<-received

	ctx, expire := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // ends when expire is called
		defer close(ended)
		server.Shutdown(ctx)
	}()
	idle.expect("E[57P01].")
	close(answerNow)
	working.expect("CZ")
	working.expect("E[57P01].")
	expire()
	waiting.expect("E[08007].")
	for _, c := range []*client{idle, working, waiting} {
		c.conn.Close()
	}
	<-ended
	if server.Sessions() != 0 {
		t.Errorf("%d sessions are left", server.Sessions())
	}
}
