package doors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

// crowd keeps connections to an address open that say first and then nothing, until stop is called: each that is closed is opened again after a
// moment. It returns when all have been opened once.
func crowd(t *testing.T, address string, connections int, first []byte) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all, opened sync.WaitGroup
	opened.Add(connections)
	for range connections {
		all.Go(func() { // ended by stop, which waits for it
			once := sync.OnceFunc(opened.Done)
			defer once()
			for ctx.Err() == nil {
				var d net.Dialer
				if conn, err := d.DialContext(ctx, "tcp", address); err == nil {
					end := context.AfterFunc(ctx, func() { conn.Close() })
					_, _ = conn.Write(first) // the other side may have closed by now
					once()
					_, _ = io.Copy(io.Discard, conn)
					end()
					conn.Close()
				}
				select {
				case <-ctx.Done():
				case <-time.After(2 * time.Second):
				}
			}
		})
	}
	opened.Wait()
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// startupPacket is the first packet of a client that is somebody.
func startupPacket(t *testing.T, role string) []byte {
	t.Helper()
	m := pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": role, "database": "postgres"}}
	packet, err := m.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

const (
	crowdSessions   = 4 // max_sessions
	crowdSuperusers = 2 // superuser_reserved_connections
	crowdPassword   = "latte"
)

// startGuarded starts a cluster with few sessions that asks for passwords: those of role alice and of superuser postgres are crowdPassword.
func startGuarded(t *testing.T) *harness.Cluster {
	t.Helper()
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		cfg.MaxSessions = crowdSessions
		cfg.Settings = map[string]string{"superuser_reserved_connections": fmt.Sprint(crowdSuperusers)}
	}})
	conn := c.Connect(t, 1)
	for _, statement := range []string{"CREATE ROLE alice LOGIN PASSWORD '%s'", "ALTER ROLE postgres PASSWORD '%s'"} {
		harness.Run(t, conn, fmt.Sprintf(statement, crowdPassword))
	}
	c.Ready(t)
	if err := c.Stop(harness.Limited(t, harness.StartLimit)); err != nil {
		t.Fatal(err)
	}
	for _, node := range c.Nodes() {
		node.Config.Auth = config.SCRAM
		if err := node.WriteConfig(); err != nil {
			t.Fatal(err)
		}
		if err := node.Start(); err != nil {
			t.Fatal(err)
		}
	}
	c.Ready(t)
	return c
}

// as returns how a role reaches the database through node k, with its password.
func as(c *harness.Cluster, role string, k int) string {
	return "postgres://" + role + ":" + crowdPassword + "@" + c.Node(k).Config.PG + "/postgres?sslmode=disable"
}

// refusedWith connects, and fails the test unless that ends with an SQLSTATE.
func refusedWith(t *testing.T, url, sqlstate string) {
	t.Helper()
	conn, err := pgx.Connect(harness.Limited(t, harness.QueryLimit), url)
	if err == nil {
		conn.Close(context.Background())
	}
	if told, ok := errors.AsType[*pgconn.PgError](err); !ok || told.Code != sqlstate {
		t.Errorf("connect to %s: %v, want %s", url, err, sqlstate)
	}
}

// logLines counts the lines of a node's log that have a text.
func logLines(t *testing.T, c *harness.Cluster, k int, text string) int {
	t.Helper()
	return strings.Count(harness.ReadFile(t, c.Node(k).Config.LogFile()), text)
}

