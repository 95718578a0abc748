package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/e2e/harness"
)

func TestSavepointsAndDeferredConstraints(t *testing.T) {
	// Savepoints roll back in part, deferred constraints are checked at the commit, and both leave the same rows everywhere.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, c.Follower(t))
	harness.Run(t, conn, "CREATE TABLE parents (k int PRIMARY KEY)",
		"CREATE TABLE children (k int PRIMARY KEY, p int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
		"BEGIN", "INSERT INTO children VALUES (1, 1)", // its parent comes later
		"SAVEPOINT a", "INSERT INTO children VALUES (2, 99)", "INSERT INTO parents VALUES (50)", "ROLLBACK TO a",
		"SAVEPOINT b", "INSERT INTO parents VALUES (1)", "RELEASE b", "COMMIT")
	harness.Run(t, conn, "BEGIN", "INSERT INTO children VALUES (3, 98)")
	if _, err := conn.Exec(harness.Limited(t, harness.QueryLimit), "COMMIT"); harness.Code(err) != "23503" {
		t.Errorf("a child without a parent: %v, want 23503 at COMMIT", err)
	}
	harness.Run(t, conn, "BEGIN", "SAVEPOINT s")
	if _, err := conn.Exec(harness.Limited(t, harness.QueryLimit), "INSERT INTO parents VALUES (1)"); harness.Code(err) != "23505" {
		t.Errorf("the same key again: %v, want 23505", err)
	}
	harness.Run(t, conn, "ROLLBACK TO s", "INSERT INTO parents VALUES (2)", "COMMIT")
	c.VerifyAll(t)
	for _, k := range c.All() {
		const held = "SELECT (SELECT array_agg(k ORDER BY k) FROM parents)::text || (SELECT array_agg(k ORDER BY k) FROM children)::text"
		if got := harness.One[string](t, c.Local(t, k), held); got != "{1,2}{1}" {
			t.Errorf("n%d holds %s, want {1,2}{1}", k, got)
		}
	}
}

