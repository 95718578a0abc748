package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/postgrestest"
)

func TestAnalyzeLive(t *testing.T) {
	// --dsn reads the schema of a live database, functions too, and --from-stats its statements with their calls.
	s := postgrestest.Start(t, map[string]string{"shared_buffers": "8MB", "shared_preload_libraries": "pg_stat_statements"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, postgrestest.ConnConfig(s))
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
	dsn := fmt.Sprintf("host=%s port=%d user=%s dbname=%s", filepath.Dir(s.SocketPath()), postgres.Port, postgrestest.ConnConfig(s).User, postgrestest.ConnConfig(s).Database)
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
