package proxy

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
)

func testContext(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(stop)
	return ctx
}

func dsn(addr *net.TCPAddr) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", addr.Port)
}

// connectPgx connects through a proxy in front of a real server.
func connectPgx(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(testContext(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// A session that comes through the front door says so to the server.
func TestSessionSetting(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	conn := connectPgx(t, dsn(addr))
	var got string
	if err := conn.QueryRow(testContext(t), "show barista.session").Scan(&got); err != nil || got != "leader" {
		t.Errorf("barista.session is %q, %v", got, err)
	}
}

// Large results, pipelines and COPY in both directions pass unchanged, also when the client is slow to read.
func TestPgx(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	conn := connectPgx(t, dsn(addr))

	rows, err := conn.Query(ctx, "select i, repeat('x', 300) from generate_series(1, 50000) i")
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for rows.Next() {
		var i int
		var s string
		if err := rows.Scan(&i, &s); err != nil || i != next || len(s) != 300 {
			t.Fatalf("row %d: %d, %d bytes, %v", next, i, len(s), err)
		}
		next++
	}
	if rows.Err() != nil || next != 50001 {
		t.Fatalf("%d rows, %v", next-1, rows.Err())
	}

	var huge string
	if err := conn.QueryRow(ctx, "select repeat('y', 30000000)").Scan(&huge); err != nil || len(huge) != 30000000 {
		t.Fatalf("large value: %d bytes, %v", len(huge), err)
	}
	var length int
	if err := conn.QueryRow(ctx, "select length($1::text)", huge).Scan(&length); err != nil || length != len(huge) {
		t.Fatalf("large parameter: %d, %v", length, err)
	}

	if _, err := conn.Exec(ctx, "create temp table t (a int, b text)"); err != nil {
		t.Fatal(err)
	}
	const copied = 100000
	n, err := conn.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a", "b"}, pgx.CopyFromSlice(copied, func(i int) ([]any, error) {
		return []any{i, "row"}, nil
	}))
	if err != nil || n != copied {
		t.Fatalf("copy in: %d rows, %v", n, err)
	}
	var out bytes.Buffer
	if _, err := conn.PgConn().CopyTo(ctx, &out, "copy t to stdout"); err != nil || strings.Count(out.String(), "\n") != copied {
		t.Fatalf("copy out: %d rows, %v", strings.Count(out.String(), "\n"), err)
	}

	batch := &pgx.Batch{}
	for i := range 500 {
		batch.Queue("select $1::int", i)
	}
	results := conn.SendBatch(ctx, batch)
	for i := range 500 {
		var got int
		if err := results.QueryRow().Scan(&got); err != nil || got != i {
			t.Fatalf("batch %d: %d, %v", i, got, err)
		}
	}
	if err := results.Close(); err != nil {
		t.Fatal(err)
	}
}

// A pipeline with many Syncs in flight is answered in order.
func TestPipeline(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	conn := connectPgx(t, dsn(addr))
	pipeline := conn.PgConn().StartPipeline(ctx)
	for i := range 100 {
		pipeline.SendQueryParams("select $1::text", [][]byte{fmt.Append(nil, i)}, nil, nil, nil)
		if err := pipeline.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		result, err := pipeline.GetResults()
		if err != nil {
			t.Fatal(err)
		}
		read := result.(*pgconn.ResultReader).Read()
		if read.Err != nil || string(read.Rows[0][0]) != fmt.Sprint(i) {
			t.Fatalf("answer %d: %q, %v", i, read.Rows, read.Err)
		}
		if _, err := pipeline.GetResults(); err != nil {
			t.Fatal(err)
		}
	}
	if err := pipeline.Close(); err != nil {
		t.Fatal(err)
	}
}

// A cancel request ends the statement of the session whose key it carries.
func TestCancel(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	conn := connectPgx(t, dsn(addr))
	other := connectPgx(t, dsn(addr))
	failed := make(chan error, 1)
	go func() { // ends when the statement is cancelled
		_, err := conn.Exec(ctx, "select pg_sleep(50)")
		failed <- err
	}()
	for { // until the statement runs
		var n int
		if err := other.QueryRow(ctx, "select count(*) from pg_stat_activity where query = 'select pg_sleep(50)'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			break
		}
	}
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var pgErr *pgconn.PgError
	if err := <-failed; !errors.As(err, &pgErr) || pgErr.Code != "57014" {
		t.Errorf("the statement ended with %v", err)
	}
}