func TestCrowdedDoors(t *testing.T) {
	// Silent connections and such as do not answer for their password, more than any limit, keep no client out, at any node. When all sessions of
	// ordinary roles are taken, no other node has one more, superusers get in through every node, up to their number; and when those are
	// taken too, the nodes are still compared and leadership is handed over.
	c := startGuarded(t)
	leader := c.AwaitLeader(t)
	follower := c.Others(leader)[0]

	t.Run("silent", func(t *testing.T) {
		const limit = crowdSessions + 1024
		for _, k := range []int{leader, follower} {
			stop := crowd(t, c.Node(k).Config.PG, limit+100, nil)
			harness.One[int](t, harness.ConnectTo(t, as(c, "alice", k)), "SELECT 1")
			stop()
			if n := logLines(t, c, k, "too many clients are not authenticated"); n != 1 {
				t.Errorf("n%d says it in %d lines", k, n)
			}
			if n := logLines(t, c, k, fmt.Sprintf("limit=%d", limit)); n != 1 {
				t.Errorf("n%d gives its limit in %d lines", k, n)
			}
		}
	})
	t.Run("without an answer", func(t *testing.T) {
		for _, k := range []int{leader, follower} {
			stop := crowd(t, c.Node(k).Config.PG, 150, startupPacket(t, "alice"))
			for _, door := range c.All() {
				conn := harness.ConnectTo(t, as(c, "alice", door))
				harness.One[int](t, conn, "SELECT 1")
				conn.Close(harness.Limited(t, harness.QueryLimit))
			}
			c.VerifyAll(t)
			stop()
		}
		if n := logLines(t, c, leader, "too many clients have not answered"); n != 1 {
			t.Errorf("n%d says it in %d lines", leader, n)
		}
	})
	t.Run("long start-up packets", func(t *testing.T) {
		for _, door := range c.All() {
			conn := harness.ConnectTo(t, as(c, "alice", door)+"&application_name="+ // the longest that PostgreSQL takes
				strings.Repeat("x", 9948))
			if got := harness.One[string](t, conn, "SHOW barista.session"); got != "leader" {
				t.Errorf("n%d: barista.session is %q", door, got)
			}
			conn.Close(harness.Limited(t, harness.QueryLimit))
		}
		for _, door := range c.All() {
			longest(t, c.Node(door).Config.PG, 10000, 'R')
			longest(t, c.Node(door).Config.PG, 10001, 'E')
		}
	})
	t.Run("all sessions", func(t *testing.T) {
		awaitSessions(t, c, leader, 0)
		doors := c.All()
		for k := range crowdSessions {
			harness.ConnectTo(t, as(c, "alice", doors[k%len(doors)]))
		}
		for _, door := range doors {
			refusedWith(t, as(c, "alice", door), "53300")
		}
		for k := range crowdSuperusers {
			harness.ConnectTo(t, as(c, "postgres", doors[k]))
		}
		for _, door := range doors {
			refusedWith(t, as(c, "postgres", door), "53300")
			refusedWith(t, as(c, "alice", door), "53300")
		}
		c.VerifyAll(t)
		status, _, errs := c.Barista(t, "transfer", "--http", c.Node(leader).Config.HTTP)
		if status != 0 {
			t.Errorf("barista transfer: status %d: %s", status, errs)
		}
		c.Ready(t)
	})
	checkNoServerPanic(t, c)
	if n := logLines(t, c, leader, "the server is killed"); n != 0 {
		t.Error("the hand-over killed the server")
	}
}

// longest sends a start-up packet whose body has a length, and fails the test unless the first message of the answer has the type.
func longest(t *testing.T, address string, length int, kind byte) {
	t.Helper()
	body := []byte("\x00\x03\x00\x00user\x00alice\x00application_name\x00")
	body = append(append(body, strings.Repeat("x", length-len(body)-2)...), 0, 0)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(harness.QueryLimit)); err != nil {
		t.Fatal(err)
	}
	var first [1]byte
	_, err = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(4+len(body))), body...))
	if err == nil {
		_, err = io.ReadFull(conn, first[:])
	}
	if err != nil || first[0] != kind {
		t.Errorf("to a start-up packet of %d bytes %s answers %q, %v; want %q", length, address, first, err, kind)
	}
}

// awaitSessions waits until the server of node k has as many sessions of clients.
func awaitSessions(t *testing.T, c *harness.Cluster, k, sessions int) {
	t.Helper()
	own := c.Ours(t, k)
	defer own.Close(harness.Limited(t, harness.QueryLimit))
	harness.Await(t, harness.ServeLimit, "sessions to end", func(ctx context.Context) error {
		const clients = "SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE usesysid IN ('alice'::regrole, 'postgres'::regrole) AND backend_type = 'client backend'"
		var n int
		if err := own.QueryRow(ctx, clients).Scan(&n); err != nil || n != sessions {
			return fmt.Errorf("%d sessions, %v", n, err)
		}
		return nil
	})
}

func TestCrowdedPeerPort(t *testing.T) {
	// However many connections stop in the handshake of every peer port, before it or in it, a node that was killed comes back, and a write needs it.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE kept (k int PRIMARY KEY)")
	hello := append([]byte("BARISTA2"), make([]byte, 16+8+32)...)
	for _, k := range c.All() {
		for _, first := range [][]byte{nil, hello} {
			crowd(t, c.Node(k).Config.Peer, 200, first)
		}
	}
	const crowded = "too many connections have not proved the secret"
	for _, k := range c.All() {
		harness.Await(t, harness.ServeLimit, fmt.Sprintf("n%d says that its peer port is crowded", k), func(context.Context) error {
			if logLines(t, c, k, crowded) == 0 {
				return errors.New("it has not said so")
			}
			return nil
		})
	}
	leader := c.AwaitLeader(t)
	down := c.Others(leader)[0]
	if err := c.Node(down).Kill9(); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, down)
	if err := c.Node(c.Others(leader)[1]).Kill9(); err != nil {
		t.Fatal(err)
	}
	harness.Run(t, c.Connect(t, down), "INSERT INTO kept VALUES (1)")
	c.Restart(t, c.Others(leader)[1])
	c.VerifyAll(t)
	for _, k := range c.All() {
		if n := logLines(t, c, k, crowded); n < 1 || n > 3 {
			t.Errorf("n%d says in %d lines that its peer port is crowded", k, n)
		}
	}
}
