package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/session"
)

// asking is a server that asks for a password and gets none.
func asking(l *leader) {
	l.ReceiveStartupMessage()
	l.Send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
	l.Flush()
	l.untilClosed()
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// count returns how often the log has a text.
func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// askForTLS asks for TLS and hears that there is none.
func (c *client) askForTLS() {
	c.t.Helper()
	var n [1]byte
	if _, err := c.conn.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, codeSSL)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.ReadFull(c.conn, n[:]); err != nil || n[0] != 'N' {
		c.t.Fatalf("heard %q, %v", n, err)
	}
}

// However many connections say nothing or stop in their greeting, a client gets in while they stand. The oldest are told that they gave way, when
// their time is over or when they speak: then behind the answer to what they ask. The log says it in one line, with the limit.
func TestSilentConnections(t *testing.T) {
	const limit = 5
	var log logged
	_, addr := startProxy(t, Options{Waiting: limit, Log: log.logger(), Backends: newScripts(t, wellBehaved, wellBehaved)})
	silent := make([]*client, 4*limit)
	for i := range silent {
		silent[i] = dialRaw(t, addr)
		switch i % 3 {
		case 1:
			silent[i].askForTLS()
		case 2:
			silent[i].conn.Write([]byte{0, 0, 1, 0, 0, 3})
		}
	}
	dialClient(t, addr).expect(welcomed)
	dialClient(t, addr).expect(welcomed)
	for i, c := range silent[:len(silent)-limit] {
		switch i % 3 {
		case 0:
			c.askForTLS()
			c.start()
		case 1:
			c.start()
		case 2:
			c.conn.CloseWrite()
		}
		c.expect("E[57P03].")
	}
	if log.count("too many clients are not authenticated") != 1 || log.count("limit=5") != 1 {
		t.Errorf("the log:\n%s", log.b.String())
	}
}

// However many clients do not answer the server that asks for their passwords, one that does gets in, and is not disturbed later. It does not
// matter whether the front door or the leader has no room for more of them.
func TestHalfAuthenticated(t *testing.T) {
	for name, test := range map[string]struct {
		waiting int
		places  *lobby.Lobby
	}{"front door": {3, nil}, "leader": {100, places(t, 3)}, "both": {3, places(t, 3)}} {
		t.Run(name, func(t *testing.T) {
			cluster := newScripts(t)
			cluster.places = test.places
			_, addr := startProxy(t, Options{Waiting: test.waiting, Backends: cluster})
			dial := func(run script) *client {
				cluster.next <- run
				return dialClient(t, addr)
			}
			first := dial(func(l *leader) {
				l.welcome()
				l.Receive()
				l.Send(&pgproto3.CommandComplete{CommandTag: []byte("COMMIT")})
				l.ready('I')
				l.untilClosed()
			})
			first.expect(welcomed)
			var half []*client
			for range 4 {
				for range 3 {
					c := dial(asking)
					c.mustHear('R')
					half = append(half, c)
				}
				dial(wellBehaved).expect(welcomed)
			}
			for _, c := range half[:len(half)-3] {
				c.expect("E[57P03].")
			}
			first.query("commit")
			first.expect("CZ")
		})
	}
}

