package e2e

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
)

func TestSavepointsAndDeferredConstraints(t *testing.T) {
	// Savepoints roll back in part, deferred constraints are checked at the commit, and both leave the same rows everywhere.
	c := sharedCluster(t)
	conn := c.connect(t, c.follower(t))
	run(t, conn, "CREATE TABLE parents (k int PRIMARY KEY)",
		"CREATE TABLE children (k int PRIMARY KEY, p int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
		"BEGIN", "INSERT INTO children VALUES (1, 1)", // its parent comes later
		"SAVEPOINT a", "INSERT INTO children VALUES (2, 99)", "INSERT INTO parents VALUES (50)", "ROLLBACK TO a",
		"SAVEPOINT b", "INSERT INTO parents VALUES (1)", "RELEASE b", "COMMIT")
	run(t, conn, "BEGIN", "INSERT INTO children VALUES (3, 98)")
	if _, err := conn.Exec(limited(t, queryLimit), "COMMIT"); code(err) != "23503" {
		t.Errorf("a child without a parent: %v, want 23503 at COMMIT", err)
	}
	run(t, conn, "BEGIN", "SAVEPOINT s")
	if _, err := conn.Exec(limited(t, queryLimit), "INSERT INTO parents VALUES (1)"); code(err) != "23505" {
		t.Errorf("the same key again: %v, want 23505", err)
	}
	run(t, conn, "ROLLBACK TO s", "INSERT INTO parents VALUES (2)", "COMMIT")
	c.verifyAll(t)
	for _, k := range c.all() {
		const held = "SELECT (SELECT array_agg(k ORDER BY k) FROM parents)::text || (SELECT array_agg(k ORDER BY k) FROM children)::text"
		if got := one[string](t, c.local(t, k), held); got != "{1,2}{1}" {
			t.Errorf("n%d holds %s, want {1,2}{1}", k, got)
		}
	}
}

