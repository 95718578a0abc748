package faults

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestNothingEndsAProposedCommit(t *testing.T) {
	// While a commit is being agreed on, neither a cancel nor a statement time-out nor pg_terminate_backend nor a lost client frees its row
	// locks, and what its client is told in the end is true: who cancels, or is timed out, that it is committed.
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) { cfg.Suspend = 30 * time.Second }})
	leader := c.AwaitLeader(t)
	admin := c.Local(t, leader)
	harness.Run(t, admin, "CREATE TABLE tallied (name text PRIMARY KEY, n int)")
	for _, disturbance := range []struct {
		name    string
		disturb func(conn *pgx.Conn, pid uint32) error
		commits bool
	}{
		{"cancel", func(conn *pgx.Conn, pid uint32) error {
			_, err := admin.Exec(t.Context(), "SELECT pg_cancel_backend($1)", pid)
			return errors.Join(err, conn.PgConn().CancelRequest(harness.Limited(t, harness.QueryLimit)))
		}, true},
		{"time-out", func(conn *pgx.Conn, pid uint32) error {
			harness.Await(t, harness.QueryLimit, "the time-out to have passed", func(ctx context.Context) error {
				const late = "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query = 'COMMIT' AND clock_timestamp() > query_start + interval '200 ms'"
				return admin.QueryRow(ctx, late, pid).Scan()
			})
			return nil
		}, true},
		{"terminate", func(conn *pgx.Conn, pid uint32) error {
			_, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend($1)", pid)
			return err
		}, false},
		{"vanish", func(conn *pgx.Conn, _ uint32) error { return conn.PgConn().Conn().Close() }, false},
	} {
		t.Run(disturbance.name, func(t *testing.T) {
			harness.Run(t, admin, "INSERT INTO tallied VALUES ('"+disturbance.name+"', 0)")
			update := "UPDATE tallied SET n = n + 1 WHERE name = '" + disturbance.name + "'"
			conn := c.Connect(t, leader)
			if disturbance.name == "time-out" {
				harness.Run(t, conn, "SET statement_timeout = '50ms'")
			}
			pid := harness.One[uint32](t, conn, "SELECT pg_backend_pid()")
			harness.Run(t, conn, "BEGIN", update)
			for _, k := range c.Others(leader) {
				if err := c.Node(k).Pause(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Node(k).Continue() }) // should the test end early
			}
			told := harness.ExecLater(t, conn, "COMMIT")
			harness.Await(t, harness.QueryLimit, "the commit to be under way", func(ctx context.Context) error {
				const doing = "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query = 'COMMIT'"
				return admin.QueryRow(ctx, doing, pid).Scan()
			})
			if err := disturbance.disturb(conn, pid); err != nil {
				t.Fatal(err)
			}
			// The next writer of the row waits for the lock, and no longer than it may.
			next := c.Local(t, leader)
			_, err := next.Exec(harness.Limited(t, harness.QueryLimit), "SET lock_timeout = '500ms'; "+update)
			if got := harness.Code(err); got != "55P03" {
				t.Errorf("the next writer of the row was told %q, want 55P03", got)
			}
			for _, k := range c.Others(leader) {
				if err := c.Node(k).Continue(); err != nil {
					t.Fatal(err)
				}
			}
			c.Ready(t)
			err = <-told
			n := -1
			harness.Await(t, harness.ServeLimit, "the row to be readable", func(ctx context.Context) error {
				reader := c.Connect(t, c.AwaitLeader(t))
				return reader.QueryRow(ctx, "SELECT n FROM tallied WHERE name = $1 FOR UPDATE", disturbance.name).Scan(&n)
			})
			l := &harness.Ledger{}
			switch f := l.FateOf(err); {
			case f == harness.Acknowledged && n != 1, f == harness.Refused && n != 0, n != 0 && n != 1:
				t.Errorf("the client was told %v, and the row has been changed %d times", err, n)
			}
			if disturbance.commits && err != nil {
				t.Errorf("the client was told %v, although nothing was wrong with the commit", err)
			}
			t.Logf("the client was told %v; changes: %d", err, n)
		})
	}
	c.VerifyAll(t)
}
