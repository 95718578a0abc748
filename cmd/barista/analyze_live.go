package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/confluence"
)

// liveSources reads the schema of a live database, with pg_dump, and, if asked, its statements.
func liveSources(ctx context.Context, dsn string, statements bool) ([]confluence.Source, error) {
	if _, err := pgx.ParseConfig(dsn); err != nil {
		return nil, config.Mistakef("analyze: --dsn: %w", err)
	}
	schema, err := dumpSchema(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("analyze: read the schema: %w", err)
	}
	sources := []confluence.Source{{Name: "schema of --dsn", Text: schema}}
	if !statements {
		return sources, nil
	}
	text, err := statementsOf(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("analyze: read pg_stat_statements: %w", err)
	}
	return append(sources, confluence.Source{Name: "pg_stat_statements", Text: text}), nil
}

// dumpSchema runs pg_dump --schema-only.
func dumpSchema(ctx context.Context, dsn string) (string, error) {
	program, err := exec.LookPath("pg_dump")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
		if len(found) == 0 {
			return "", config.Mistakef("pg_dump is not installed: it comes with PostgreSQL's client programs")
		}
		program = found[len(found)-1]
	}
	cmd := exec.CommandContext(ctx, program, "--schema-only", "--no-owner", "--no-privileges", "--dbname", dsn)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", errors.Join(err, errors.New(strings.TrimSpace(stderr.String())))
	}
	return stdout.String(), nil
}

// maxStatements limits how many statements are taken from pg_stat_statements: those that ran most often.
const maxStatements = 5000

// statementsOf writes the statements of pg_stat_statements as annotated transactions, one each: the view does not
// say which statements committed together.
func statementsOf(ctx context.Context, dsn string) (string, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT queryid::text, calls::text, query FROM pg_stat_statements
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND query ~* '^\s*(insert|update|delete|merge|call|with|select)' AND query !~* 'pg_stat_statements'
		ORDER BY calls DESC, queryid LIMIT $1`, maxStatements)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	var id, calls, query string
	_, err = pgx.ForEachRow(rows, []any{&id, &calls, &query}, func() error {
		fmt.Fprintf(&text, "-- transaction: q%s\n-- weight: %s\n%s;\nCOMMIT;\n", id, calls, query)
		return nil
	})
	return text.String(), err
}