func TestSerializableConflict(t *testing.T) {
	// Of two serializable transactions that conflict, though on different nodes' proxies, exactly one is refused with 40001.
	c := sharedCluster(t)
	run(t, c.connect(t, 1), "CREATE TABLE doctors (name text PRIMARY KEY, on_call bool); INSERT INTO doctors VALUES ('a', true), ('b', true)")
	first, second := c.connect(t, 1), c.connect(t, 2)
	for conn, name := range map[*pgx.Conn]string{first: "a", second: "b"} {
		run(t, conn, "BEGIN ISOLATION LEVEL SERIALIZABLE")
		if n := one[int](t, conn, "SELECT count(*) FROM doctors WHERE on_call"); n != 2 {
			t.Fatalf("%d are on call", n)
		}
		_ = name
	}
	refusals := 0
	for conn, name := range map[*pgx.Conn]string{first: "a", second: "b"} {
		_, err := conn.Exec(limited(t, queryLimit), "UPDATE doctors SET on_call = false WHERE name = $1", name)
		if err == nil {
			_, err = conn.Exec(limited(t, queryLimit), "COMMIT")
		}
		if got := code(err); got == "40001" {
			refusals++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refusals != 1 {
		t.Errorf("%d of two conflicting transactions were refused", refusals)
	}
	if n := one[int](t, c.connect(t, 3), "SELECT count(*) FROM doctors WHERE on_call"); n != 1 {
		t.Errorf("%d doctors are on call, want 1", n)
	}
	c.verifyAll(t)
}

func TestTemporaryTables(t *testing.T) {
	// A transaction that uses temporary tables commits its other rows everywhere and nothing of those.
	c := sharedCluster(t)
	conn := c.connect(t, c.follower(t))
	run(t, conn, "CREATE TABLE lasting (k int PRIMARY KEY, v text)",
		"BEGIN", "CREATE TEMP TABLE passing (k int) ON COMMIT DROP", "INSERT INTO passing SELECT generate_series(1, 10)",
		"INSERT INTO lasting SELECT k, 'on commit drop' FROM passing", "COMMIT",
		"CREATE TEMP TABLE staying (k int)", "INSERT INTO staying VALUES (11)",
		"BEGIN", "UPDATE staying SET k = 12", "INSERT INTO lasting SELECT k, 'kept' FROM staying", "COMMIT",
		"CREATE TEMP TABLE emptied (k int) ON COMMIT DELETE ROWS",
		"BEGIN", "INSERT INTO emptied VALUES (13)", "INSERT INTO lasting SELECT k, 'emptied' FROM emptied", "COMMIT")
	if n := one[int](t, conn, "SELECT (SELECT count(*) FROM staying) * 10 + (SELECT count(*) FROM emptied)"); n != 10 {
		t.Errorf("the temporary tables hold %d", n)
	}
	c.verifyAll(t)
	for _, k := range c.all() {
		if n := one[int](t, c.local(t, k), "SELECT count(*) FROM lasting"); n != 12 {
			t.Errorf("n%d holds %d rows, want 12", k, n)
		}
		if n := one[int](t, c.local(t, k), "SELECT count(*) FROM pg_class WHERE relname IN ('passing')"); n != 0 {
			t.Errorf("n%d holds a temporary table", k)
		}
	}
}

func TestListenAndNotify(t *testing.T) {
	// A listener at one node hears, once and after the commit, what was notified through another.
	c := sharedCluster(t)
	listener, notifier := c.connect(t, 1), c.connect(t, 2)
	run(t, listener, "LISTEN bell")
	run(t, notifier, "CREATE TABLE rung (k int)", "BEGIN", "NOTIFY bell, 'never'", "ROLLBACK",
		"BEGIN", "INSERT INTO rung VALUES (1)", "NOTIFY bell, 'with a row'", "COMMIT", "NOTIFY bell, 'alone'")
	for _, want := range []string{"with a row", "alone"} {
		heard, err := listener.WaitForNotification(limited(t, queryLimit))
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
	c := sharedCluster(t)
	conn := c.connect(t, c.follower(t))
	rows := 100_000
	if testing.Short() {
		rows = 10_000
	}
	run(t, conn, "CREATE TABLE copied (k int PRIMARY KEY, v text)", "CREATE TABLE bulk (k int PRIMARY KEY, v text)")
	var in strings.Builder
	for k := range rows {
		fmt.Fprintf(&in, "%d\trow %d ä\n", k, k)
	}
	tag, err := conn.PgConn().CopyFrom(limited(t, serveLimit), strings.NewReader(in.String()), "COPY copied FROM STDIN")
	if err != nil || tag.RowsAffected() != int64(rows) {
		t.Fatalf("COPY in: %v, %v", tag, err)
	}
	var out bytes.Buffer
	if _, err := conn.PgConn().CopyTo(limited(t, serveLimit), &out, "COPY (TABLE copied ORDER BY k) TO STDOUT"); err != nil {
		t.Fatal(err)
	}
	if out.String() != in.String() {
		t.Error("COPY out gives other rows than COPY in got")
	}
	if _, err := conn.PgConn().CopyFrom(limited(t, serveLimit), strings.NewReader("1\tagain\n"), "COPY copied FROM STDIN"); code(err) != "23505" {
		t.Errorf("COPY of a key that is there: %v", err)
	}
	if _, err := conn.Exec(limited(t, serveLimit), "INSERT INTO bulk SELECT g, repeat('x', 100) FROM generate_series(1, $1::int) g", rows); err != nil {
		t.Fatal(err)
	}
	read := 0
	result, err := conn.Query(limited(t, serveLimit), "SELECT k, v FROM bulk")
	if err != nil {
		t.Fatal(err)
	}
	var k int
	var v string
	if _, err := pgx.ForEachRow(result, []any{&k, &v}, func() error { read++; return nil }); err != nil || read != rows {
		t.Errorf("read %d of %d rows: %v", read, rows, err)
	}
	run(t, conn, "BEGIN", "DECLARE slow CURSOR FOR SELECT k FROM bulk ORDER BY k", "UPDATE bulk SET v = 'changed' WHERE k <= 10")
	fetched := 0
	for {
		batch, err := conn.Query(limited(t, queryLimit), "FETCH 999 FROM slow")
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
	run(t, conn, "COMMIT", "UPDATE bulk SET v = v || '!'", "DELETE FROM bulk WHERE k % 2 = 0")
	c.verifyAll(t)
}

func TestPipelineBatchesAndNotices(t *testing.T) {
	// Pipelined statements, a batch that fails in the middle, and notices come through in their order.
	c := sharedCluster(t)
	config, err := pgx.ParseConfig(c.url(c.follower(t)))
	if err != nil {
		t.Fatal(err)
	}
	notices := make(chan string, 10)
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notices <- n.Message }
	conn, err := pgx.ConnectConfig(limited(t, queryLimit), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	run(t, conn, "CREATE TABLE piped (k int PRIMARY KEY)", "DO $$ BEGIN RAISE NOTICE 'steam'; END $$")
	if got := <-notices; got != "steam" {
		t.Errorf("notice %q", got)
	}
	const statements = 200
	var batch pgx.Batch
	for k := range statements {
		batch.Queue("INSERT INTO piped VALUES ($1)", k)
	}
	if err := conn.SendBatch(limited(t, queryLimit), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	var failing pgx.Batch
	failing.Queue("INSERT INTO piped VALUES (1001)")
	failing.Queue("INSERT INTO piped VALUES (1)")
	failing.Queue("INSERT INTO piped VALUES (1002)")
	if err := conn.SendBatch(limited(t, queryLimit), &failing).Close(); code(err) != "23505" {
		t.Errorf("a batch with the same key again: %v", err)
	}
	pipeline := conn.PgConn().StartPipeline(limited(t, queryLimit))
	for k := range statements {
		pipeline.SendQueryParams(fmt.Sprintf("INSERT INTO piped VALUES (%d)", 2000+k), nil, nil, nil, nil)
		if err := pipeline.Sync(); err != nil { // each a transaction of its own
			t.Fatal(err)
		}
	}
	if err := pipeline.Close(); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, conn, "SELECT count(*) FROM piped"); n != 2*statements {
		t.Errorf("%d rows, want %d", n, 2*statements)
	}
	c.verifyAll(t)
}

func TestCancel(t *testing.T) {
	// A cancel request through any node ends a statement that runs on the leader, and the session goes on.
	c := sharedCluster(t)
	conn := c.connect(t, c.follower(t))
	ended := make(chan error, 1)
	ctx := limited(t, queryLimit)
	go func() { // bounded by ctx
		_, err := conn.Exec(ctx, "SELECT pg_sleep(25)")
		ended <- err
	}()
	var told error
	await(t, queryLimit, "the statement to be cancelled", func(ctx context.Context) error {
		select {
		case told = <-ended:
			return nil
		default:
		}
		return errors.Join(errors.New("it runs"), conn.PgConn().CancelRequest(ctx))
	})
	if code(told) != "57014" {
		t.Errorf("the cancelled statement: %v", told)
	}
	// A cancel request that came late may still meet the next statement.
	await(t, queryLimit, "the session to go on", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, "SELECT 1")
		return err
	})
}