func TestSerializableConflict(t *testing.T) {
	// Of two serializable transactions that conflict, though on different nodes' proxies, exactly one is refused with 40001.
	c := harness.SharedCluster(t)
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE doctors (name text PRIMARY KEY, on_call bool); INSERT INTO doctors VALUES ('a', true), ('b', true)")
	first, second := c.Connect(t, 1), c.Connect(t, 2)
	for conn, name := range map[*pgx.Conn]string{first: "a", second: "b"} {
		harness.Run(t, conn, "BEGIN ISOLATION LEVEL SERIALIZABLE")
		if n := harness.One[int](t, conn, "SELECT count(*) FROM doctors WHERE on_call"); n != 2 {
			t.Fatalf("%d are on call", n)
		}
		_ = name
	}
	refusals := 0
	for conn, name := range map[*pgx.Conn]string{first: "a", second: "b"} {
		_, err := conn.Exec(harness.Limited(t, harness.QueryLimit), "UPDATE doctors SET on_call = false WHERE name = $1", name)
		if err == nil {
			_, err = conn.Exec(harness.Limited(t, harness.QueryLimit), "COMMIT")
		}
		if got := harness.Code(err); got == "40001" {
			refusals++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refusals != 1 {
		t.Errorf("%d of two conflicting transactions were refused", refusals)
	}
	if n := harness.One[int](t, c.Connect(t, 3), "SELECT count(*) FROM doctors WHERE on_call"); n != 1 {
		t.Errorf("%d doctors are on call, want 1", n)
	}
	c.VerifyAll(t)
}

func TestTemporaryTables(t *testing.T) {
	// A transaction that uses temporary tables commits its other rows everywhere and nothing of those.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, c.Follower(t))
	harness.Run(t, conn, "CREATE TABLE lasting (k int PRIMARY KEY, v text)",
		"BEGIN", "CREATE TEMP TABLE passing (k int) ON COMMIT DROP", "INSERT INTO passing SELECT generate_series(1, 10)",
		"INSERT INTO lasting SELECT k, 'on commit drop' FROM passing", "COMMIT",
		"CREATE TEMP TABLE staying (k int)", "INSERT INTO staying VALUES (11)",
		"BEGIN", "UPDATE staying SET k = 12", "INSERT INTO lasting SELECT k, 'kept' FROM staying", "COMMIT",
		"CREATE TEMP TABLE emptied (k int) ON COMMIT DELETE ROWS",
		"BEGIN", "INSERT INTO emptied VALUES (13)", "INSERT INTO lasting SELECT k, 'emptied' FROM emptied", "COMMIT")
	if n := harness.One[int](t, conn, "SELECT (SELECT count(*) FROM staying) * 10 + (SELECT count(*) FROM emptied)"); n != 10 {
		t.Errorf("the temporary tables hold %d", n)
	}
	c.VerifyAll(t)
	for _, k := range c.All() {
		if n := harness.One[int](t, c.Local(t, k), "SELECT count(*) FROM lasting"); n != 12 {
			t.Errorf("n%d holds %d rows, want 12", k, n)
		}
		if n := harness.One[int](t, c.Local(t, k), "SELECT count(*) FROM pg_class WHERE relname IN ('passing')"); n != 0 {
			t.Errorf("n%d holds a temporary table", k)
		}
	}
}

func TestListenAndNotify(t *testing.T) {
	// A listener at one node hears, once and after the commit, what was notified through another.
	c := harness.SharedCluster(t)
	listener, notifier := c.Connect(t, 1), c.Connect(t, 2)
	harness.Run(t, listener, "LISTEN bell")
	harness.Run(t, notifier, "CREATE TABLE rung (k int)", "BEGIN", "NOTIFY bell, 'never'", "ROLLBACK",
		"BEGIN", "INSERT INTO rung VALUES (1)", "NOTIFY bell, 'with a row'", "COMMIT", "NOTIFY bell, 'alone'")
	for _, want := range []string{"with a row", "alone"} {
		heard, err := listener.WaitForNotification(harness.Limited(t, harness.QueryLimit))
		if err != nil {
			t.Fatal(err)
		}
		if heard.Channel != "bell" || heard.Payload != want {
			t.Errorf("heard %q on %s, want %q", heard.Payload, heard.Channel, want)
		}
	}
}

func TestCopyCursorsAndLargeResults(t *testing.T) {
	// COPY in and out, cursors, one transaction of 100,000 rows and its large result pass through a follower unharmed.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, c.Follower(t))
	const rows = 100_000
	harness.Run(t, conn, "CREATE TABLE copied (k int PRIMARY KEY, v text)", "CREATE TABLE bulk (k int PRIMARY KEY, v text)")
	var in strings.Builder
	for k := range rows {
		fmt.Fprintf(&in, "%d\trow %d ä\n", k, k)
	}
	tag, err := conn.PgConn().CopyFrom(harness.Limited(t, harness.ServeLimit), strings.NewReader(in.String()), "COPY copied FROM STDIN")
	if err != nil || tag.RowsAffected() != int64(rows) {
		t.Fatalf("COPY in: %v, %v", tag, err)
	}
	var out bytes.Buffer
	if _, err := conn.PgConn().CopyTo(harness.Limited(t, harness.ServeLimit), &out, "COPY (TABLE copied ORDER BY k) TO STDOUT"); err != nil {
		t.Fatal(err)
	}
	if out.String() != in.String() {
		t.Error("COPY out gives other rows than COPY in got")
	}
	if _, err := conn.PgConn().CopyFrom(harness.Limited(t, harness.ServeLimit), strings.NewReader("1\tagain\n"), "COPY copied FROM STDIN"); harness.Code(err) != "23505" {
		t.Errorf("COPY of a key that is there: %v", err)
	}
	if _, err := conn.Exec(harness.Limited(t, harness.ServeLimit), "INSERT INTO bulk SELECT g, repeat('x', 100) FROM generate_series(1, $1::int) g", rows); err != nil {
		t.Fatal(err)
	}
	read := 0
	result, err := conn.Query(harness.Limited(t, harness.ServeLimit), "SELECT k, v FROM bulk")
	if err != nil {
		t.Fatal(err)
	}
	var k int
	var v string
	if _, err := pgx.ForEachRow(result, []any{&k, &v}, func() error { read++; return nil }); err != nil || read != rows {
		t.Errorf("read %d of %d rows: %v", read, rows, err)
	}
	harness.Run(t, conn, "BEGIN", "DECLARE slow CURSOR FOR SELECT k FROM bulk ORDER BY k", "UPDATE bulk SET v = 'changed' WHERE k <= 10")
	fetched := 0
	for {
		batch, err := conn.Query(harness.Limited(t, harness.QueryLimit), "FETCH 999 FROM slow")
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(batch, pgx.RowTo[int])
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		fetched += len(got)
	}
	if fetched != rows {
		t.Errorf("the cursor gave %d of %d rows", fetched, rows)
	}
	harness.Run(t, conn, "COMMIT", "UPDATE bulk SET v = v || '!'", "DELETE FROM bulk WHERE k % 2 = 0")
	c.VerifyAll(t)
}

func TestPipelineBatchesAndNotices(t *testing.T) {
	// Pipelined statements, a batch that fails in the middle, and notices come through in their order.
	c := harness.SharedCluster(t)
	config, err := pgx.ParseConfig(c.URL(c.Follower(t)))
	if err != nil {
		t.Fatal(err)
	}
	notices := make(chan string, 10)
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notices <- n.Message }
	conn, err := pgx.ConnectConfig(harness.Limited(t, harness.QueryLimit), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	harness.Run(t, conn, "CREATE TABLE piped (k int PRIMARY KEY)", "DO $$ BEGIN RAISE NOTICE 'steam'; END $$")
	if got := <-notices; got != "steam" {
		t.Errorf("notice %q", got)
	}
	const statements = 200
	var batch pgx.Batch
	for k := range statements {
		batch.Queue("INSERT INTO piped VALUES ($1)", k)
	}
	if err := conn.SendBatch(harness.Limited(t, harness.QueryLimit), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	var failing pgx.Batch
	failing.Queue("INSERT INTO piped VALUES (1001)")
	failing.Queue("INSERT INTO piped VALUES (1)")
	failing.Queue("INSERT INTO piped VALUES (1002)")
	if err := conn.SendBatch(harness.Limited(t, harness.QueryLimit), &failing).Close(); harness.Code(err) != "23505" {
		t.Errorf("a batch with the same key again: %v", err)
	}
	pipeline := conn.PgConn().StartPipeline(harness.Limited(t, harness.QueryLimit))
	for k := range statements {
		pipeline.SendQueryParams(fmt.Sprintf("INSERT INTO piped VALUES (%d)", 2000+k), nil, nil, nil, nil)
		if err := pipeline.Sync(); err != nil { // each a transaction of its own
			t.Fatal(err)
		}
	}
	if err := pipeline.Close(); err != nil {
		t.Fatal(err)
	}
	if n := harness.One[int](t, conn, "SELECT count(*) FROM piped"); n != 2*statements {
		t.Errorf("%d rows, want %d", n, 2*statements)
	}
	c.VerifyAll(t)
}

func TestCancel(t *testing.T) {
	// A cancel request through any node ends a statement that runs on the leader, and the session goes on.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, c.Follower(t))
	ended := make(chan error, 1)
	ctx := harness.Limited(t, harness.QueryLimit)
	go func() { // bounded by ctx
		_, err := conn.Exec(ctx, "SELECT pg_sleep(25)")
		ended <- err
	}()
	var told error
	harness.Await(t, harness.QueryLimit, "the statement to be cancelled", func(ctx context.Context) error {
		select {
		case told = <-ended:
			return nil
		default:
		}
		return errors.Join(errors.New("it runs"), conn.PgConn().CancelRequest(ctx))
	})
	if harness.Code(told) != "57014" {
		t.Errorf("the cancelled statement: %v", told)
	}
	// A cancel request that came late may still meet the next statement.
	harness.Await(t, harness.QueryLimit, "the session to go on", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, "SELECT 1")
		return err
	})
}
