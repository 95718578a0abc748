package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sqlFile writes a file of SQL for a test.
func sqlFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.sql")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	freeSQL    = "CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int);\n-- transaction: free\nINSERT INTO t (n) VALUES (:n);\nCOMMIT;\n"
	neededSQL  = freeSQL + "-- transaction: chosen\nINSERT INTO t (id) VALUES (:id);\nCOMMIT;\n"
	unknownSQL = freeSQL + "-- transaction: strange\nSELECT f(1);\nCOMMIT;\n"
)

func TestAnalyze(t *testing.T) {
	// The lines name place and transaction; the exit status is 0, 1 with --fail-on, or 2 for unusable input.
	for name, c := range map[string]struct {
		text string
		args []string
		exit int
		out  string
	}{
		"nothing needed":        {freeSQL, []string{"--fail-on", "unknown"}, 0, "none for 100.0 %"},
		"needed":                {neededSQL, nil, 0, "app.sql:6:1: warning: t.id requires coordination: INSERT in chosen"},
		"fail on needed":        {neededSQL, []string{"--fail-on", "needed"}, 1, "requires coordination"},
		"unknown is not needed": {unknownSQL, []string{"--fail-on=needed"}, 0, "unknown, treated as needing coordination"},
		"fail on unknown":       {unknownSQL, []string{"--fail-on", "unknown"}, 1, "what function f does is not known"},
		"syntax error":          {freeSQL + "CREATE TABEL x;", []string{"--fail-on", "needed"}, 2, `app.sql:5:8: error: syntax error at or near "TABEL"`},
		"nothing there":         {"SELECT 1;", nil, 2, "statements outside of a transaction"},
		"examples":              {neededSQL, []string{"--explain", "--quiet"}, 0, "INSERT INTO t (id) VALUES ('00000000-0000-0000-0000-000000000001');"},
		"mix":                   {neededSQL, []string{"--mix", "free=3,chosen=1"}, 0, "none for 75.0 %"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"analyze", sqlFile(t, c.text)}, c.args...)
			if exit := conclude(dispatch(t.Context(), args, &stdout), &stderr); exit != c.exit || !strings.Contains(stdout.String(), c.out) {
				t.Errorf("status %d, stdout %q, stderr %q; want %d and %q", exit, &stdout, &stderr, c.exit, c.out)
			}
		})
	}
}

func TestAnalyzeWritesReports(t *testing.T) {
	// --json goes to stdout, SARIF and HTML to their files, all in one run.
	dir := t.TempDir()
	sarif, html := filepath.Join(dir, "r.sarif"), filepath.Join(dir, "r.html")
	var stdout bytes.Buffer
	if err := dispatch(t.Context(), []string{"analyze", "--json", "--sarif", sarif, "--html", html, sqlFile(t, neededSQL)}, &stdout); err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(sarif)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"json": stdout.Bytes(), "sarif": onDisk} {
		var any map[string]any
		if err := json.Unmarshal(data, &any); err != nil || len(any) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page, err := os.ReadFile(html); err != nil || !bytes.HasPrefix(page, []byte("<!DOCTYPE html>")) {
		t.Errorf("html: %v, %.40q", err, page)
	}
}

func TestAnalyzeMistakes(t *testing.T) {
	// A wrong argument is one clear line and exit status 2.
	file := sqlFile(t, freeSQL)
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "name SQL files"},
		{[]string{filepath.Join(t.TempDir(), "absent.sql")}, "no such file"},
		{[]string{t.TempDir()}, "directory"},
		{[]string{file, "--fail-on", "everything"}, "want needed or unknown"},
		{[]string{file, "--mix", "free"}, "want NAME=N"},
		{[]string{file, "--mix", "free=-1"}, "want NAME=N"},
		{[]string{file, "--from-stats"}, "--from-stats needs --dsn"},
		{[]string{file, "--dsn", "postgres://%"}, "--dsn"},
		{[]string{file, "--html", filepath.Join(t.TempDir(), "no", "where.html")}, "where.html"},
		{[]string{file, "--frob"}, "frob"},
	} {
		var stderr bytes.Buffer
		status := conclude(dispatch(t.Context(), append([]string{"analyze"}, c.args...), &bytes.Buffer{}), &stderr)
		if status != 2 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%q: status %d, stderr %q; want 2 and one line with %q", c.args, status, &stderr, c.want)
		}
	}
}
