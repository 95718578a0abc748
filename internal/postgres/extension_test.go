package postgres

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// withExtension is plain with the built extension; the test is skipped if there is none.
func withExtension(t *testing.T) Config {
	t.Helper()
	extension, err := ReadExtension("../../extension")
	if err != nil {
		t.Skipf("needs the extension, which make extension builds: %v", err)
	}
	c := plain(t)
	c.Extension, c.LibDir = extension, filepath.Join(filepath.Dir(c.DataDir), "lib")
	return c
}

func TestExtension(t *testing.T) {
	// A cluster's first server has the extension in both databases. It finds its mapped file and gate, and with the gate closed lets nobody write, not even a superuser on
	// its own socket. Started without them, as by hand, it lets nobody write either.
	c := withExtension(t)
	if err := c.Init(bounded(t)); err != nil {
		t.Fatal(err)
	}
	c.SharedFile, c.GateSocket = filepath.Join(c.SockDir, "shared"), filepath.Join(c.SockDir, "gate")
	if err := c.PrepareFolders(); err != nil {
		t.Fatal(err)
	}
	var gate net.Listener
	err := c.Account.As(func() (err error) {
		gate, err = net.Listen("unix", c.GateSocket)
		return errors.Join(err, os.WriteFile(c.SharedFile, closedGate(), 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	s := start(t, c)
	defer s.Kill()
	if got := ask(t, s, "SHOW barista.shared_file"); got != c.SharedFile {
		t.Errorf("barista.shared_file is %q", got)
	}
	for _, database := range []string{"template1", "postgres"} {
		hasExtension(t, s, database)
	}
	refuses(t, s)
	if err := s.Stop(bounded(t)); err != nil {
		t.Fatal(err)
	}

	byHand := c
	byHand.Extension = nil
	byHand.Settings = map[string]string{"shared_preload_libraries": "barista", "dynamic_library_path": c.LibDir + ":$libdir"}
	s = start(t, byHand)
	defer s.Kill()
	refuses(t, s)
}

// hasExtension checks that the database has the extension's functions, without a path in them, and the origin.
func hasExtension(t *testing.T, s *Server, database string) {
	t.Helper()
	ctx := bounded(t)
	connect := s.ConnConfig()
	connect.Database = database
	conn, err := pgx.ConnectConfig(ctx, connect)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var functions int
	var library, origin string
	err = conn.QueryRow(ctx, `SELECT count(*), min(probin), (SELECT max(roname) FROM pg_replication_origin) FROM pg_proc
		WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN ('barista_apply', 'barista_capture', 'barista_start')`,
	).Scan(&functions, &library, &origin)
	if err != nil || functions != 3 || library != "barista" || origin != "barista" {
		t.Errorf("database %s: %d functions in %q, origin %q, %v; want 3 in barista, origin barista", database, functions, library, origin, err)
	}
}

// closedGate is a mapped file as a new start of a server finds it.
func closedGate() []byte {
	file := make([]byte, 4096)
	copy(file, "BARISTA1")
	for offset, value := range map[int]uint64{8: 1, 24: 1, 56: 1} { // start id, closed, node
		binary.NativeEndian.PutUint64(file[offset:], value)
	}
	return file
}

// refuses checks that a superuser on the server's own socket cannot write.
func refuses(t *testing.T, s *Server) {
	t.Helper()
	ctx := bounded(t)
	connect := s.ConnConfig()
	connect.User = "postgres"
	delete(connect.RuntimeParams, "barista.session")
	conn, err := pgx.ConnectConfig(ctx, connect)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE sneaked ()")
	if answer, found := errors.AsType[*pgconn.PgError](err); !found || answer.Code != "25006" {
		t.Errorf("a superuser's CREATE TABLE with a closed gate: %v; want 25006", err)
	}
}

func TestBootstrapFails(t *testing.T) {
	// An error in the bootstrap script leaves no data folder, and is told.
	c := plain(t)
	c.Extension = &Extension{sharedObject: []byte("no library"), bootstrap: "SELECT 1;\n\nSELECT broken;\n"}
	c.LibDir = filepath.Join(filepath.Dir(c.DataDir), "lib")
	if err := c.Init(bounded(t)); err == nil || !strings.Contains(err.Error(), "barista.so") {
		t.Errorf("Init with a broken library: %v; want an error that names it", err)
	}
	if _, err := os.Stat(c.DataDir); !os.IsNotExist(err) {
		t.Errorf("the data folder exists: %v", err)
	}
}