// NOTIFY reaches an idle listener, and what the server says at the end of a session is the last thing its client hears.
func TestNotifyAndTerminate(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	listener := connectPgx(t, dsn(addr))
	other := connectPgx(t, dsn(addr))
	if _, err := listener.Exec(ctx, "listen news"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(ctx, "notify news, 'latte'"); err != nil {
		t.Fatal(err)
	}
	news, err := listener.WaitForNotification(ctx)
	if err != nil || news.Payload != "latte" {
		t.Fatalf("%+v, %v", news, err)
	}
	if _, err := other.Exec(ctx, "select pg_terminate_backend($1)", int(listener.PgConn().PID())); err != nil {
		t.Fatal(err)
	}
	_, err = listener.WaitForNotification(ctx)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "57P01" || pgErr.File == "" {
		t.Errorf("the listener heard %v, not the server's own 57P01", err)
	}
}

// SCRAM passes through; a wrong password is refused in the server's own words.
func TestScram(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	admin := connectPgx(t, dsn(addr))
	if _, err := admin.Exec(ctx, "drop role if exists alice; create role alice login password 'mocha'"); err != nil {
		t.Fatal(err)
	}
	alice := fmt.Sprintf("postgres://alice:%%s@127.0.0.1:%d/postgres", addr.Port)
	var got string
	if err := connectPgx(t, fmt.Sprintf(alice, "mocha")).QueryRow(ctx, "select current_user").Scan(&got); err != nil || got != "alice" {
		t.Errorf("current_user is %q, %v", got, err)
	}
	_, err := pgx.Connect(ctx, fmt.Sprintf(alice, "decaf"))
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "28P01" {
		t.Errorf("wrong password: %v", err)
	}
}

// The other driver: prepared statements, a transaction, COPY, and a refusal it can read.
func TestLibPQ(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	db, err := sql.Open("postgres", dsn(addr)+"?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("create temp table c (a int)"); err != nil {
		t.Fatal(err)
	}
	stmt, err := tx.Prepare("copy c (a) from stdin")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if _, err := stmt.Exec(i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := stmt.Exec(); err != nil {
		t.Fatal(err)
	}
	if err := stmt.Close(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRow("select count(*) from c where a >= $1", 10).Scan(&n); err != nil || n != 990 {
		t.Fatalf("%d, %v", n, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	refused, err := sql.Open("postgres", fmt.Sprintf("postgres://barista@127.0.0.1:%d/postgres?sslmode=disable", addr.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	var pqErr *pq.Error
	if err := refused.PingContext(ctx); !errors.As(err, &pqErr) || pqErr.Code != "28000" {
		t.Errorf("role barista: %v", err)
	}
}

// psql asks for TLS first, copies through an extended session, and sees errors.
func TestPsql(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	run := func(input, parameters string) string {
		conninfo := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres %s", addr.Port, parameters)
		cmd := exec.CommandContext(testContext(t), binaries+"/psql", "-X", "-q", "-At", conninfo)
		cmd.Stdin = strings.NewReader(input)
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if got := run("create temp table p (a int);\n\\copy p from stdin\n1\n2\n\\.\nselect sum(a) from p;\ndo $$ begin raise notice 'warm'; end $$;\n", ""); got != "3\nNOTICE:  warm\n" {
		t.Errorf("psql printed %q", got)
	}
	if got := run("select 1", "options=-cbarista.session=local"); !strings.Contains(got, "cannot be set by a client") {
		t.Errorf("psql printed %q", got)
	}
	if got := run("select 1", "replication=database"); !strings.Contains(got, "replication connections are not supported") {
		t.Errorf("psql printed %q", got)
	}
}

// pgbench with eight prepared sessions and reconnections makes no error.
func TestPgbench(t *testing.T) {
	_, addr := startProxy(t, Options{Backends: realServer(t)})
	for _, args := range [][]string{
		{"-i", "-q", "-s", "1"},
		{"-M", "prepared", "-c", "8", "-t", "50"},
		{"-S", "-C", "-c", "4", "-t", "10"},
	} {
		args = append(args, "-h", "127.0.0.1", "-p", fmt.Sprint(addr.Port), "-U", "postgres", "postgres")
		cmd := exec.CommandContext(testContext(t), binaries+"/pgbench", args...)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "aborted") {
			t.Fatalf("pgbench %v: %v\n%s", args, err, out)
		}
	}
}

// When a client goes without a word, its backend goes too.
func TestClientVanishes(t *testing.T) {
	server, addr := startProxy(t, Options{Backends: realServer(t)})
	ctx := testContext(t)
	watch := connectPgx(t, dsn(addr))
	conn := connectPgx(t, dsn(addr)+"?application_name=ghost")
	conn.PgConn().Conn().(io.Closer).Close()
	for {
		var n int
		if err := watch.QueryRow(ctx, "select count(*) from pg_stat_activity where application_name = 'ghost'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 && server.Sessions() == 1 {
			return
		}
	}
}
