package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestLastWords(t *testing.T) {
	// A client is told the truth when the leader's server is killed, and when its backend is, amid a COMMIT.
	c := harness.StartCluster(t, devcluster.Options{})
	_ = t.Run("of a dead server", func(t *testing.T) { lastWordsOfADeadServer(t, c) }) &&
		t.Run("amid a COMMIT", func(t *testing.T) { lastWordsAmidACommit(t, c) })
}

// lastWordsOfADeadServer shows that when the leader's server is killed, and nothing else, a client that waited for an answer is told "unknown" and one that did
// not is told that its connection is lost: through the leader's own node, where the backend had the client's socket, and through another.
func lastWordsOfADeadServer(t *testing.T, c *harness.Cluster) {
	leader := c.AwaitLeader(t)
	doors := []int{leader, c.Others(leader)[0]}
	var idle []*pgx.Conn
	var told []<-chan error
	for _, k := range doors {
		idle = append(idle, c.Connect(t, k))
		told = append(told, harness.ExecLater(t, c.Connect(t, k), "SELECT pg_sleep(1000)"))
	}
	own := c.Local(t, leader)
	harness.Await(t, harness.ServeLimit, "both to be busy", func(context.Context) error {
		if n := harness.One[int](t, own, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"); n != len(doors) {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	postmaster, err := c.Node(leader).PostmasterPID()
	if err := errors.Join(err, c.Node(leader).Kill9Postgres()); err != nil {
		t.Fatal(err)
	}
	for i, k := range doors {
		if got := harness.Code(<-told[i]); got != "08007" {
			t.Errorf("a busy client of n%d was told %q, want 08007", k, got)
		}
		_, err := idle[i].WaitForNotification(harness.Limited(t, harness.QueryLimit)) // asks for nothing
		if got := harness.Code(err); got != "08006" && got != "57P01" {               // the latter by the backend, if it sees the end of its postmaster in time
			t.Errorf("an idle client of n%d was told %q, want 08006", k, got)
		}
	}
	harness.Await(t, harness.ServeLimit, "another server", func(context.Context) error {
		pid, err := c.Node(leader).PostmasterPID()
		if err == nil && (pid == 0 || pid == postmaster) {
			err = fmt.Errorf("its postmaster is %d", pid)
		}
		return err
	})
	c.Ready(t)
}

// lastWordsAmidACommit shows that a client whose backend is killed while its COMMIT waits for a majority is told "unknown", though all before was answered: the
// followers may still accept what they were sent.
func lastWordsAmidACommit(t *testing.T, c *harness.Cluster) {
	leader := c.AwaitLeader(t)
	conn, own := c.Connect(t, leader), c.Local(t, leader)
	harness.Run(t, conn, "CREATE TABLE latte (cups int)", "BEGIN", "INSERT INTO latte VALUES (1)")
	for _, k := range c.Others(leader) {
		if err := c.Node(k).Pause(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Node(k).Continue() }) // should the test end early
	}
	told := harness.ExecLater(t, conn, "COMMIT")
	pid := int(conn.PgConn().PID())
	harness.Await(t, harness.ServeLimit, "the commit to wait", func(context.Context) error {
		event := harness.One[string](t, own, "SELECT coalesce(max(wait_event_type), '') FROM pg_stat_activity WHERE query = 'COMMIT'")
		if event != "Extension" {
			return fmt.Errorf("it waits for %q", event)
		}
		return nil
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := harness.Code(<-told); got != "08007" {
		t.Errorf("the client was told %q, want 08007", got)
	}
	for _, k := range c.Others(leader) {
		if err := c.Node(k).Continue(); err != nil {
			t.Fatal(err)
		}
	}
	c.Ready(t)
}

func TestLastWordsAreSaidOnce(t *testing.T) {
	// A client whose session the server ends hears so from the server alone, also when the server's log is set to leave that out.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, c.AwaitLeader(t))
	harness.Run(t, conn, "SET log_min_messages = panic; SET idle_session_timeout = 1")
	raw, err := conn.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Conn.Close()
	raw.Conn.SetDeadline(time.Now().Add(harness.QueryLimit))
	var heard []string
	for {
		m, err := raw.Frontend.Receive()
		if err != nil {
			break
		}
		if e, ok := m.(*pgproto3.ErrorResponse); ok {
			heard = append(heard, e.Code)
		}
	}
	if want := []string{"57P05"}; !slices.Equal(heard, want) {
		t.Errorf("the client heard %q, want %q", heard, want)
	}
}
