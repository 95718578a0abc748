// Package postgrestest starts a real PostgreSQL, without Barista, for tests that need one to ask. It is no part of the product.
package postgrestest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/postgres"
)

const bin = "/usr/lib/postgresql/15/bin"

// ConnConfig is how an application connects to such a server, as the superuser postgres: with the server's own settings, and not with those of Barista's
// sessions.
func ConnConfig(s *postgres.Server) *pgx.ConnConfig {
	c := s.ConnConfig()
	clear(c.RuntimeParams)
	c.User = "postgres"
	return c
}

// Start starts a plain server with the given settings in a folder of the test, with which it ends. It skips the test where there is no
// PostgreSQL, or no user that may run it, and with -short.
func Start(t *testing.T, settings map[string]string) *postgres.Server {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server")
	}
	runs, err := account.Lookup("")
	if err != nil {
		t.Skipf("needs a user that may run PostgreSQL: %v", err)
	}
	if _, err := os.Stat(bin); err != nil {
		t.Skip("needs PostgreSQL 15")
	}
	above := t.TempDir()
	for _, path := range []string{filepath.Dir(above), above} {
		if err := os.Chmod(path, 0o755); err != nil { // the server's user must come in
			t.Fatal(err)
		}
	}
	dir := filepath.Join(above, "n")
	if err := errors.Join(os.Mkdir(dir, 0o755), runs.Give(dir, nil)); err != nil {
		t.Fatal(err)
	}
	c := postgres.Config{
		Name: "barista-test", Bin: bin, Account: runs, Auth: config.Trust, Settings: settings,
		DataDir: filepath.Join(dir, "pgdata"), SockDir: filepath.Join(dir, "sock"), LogFile: filepath.Join(dir, "server.log"),
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
