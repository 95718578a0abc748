package verify

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every wait of these tests.
const patience = time.Minute

// server is one PostgreSQL server, whose databases stand for those of several
// nodes. It has the extension, as a server that is being made: it captures nothing.
// Nil if there is no PostgreSQL on this machine, or no extension.
var server *plainServer

// extension is the folder of barista.so and bootstrap.sql.
const extension = "../../extension"

// comparer is the role of the sessions that are compared. It may nothing but call
// the extension's functions.
const comparer = "comparer"

func TestMain(m *testing.M) {
	// The server is told to die with the thread that started it.
	runtime.LockOSThread()
	status, err := runWithServer(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func runWithServer(m *testing.M) (status int, err error) {
	flag.Parse()
	bin, err := postgresPrograms()
	if err != nil || testing.Short() {
		return m.Run(), nil
	}
	if _, err := os.Stat(filepath.Join(extension, "barista.so")); err != nil {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "verify")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	server, err = startServer(bin, dir)
	if err != nil {
		return 0, err
	}
	defer server.stop()
	if err := server.makeTemplate(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// postgresPrograms returns the folder of PostgreSQL's programs.
func postgresPrograms() (string, error) {
	if found, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(found), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no PostgreSQL here")
	}
	return found[len(found)-1], nil
}

type plainServer struct {
	dir       string
	process   *exec.Cmd
	databases atomic.Int64 // how many newDatabase made
}

// startServer makes and starts a server in dir, which listens in dir only.
func startServer(bin, dir string) (*plainServer, error) {
	owner, err := serverUser(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
	initdb.SysProcAttr = owner
	initdb.Dir = dir
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	if err := copyLibrary(dir); err != nil {
		return nil, err
	}
	process := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "shared_preload_libraries=barista", "-c", "dynamic_library_path="+dir+":$libdir",
		"-c", "barista.bootstrap=on", "-c", "allow_system_table_mods=on")
	process.SysProcAttr = owner
	process.Dir = dir
	messages, err := process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	return &plainServer{dir: dir, process: process}, awaitReady(messages)
}

// awaitReady reads the server's messages up to the one that says it is ready,
// and leaves a goroutine to swallow the rest, which ends with the server.
func awaitReady(messages io.ReadCloser) error {
	timeout := time.AfterFunc(patience, func() { messages.Close() })
	defer timeout.Stop()
	var seen strings.Builder
	lines := bufio.NewScanner(messages)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "ready to accept connections") {
			go io.Copy(io.Discard, messages)
			return nil
		}
		seen.WriteString(lines.Text() + "\n")
	}
	return fmt.Errorf("server does not start: %s", seen.String())
}

// copyLibrary puts the library to where the server's user can read it.
func copyLibrary(dir string) error {
	code, err := os.ReadFile(filepath.Join(extension, "barista.so"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "barista.so"), code, 0o755)
}

// serverUser returns how to run a server, which refuses to be root's, and gives
// dir to its user.
func serverUser(dir string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return attributes, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes, os.Chown(dir, uid, gid)
}

// stop ends the server at once and waits for it.
func (s *plainServer) stop() {
	_ = s.process.Process.Signal(syscall.SIGQUIT)
	_ = s.process.Wait() // an immediate shutdown is no success, and needs none
}

// makeTemplate makes the database that newDatabases copies.
func (s *plainServer) makeTemplate() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	bootstrap, err := os.ReadFile(filepath.Join(extension, "bootstrap.sql"))
	if err != nil {
		return err
	}
	for _, step := range []struct{ database, sql string }{
		{"postgres", "CREATE DATABASE twin"}, {"postgres", "CREATE ROLE comparer LOGIN"}, {"postgres", "CREATE ROLE ordinary LOGIN"},
		{"twin", string(bootstrap)}, {"twin", letCompare}, {"twin", content},
	} {
		conn, err := pgx.Connect(ctx, s.address("postgres", step.database))
		if err != nil {
			return err
		}
		err = errors.Join(execute(ctx, conn, step.sql), conn.Close(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}

const letCompare = `
	DO $$ BEGIN
		EXECUTE (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO comparer', oid::regprocedure), ';')
			FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE 'barista\_%');
	END $$`

func (s *plainServer) address(role, database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", s.dir, role, database)
}

// connect returns a superuser's connection to a database, closed with the test.
func (s *plainServer) connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn := s.open(t, "postgres", database)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// open returns a connection of a role to a database that somebody else closes.
func (s *plainServer) open(t *testing.T, role, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.address(role, database))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// newDatabase makes a database that holds content and returns its name. It goes
// with the server.
func newDatabase(t *testing.T) string {
	t.Helper()
	if server == nil {
		t.Skip("needs PostgreSQL, and the extension: run make extension, and leave out -short")
	}
	name := fmt.Sprintf("twin%d", server.databases.Add(1))
	mustExecute(t, server.connect(t, "postgres"), "CREATE DATABASE "+name+" TEMPLATE twin STRATEGY wal_log")
	return name
}

func mustExecute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if err := execute(t.Context(), conn, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
