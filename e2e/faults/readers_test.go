package faults

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
)

// leaderChanges is how often the leader changes under the readers, by turns by a hand-over and by a death.
const leaderChanges = 4

// readersByTransactionID shows that two readers miss no row over changes of leader: one goes through an outbox in the order of transaction ids, up to the
// oldest that runs; the other asks for all rows with an xmin that is not below its last watermark. Transactions that are long, or roll back, run meanwhile.
func readersByTransactionID(t *testing.T, c *harness.Cluster) {
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE outbox (id bigserial PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), v int)")
	writing, stopWriting := context.WithCancel(t.Context())
	defer stopWriting()
	var writers, readers sync.WaitGroup
	var begun atomic.Int64
	for k := range 4 {
		writers.Go(func() {
			again(writing, c.URL(k%3+1), func(conn *pgx.Conn) error { return writeOutbox(writing, conn, begun.Add(1)) })
		}) // ends with writing
	}
	reading, stopReading := context.WithCancel(t.Context())
	defer stopReading()
	both := []*idReader{
		{query: "SELECT id, xid::text::bigint, id FROM outbox WHERE (xid, id) > ($1::bigint::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id"},
		{query: "SELECT id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, $2::bigint FROM outbox WHERE xmin::text::bigint >= $1"},
	}
	for _, r := range both {
		r.seen = make(map[int64]bool)
		readers.Go(func() { again(reading, c.URL(1), func(conn *pgx.Conn) error { return r.read(reading, conn) }) }) // ends with reading
	}

	for n := range leaderChanges {
		from := begun.Load()
		harness.Await(t, harness.ServeLimit, "100 more transactions", func(context.Context) error {
			if now := begun.Load(); now < from+100 {
				return fmt.Errorf("there are %d", now-from)
			}
			return nil
		})
		leader := c.AwaitLeader(t)
		if n%2 == 0 {
			if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(leader).Config.HTTP); status != 0 {
				t.Fatalf("barista transfer: status %d: %s", status, errs)
			}
			continue
		}
		if err := c.Node(leader).Kill9(); err != nil {
			t.Fatal(err)
		}
		c.AwaitLeader(t)
		c.Restart(t, leader)
	}
	stopWriting()
	writers.Wait()

	var rows []int64
	harness.Await(t, harness.ServeLimit, "all rows", func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, c.URL(1))
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		all, err := conn.Query(ctx, "SELECT id FROM outbox")
		if err == nil {
			rows, err = pgx.CollectRows(all, pgx.RowTo[int64])
		}
		return err
	})
	for k, r := range both {
		harness.Await(t, harness.ServeLimit, fmt.Sprintf("reader %d to have every row", k+1), func(context.Context) error { return r.complete(rows) })
	}
	stopReading()
	readers.Wait()
	t.Logf("%d rows of %d transactions", len(rows), begun.Load())
}

// again connects, and again after each error, until ctx ends.
func again(ctx context.Context, url string, use func(*pgx.Conn) error) {
	for ctx.Err() == nil {
		conn, err := pgx.Connect(ctx, url)
		for err == nil && ctx.Err() == nil {
			err = use(conn)
		}
		if conn != nil {
			conn.Close(context.WithoutCancel(ctx))
		}
	}
}

// writeOutbox writes rows in a transaction that takes its id before others, and ends after them.
func writeOutbox(ctx context.Context, conn *pgx.Conn, n int64) error {
	statements := []string{"BEGIN", "INSERT INTO outbox (v) VALUES (1)"}
	for range n % 7 {
		statements = append(statements, "SELECT 1")
	}
	end := "COMMIT"
	if n%5 == 0 {
		end = "ROLLBACK"
	}
	for _, statement := range append(statements, "INSERT INTO outbox (v) VALUES (2)", end) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// idReader reads rows behind what it has read before, in whatever session.
type idReader struct {
	query  string // gives rows by the last two values, and those of the next time with each row
	id, at int64  // the last two values

	mu   sync.Mutex // guards seen
	seen map[int64]bool
}

func (r *idReader) read(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, r.query, r.id, r.at)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, at, row := r.id, r.at, int64(0)
	_, err = pgx.ForEachRow(rows, []any{&row, &id, &at}, func() error {
		r.seen[row] = true
		return nil
	})
	if err == nil {
		r.id, r.at = id, at
	}
	return err
}

// complete says what the reader has missed.
func (r *idReader) complete(rows []int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	missed := 0
	for _, id := range rows {
		if !r.seen[id] {
			missed++
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d rows were not seen", missed, len(rows))
	}
	return nil
}
