package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestNothingEndsAProposedCommit(t *testing.T) {
	// While a commit is being agreed on, neither a cancel request nor pg_terminate_backend nor a lost client frees its row
	// locks, and what its client is told in the end is true.
	c := startCluster(t, devcluster.Options{Change: func(cfg *config.Config) { cfg.Suspend = 30 * time.Second }})
	leader := c.leader(t)
	admin := c.local(t, leader)
	run(t, admin, "CREATE TABLE tallied (name text PRIMARY KEY, n int)")
	for _, disturbance := range []struct {
		name    string
		disturb func(conn *pgx.Conn, pid uint32) error
	}{
		{"cancel", func(conn *pgx.Conn, pid uint32) error {
			_, err := admin.Exec(t.Context(), "SELECT pg_cancel_backend($1)", pid)
			return err
		}},
		{"terminate", func(conn *pgx.Conn, pid uint32) error {
			_, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend($1)", pid)
			return err
		}},
		{"vanish", func(conn *pgx.Conn, _ uint32) error { return conn.PgConn().Conn().Close() }},
	} {
		t.Run(disturbance.name, func(t *testing.T) {
			run(t, admin, "INSERT INTO tallied VALUES ('"+disturbance.name+"', 0)")
			update := "UPDATE tallied SET n = n + 1 WHERE name = '" + disturbance.name + "'"
			conn := c.connect(t, leader)
			pid := one[uint32](t, conn, "SELECT pg_backend_pid()")
			run(t, conn, "BEGIN", update)
			for _, k := range c.others(leader) {
				if err := c.Node(k).Pause(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Node(k).Continue() }) // should the test end early
			}
			told := execLater(t, conn, "COMMIT")
			await(t, queryLimit, "the commit to be under way", func(ctx context.Context) error {
				const doing = "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query = 'COMMIT'"
				return admin.QueryRow(ctx, doing, pid).Scan()
			})
			if err := disturbance.disturb(conn, pid); err != nil {
				t.Fatal(err)
			}
			// The next writer of the row waits for the lock, and no longer than it may.
			next := c.local(t, leader)
			_, err := next.Exec(limited(t, queryLimit), "SET lock_timeout = '500ms'; "+update)
			if got := code(err); got != "55P03" {
				t.Errorf("the next writer of the row was told %q, want 55P03", got)
			}
			for _, k := range c.others(leader) {
				if err := c.Node(k).Continue(); err != nil {
					t.Fatal(err)
				}
			}
			c.ready(t)
			err = <-told
			n := -1
			await(t, serveLimit, "the row to be readable", func(ctx context.Context) error {
				reader := c.connect(t, c.leader(t))
				return reader.QueryRow(ctx, "SELECT n FROM tallied WHERE name = $1 FOR UPDATE", disturbance.name).Scan(&n)
			})
			l := &ledger{}
			switch f := l.fateOf(err); {
			case f == acknowledged && n != 1, f == refused && n != 0, n != 0 && n != 1:
				t.Errorf("the client was told %v, and the row has been changed %d times", err, n)
			}
			t.Logf("the client was told %v; changes: %d", err, n)
		})
	}
	c.verifyAll(t)
}
