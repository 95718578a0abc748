package recovery

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestCommitTimes(t *testing.T) {
	// Whoever reads rows by the commit times of their transactions and goes on after the last one misses none, though transactions are not
	// committed in the order in which they began, and over changes of leader; nodes that keep the times have the same, one that does not serves as well.
	const without = 3
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		if cfg.Name != fmt.Sprintf("n%d", without) {
			cfg.Settings = map[string]string{"track_commit_timestamp": "on"}
		}
	}})
	lead := func(k int) {
		if c.AwaitLeader(t) == k {
			return
		}
		if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP, "--to", c.Node(k).Config.Name); status != 0 {
			t.Fatal(errs)
		}
	}
	lead(1)
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE outbox (id int PRIMARY KEY)")
	last, read := time.Time{}, []int{}
	poll := func(want ...int) {
		t.Helper()
		ids, at := rowsAfter(t, c.Connect(t, 1), last)
		if !slices.Equal(ids, want) {
			t.Errorf("after %v come rows %v, want %v", last, ids, want)
		}
		last, read = at, append(read, ids...)
	}
	for round, leader := range []int{1, 2, 1} {
		lead(leader)
		late := c.Connect(t, without)
		first := 10 * round
		harness.Run(t, late, "BEGIN", fmt.Sprintf("INSERT INTO outbox VALUES (%d)", first))
		harness.Run(t, c.Connect(t, leader), fmt.Sprintf("INSERT INTO outbox VALUES (%d)", first+1))
		poll(first + 1)
		harness.Run(t, late, "COMMIT")
		poll(first)
	}

	// One that was away applies many at once, and still each in a transaction of its own.
	if err := c.Node(2).Pause(); err != nil {
		t.Fatal(err)
	}
	writer := c.Connect(t, 1)
	for id := 100; id < 140; id++ {
		harness.Run(t, writer, fmt.Sprintf("INSERT INTO outbox VALUES (%d)", id))
	}
	if err := c.Node(2).Continue(); err != nil {
		t.Fatal(err)
	}
	c.Ready(t)
	c.VerifyAll(t)
	want, _ := rowsAfter(t, c.Local(t, 1), time.Time{})
	if got, _ := rowsAfter(t, c.Local(t, 2), time.Time{}); !slices.Equal(got, want) || len(want) != 46 || !slices.Equal(want[:6], read) {
		t.Errorf("by commit time n2 has rows %v, n1 %v, and %v were read", got, want, read)
	}
	const times = "SELECT string_agg(id || ' ' || pg_xact_commit_timestamp(xmin)::text, ', ' ORDER BY id) FROM outbox"
	if n1, n2 := harness.One[string](t, c.Local(t, 1), times), harness.One[string](t, c.Local(t, 2), times); n1 != n2 {
		t.Errorf("n1 has the times %s, n2 %s", n1, n2)
	}
	const distinct = "SELECT count(DISTINCT pg_xact_commit_timestamp(xmin)) FROM outbox"
	if n := harness.One[int](t, c.Local(t, 2), distinct); n != 46 {
		t.Errorf("46 transactions have %d commit times", n)
	}
}

// rowsAfter returns the rows whose transactions were committed after a time, in the order of that, and the last of these times.
func rowsAfter(t *testing.T, conn *pgx.Conn, after time.Time) (ids []int, last time.Time) {
	t.Helper()
	last = after
	ctx := harness.Limited(t, harness.QueryLimit)
	rows, err := conn.Query(ctx, "SELECT id, pg_xact_commit_timestamp(xmin) FROM outbox WHERE pg_xact_commit_timestamp(xmin) > $1 ORDER BY 2", after)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		id := 0
		if err := rows.Scan(&id, &last); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	conn.Close(context.WithoutCancel(ctx))
	return ids, last
}
