package proxy

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

const welcomed = "RKZ"

// What a client hears when its leader is lost, by what was under way.
func TestLeaderLost(t *testing.T) {
	answer := func(l *leader) {
		l.Send(&pgproto3.CommandComplete{CommandTag: []byte("COMMIT")})
		l.ready('I')
	}
	tests := []struct {
		name  string
		query bool // the client sends a query once it is welcome
		run   script
		want  string // what it hears after the welcome
	}{
		{"stream ends while idle", false, func(l *leader) {}, "E[08006]."},
		{"leadership ends while idle and the stream is silent", false, func(l *leader) {
			close(l.lost)
			l.untilClosed()
		}, "E[08006]."},
		{"stream ends with a query under way", true, func(l *leader) { l.Receive() }, "E[08007]."},
		{"leadership ends with a query under way", true, func(l *leader) {
			l.Receive()
			close(l.lost)
			l.untilClosed()
		}, "E[08007]."},
		{"the answer arrives after the leadership has ended", true, func(l *leader) {
			l.Receive()
			close(l.lost)
			answer(l)
			l.untilClosed()
		}, "CZ"},
		{"the answer arrives and the stream ends", true, func(l *leader) {
			l.Receive()
			answer(l)
		}, "CZ"},
		{"an error is no answer yet", true, func(l *leader) {
			l.Receive()
			l.Send(&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "23505"})
			l.Flush()
		}, "E[23505]E[08007]."},
		{"the server's own last word is the only one", true, func(l *leader) {
			l.Receive()
			l.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08007"})
			l.Flush()
		}, "E[08007]."},
		{"its last word to an idle client, after the leadership has ended", false, func(l *leader) {
			l.Send(&pgproto3.ErrorResponse{Severity: "TODESFALL", SeverityUnlocalized: "FATAL", Code: "57P01"})
			l.Flush()
		}, "E[57P01]."},
		{"in the middle of a message", true, func(l *leader) {
			l.Receive()
			l.conn.Write([]byte{'D', 0, 0, 1, 0, 'x', 'y'})
		}, "."},
		{"in the middle of a header", true, func(l *leader) {
			l.Receive()
			l.conn.Write([]byte{'D', 0, 0})
		}, "."},
		{"what comes is no message", true, func(l *leader) {
			l.Receive()
			l.conn.Write([]byte{'D', 0, 0, 0, 0, 0})
			l.untilClosed()
		}, "."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			begin := make(chan struct{})
			drain := 50 * time.Millisecond
			if test.want == "CZ" { // an answer that comes is waited for
				drain = 20 * time.Second
			}
			_, addr := startProxy(t, Options{Drain: drain, Backends: newScripts(t, func(l *leader) {
				l.welcome()
				<-begin
				test.run(l)
			})})
			c := dialClient(t, addr)
			c.expect(welcomed)
			if test.query {
				c.query("commit")
			}
			close(begin)
			c.expect(test.want)
			if test.want == "CZ" {
				c.expect("E[08006].")
			}
		})
	}
}

// A request that came too late for the lost leader was not run, and its client is not told that it may have been.
func TestLostBeforeTheRequest(t *testing.T) {
	leaving := make(chan struct{})
	_, addr := startProxy(t, Options{Backends: newScripts(t, func(l *leader) {
		l.welcome()
		<-leaving
	})})
	c := dialClient(t, addr)
	c.expect(welcomed)
	close(leaving)
	c.expect("E[08006].")
	c.Send(&pgproto3.Query{String: "insert"})
	c.Flush() // may fail: nobody reads it
}

// A leader that is lost before the client has heard anything is replaced by the next; one that is lost later is not.
func TestLostAtStart(t *testing.T) {
	starting := func(l *leader) {
		l.ReceiveStartupMessage()
		l.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P03", Message: "the database system is starting up"})
		l.Flush()
	}
	silent := func(l *leader) {
		l.ReceiveStartupMessage()
		close(l.lost)
		l.untilClosed()
	}
	half := func(l *leader) {
		l.ReceiveStartupMessage()
		l.Send(&pgproto3.AuthenticationCleartextPassword{})
		l.Flush()
	}
	good := func(l *leader) {
		l.welcome()
		l.untilClosed()
	}
	tests := []struct {
		name string
		run  []script
		want string
	}{
		{"stream ends at once", []script{func(*leader) {}, good}, welcomed},
		{"leadership ends in silence", []script{silent, silent, good}, welcomed},
		{"the server is starting", []script{starting, starting, good}, welcomed},
		{"the server is starting for too long", []script{starting}, "E[57P03]."},
		{"nobody follows", []script{silent}, "E[57P03]."},
		{"lost after the client was asked for its password", []script{half, good}, "RE[57P03]."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hold := 20 * time.Second
			if test.want != welcomed {
				hold = 100 * time.Millisecond
			}
			_, addr := startProxy(t, Options{Hold: hold, Backends: newScripts(t, test.run...)})
			dialClient(t, addr).expect(test.want)
		})
	}
}

// A new connection waits for a leader, but not for ever.
func TestHold(t *testing.T) {
	cluster := newScripts(t)
	_, addr := startProxy(t, Options{Hold: 20 * time.Millisecond, Backends: cluster})
	dialClient(t, addr).expect("E[57P03].")

	_, addr = startProxy(t, Options{Hold: 20 * time.Second, Backends: cluster})
	c := dialClient(t, addr)
	cluster.next <- func(l *leader) {
		l.welcome()
		l.untilClosed()
	}
	c.expect(welcomed)
}

// A way to the leader that is no plain socket works as well.
func TestBridge(t *testing.T) {
	cluster := newScripts(t, func(l *leader) {
		l.welcome()
		for {
			m, err := l.Receive()
			if _, ok := m.(*pgproto3.Query); !ok || err != nil {
				return
			}
			l.Send(&pgproto3.DataRow{Values: [][]byte{make([]byte, 1<<20)}})
			l.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
			l.ready('I')
		}
	})
	cluster.plain = true
	_, addr := startProxy(t, Options{Backends: cluster})
	c := dialClient(t, addr)
	c.expect(welcomed)
	for range 3 {
		c.query("select")
		c.expect("DCZ")
	}
	c.Send(&pgproto3.Terminate{})
	c.flush()
	c.expect(".")
}