// places are those at a leader.
func places(t *testing.T, limit int) *lobby.Lobby {
	t.Helper()
	l, err := lobby.New(lobby.Options{Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// mustHear reads one message of a type.
func (c *client) mustHear(kind byte) {
	c.t.Helper()
	m, err := c.Receive()
	if err != nil {
		c.t.Fatal(err)
	}
	if b, _ := m.Encode(nil); b[0] != kind {
		c.t.Fatalf("heard %T", m)
	}
}

// A client whose server takes its time to authenticate it gives way to nobody who owes a word himself.
func TestSlowServer(t *testing.T) {
	answer := make(chan struct{})
	slow := func(l *leader) {
		l.ReceiveStartupMessage()
		l.Send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
		l.Flush()
		l.SetAuthType(pgproto3.AuthTypeSASL)
		l.Receive()
		<-answer
		l.Send(&pgproto3.AuthenticationOk{})
		l.ready('I')
		l.untilClosed()
	}
	cluster := newScripts(t, slow)
	cluster.places = places(t, 3)
	_, addr := startProxy(t, Options{Backends: cluster})
	c := dialClient(t, addr)
	c.mustHear('R')
	c.Send(&pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte("n,,n=,r=x")})
	c.flush()
	for range 3 {
		for range 2 {
			cluster.next <- asking
			dialClient(t, addr).mustHear('R')
		}
		dialRaw(t, addr)
	}
	close(answer)
	c.expect("RZ")
}

// Beyond their limit the oldest cancel request is given up; a new one is relayed.
func TestManyCancelRequests(t *testing.T) {
	cluster := newScripts(t)
	_, addr := startProxy(t, Options{Backends: cluster, Waiting: maxCancels})
	ask := func() *client {
		c := dialRaw(t, addr)
		c.Send(&pgproto3.CancelRequest{ProcessID: 7, SecretKey: []byte{1, 2, 3, 4}})
		c.flush()
		return c
	}
	stuck := make(chan struct{}, 2*maxCancels)
	var asked []*client
	for range 2 * maxCancels {
		asked = append(asked, ask())
		cluster.next <- func(l *leader) {
			l.ReceiveStartupMessage()
			stuck <- struct{}{}
			l.untilClosed()
		}
		<-stuck
	}
	for _, c := range asked[:maxCancels] {
		c.expect(".")
	}
	relayed := make(chan struct{})
	cluster.next <- func(l *leader) {
		l.ReceiveStartupMessage()
		close(relayed)
	}
	ask().expect(".")
	<-relayed
}

// psql goes on to the next host of its list when it had to give way at the first, and when that has no leader; when the leader says that all
// sessions are taken it does not: no other node would help.
func TestNextHost(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("psql is not installed")
	}
	full := func(l *leader) {
		l.ReceiveStartupMessage()
		l.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "53300", Message: "all taken"})
		l.Flush()
		l.untilClosed()
	}
	_, good := startProxy(t, Options{Backends: realServer(t)})
	for name, test := range map[string]struct {
		options Options
		giveWay bool
		want    string
	}{
		"gives way":     {Options{Waiting: 1, Backends: newScripts(t)}, true, "here"},
		"no leader":     {Options{Hold: 10 * time.Millisecond, Backends: newScripts(t)}, false, "here"},
		"no place":      {Options{Hold: 10 * time.Millisecond, Backends: crowded{}}, false, "here"},
		"all are taken": {Options{Backends: newScripts(t, full)}, false, "all taken"},
	} {
		for _, mode := range []string{"disable", "prefer"} {
			t.Run(name+", TLS "+mode, func(t *testing.T) {
				if name == "all are taken" {
					test.options.Backends = newScripts(t, full)
				}
				door, addr := startProxy(t, test.options)
				dsn := fmt.Sprintf("host=127.0.0.1,127.0.0.1 port=%d,%d user=postgres dbname=postgres sslmode=%s gssencmode=disable", addr.Port, good.Port, mode)
				var out bytes.Buffer
				cmd := exec.CommandContext(testContext(t), psql, "-XAt", dsn, "-c", "select 'here'")
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if test.giveWay {
					waitFor(t, func() bool { return door.Sessions() == 1 })
					dialRaw(t, addr)
				}
				cmd.Wait() // what it says tells
				if !strings.Contains(out.String(), test.want) {
					t.Errorf("psql says %q, want %q", out.String(), test.want)
				}
			})
		}
	}
}

// crowded is a leader that has no place for another client.
type crowded struct{}

func (crowded) Dial(ctx context.Context) (session.Backend, error) {
	<-ctx.Done()
	return session.Backend{}, session.ErrCrowded
}

// A start-up packet may have as many bytes as PostgreSQL takes, and reaches the server as it is; with one more it is refused.
func TestLongStartup(t *testing.T) {
	server := realServer(t)
	_, direct := startProxy(t, Options{Backends: server})
	for _, size := range []int{9900, 9929, 9930, 9977, 9978, 10000, 10001, 10004, 10005, 20000} { // with the length, which PostgreSQL does not count
		packet := startupOf("user", "postgres", "application_name", "")
		packet = append(make([]byte, 4), startupOf("user", "postgres", "application_name", strings.Repeat("x", size-4-len(packet)))...)
		binary.BigEndian.PutUint32(packet, uint32(len(packet)))
		own, err := net.Dial("unix", server.socket)
		if err != nil {
			t.Fatal(err)
		}
		want := "08P01"
		if firstAnswer(t, own, packet) == "R" {
			want = "R"
		}
		if takes := size <= 10004; (want == "R") != takes {
			t.Fatalf("PostgreSQL takes %d bytes: %v", size, !takes)
		}
		through, err := net.Dial("tcp", direct.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := firstAnswer(t, through, packet); got != want {
			t.Errorf("%d bytes: heard %q, want %q", size, got, want)
		}
	}
}

// firstAnswer sends a start-up packet and returns the type of the first message, the SQLSTATE of an error, or nothing.
func firstAnswer(t *testing.T, conn net.Conn, packet []byte) string {
	t.Helper()
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
	switch m, err := pgproto3.NewFrontend(conn, conn).Receive(); m := m.(type) {
	case *pgproto3.ErrorResponse:
		return m.Code
	case nil:
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("no answer")
		}
		return ""
	default:
		b, _ := m.Encode(nil)
		return string(b[:1])
	}
}
