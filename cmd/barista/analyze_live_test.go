package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/postgres"
)

// liveServer starts a plain server with pg_stat_statements, or skips the test where there is no PostgreSQL.
func liveServer(t *testing.T) *postgres.Server {
	t.Helper()
	account, err := postgres.LookupAccount("")
	if err != nil {
		t.Skipf("needs a user that may run PostgreSQL: %v", err)
	}
	const bin = "/usr/lib/postgresql/15/bin"
	if _, err := os.Stat(bin); err != nil {
		t.Skip("needs PostgreSQL 15")
	}
	dir := t.TempDir()
	for _, path := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := postgres.Config{
		Name: "barista-test", Bin: bin, Account: account, DataDir: filepath.Join(dir, "pgdata"), SockDir: filepath.Join(dir, "sock"),
		LogFile: filepath.Join(dir, "server.log"), Auth: config.Trust,
		Settings: map[string]string{"shared_buffers": "8MB", "shared_preload_libraries": "pg_stat_statements"},
	}
	t.Cleanup(func() {
		if err := postgres.KillStale(context.Background(), c.DataDir); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Init(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := c.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func TestAnalyzeLive(t *testing.T) {
	// --dsn reads the schema of a live database, functions too, and --from-stats its statements with their calls.
	s := liveServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.ConnConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec("CREATE EXTENSION pg_stat_statements")
	exec("CREATE TABLE accounts (id serial PRIMARY KEY, owner text UNIQUE, balance numeric NOT NULL CHECK (balance >= 0))")
	exec("CREATE TABLE entries (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), account int NOT NULL REFERENCES accounts ON DELETE CASCADE)")
	exec("CREATE FUNCTION withdraw(account int, amount numeric) RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n UPDATE accounts SET balance = balance - amount WHERE id = account;\nEND $$")
	exec("INSERT INTO accounts (owner, balance) VALUES ($1, 100)", "Laura")
	for range 3 {
		exec("INSERT INTO entries (account) VALUES ($1)", 1)
	}
	var stdout, stderr bytes.Buffer
	dsn := fmt.Sprintf("host=%s port=%d user=%s dbname=%s", filepath.Dir(s.SocketPath()), postgres.Port, s.ConnConfig().User, s.ConnConfig().Database)
	if status := conclude(dispatch(ctx, []string{"analyze", "--dsn", dsn, "--from-stats"}, &stdout), &stderr); status != 0 {
		t.Fatalf("status %d: %s%s", status, &stderr, &stdout)
	}
	for _, want := range []string{
		"accounts.balance requires coordination: UPDATE in withdraw", "accounts.id requires coordination: INSERT in q", "accounts.owner requires coordination: INSERT in q",
		"foreign key entries_account_fkey on entries", "(by the given weights)",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the report does not have %q:\n%s", want, &stdout)
		}
	}
	if strings.Contains(stdout.String(), "error:") {
		t.Errorf("the dumped schema is not read without errors:\n%s", &stdout)
	}
}

func TestAnalyzeDeadDatabase(t *testing.T) {
	// A database that does not answer is a failure that names what was tried.
	var stderr bytes.Buffer
	args := []string{"analyze", "--dsn", "host=" + t.TempDir() + " dbname=nothing"}
	if status := conclude(dispatch(t.Context(), args, &bytes.Buffer{}), &stderr); status != 1 || !strings.Contains(stderr.String(), "read the schema") {
		t.Errorf("status %d, %q", status, &stderr)
	}
}
