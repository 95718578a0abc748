package faults

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
)

// transactionIDs shows that what sessions see of transaction ids never goes back: neither when a leader hands over, nor when it is killed, nor when all
// nodes start again; ids of transactions that rolled back count as well. The xmin of a row is above its writer's and never that of another version, and
// nothing is made up about transactions of another leadership.
func transactionIDs(t *testing.T, c *harness.Cluster) {
	w := &idWatch{Cluster: c}
	w.session(t, func(conn *pgx.Conn) {
		harness.Run(t, conn, "CREATE TABLE items (id int PRIMARY KEY, v int)", "INSERT INTO items SELECT n, 0 FROM generate_series(1, 20) n")
	})
	w.write(t)
	leader := w.AwaitLeader(t)
	for _, to := range []int{w.Others(leader)[0], leader} {
		w.handOver(t, to)
		w.compare(t)
		w.write(t)
	}
	if err := w.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	w.compare(t)
	w.write(t)
	if err := w.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, k := range w.All() {
		if err := w.Node(k).Start(); err != nil {
			t.Fatal(err)
		}
	}
	w.Ready(t)
	w.compare(t)
	w.write(t)
	w.VerifyAll(t)
}

// idWatch remembers the transaction ids that a client has seen.
type idWatch struct {
	*harness.Cluster

	committed, aborted int64    // the last that ended so
	snapshot           string   // of the last leadership
	shown              []string // xmin of row 1, of its last version and all before
}

// session runs with a session that ends with the call.
func (w *idWatch) session(t *testing.T, use func(conn *pgx.Conn)) {
	t.Helper()
	k := w.AwaitLeader(t)
	conn, err := pgx.Connect(harness.Limited(t, harness.ServeLimit), w.URL(k))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(harness.Limited(t, harness.QueryLimit))
	use(conn)
}

func (w *idWatch) handOver(t *testing.T, k int) {
	t.Helper()
	harness.Await(t, harness.ServeLimit, fmt.Sprintf("n%d to lead", k), func(context.Context) error {
		if w.AwaitLeader(t) == k {
			return nil
		}
		status, _, errs := w.Barista(t, "transfer", "--http", w.Node(k).Config.HTTP, "--to", w.Node(k).Config.Name)
		return fmt.Errorf("barista transfer: status %d: %s", status, errs)
	})
}

// write writes row 1, and then rolls a transaction back.
func (w *idWatch) write(t *testing.T) {
	t.Helper()
	w.session(t, func(conn *pgx.Conn) {
		harness.Run(t, conn, "BEGIN", "UPDATE items SET v = v + 1 WHERE id = 1")
		committed := harness.One[int64](t, conn, "SELECT txid_current()")
		harness.Run(t, conn, "COMMIT", "BEGIN")
		if committed <= w.aborted {
			t.Errorf("transaction %d after %d", committed, w.aborted)
		}
		w.committed, w.aborted = committed, harness.One[int64](t, conn, "SELECT txid_current()")
		harness.Run(t, conn, "ROLLBACK")
		for id, want := range map[int64]string{w.committed: "committed", w.aborted: "aborted"} {
			if got := harness.One[string](t, conn, "SELECT coalesce(txid_status($1), 'unknown')", id); got != want {
				t.Errorf("transaction %d, which %s, is %s", id, want, got)
			}
		}
		w.snapshot = harness.One[string](t, conn, "SELECT txid_current_snapshot()::text")
		w.shown = append(w.shown, harness.One[string](t, conn, "SELECT xmin::text FROM items WHERE id = 1"))
	})
}

// compare looks at the first that the next leader shows.
func (w *idWatch) compare(t *testing.T) {
	t.Helper()
	w.session(t, func(conn *pgx.Conn) {
		if low := harness.One[int64](t, conn, "SELECT txid_snapshot_xmin(txid_current_snapshot())"); low <= w.aborted {
			t.Errorf("a snapshot begins at %d, and %d was seen before", low, w.aborted)
		}
		for _, id := range []int64{w.committed, w.aborted, w.aborted - 2} {
			if got := harness.One[*string](t, conn, "SELECT txid_status($1)", id); got != nil {
				t.Errorf("transaction %d of another leadership is %s", id, *got)
			}
		}
		if harness.One[bool](t, conn, "SELECT txid_visible_in_snapshot(txid_current(), $1::txid_snapshot)", w.snapshot) {
			t.Errorf("this transaction is visible in the snapshot %s of the last leader", w.snapshot)
		}
		if harness.One[int](t, conn, "SELECT count(*) FROM items WHERE xmin::text::bigint > $1", w.committed) == 0 {
			t.Errorf("no row is as new as transaction %d, which wrote one", w.committed)
		}
		now := harness.One[string](t, conn, "SELECT xmin::text FROM items WHERE id = 1")
		if slices.Contains(w.shown, now) {
			t.Errorf("a row has the xmin %s of another version", now)
		}
		w.shown = append(w.shown, now)
	})
}
