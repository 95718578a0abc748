package verify

import (
	"bufio"
	"context"
	"errors"
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

// server is one plain PostgreSQL server, whose databases stand for those of
// several nodes. Nil if there is no PostgreSQL on this machine.
var server *plainServer

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
	bin, err := postgresPrograms()
	if err != nil {
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
	process := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
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
	for _, step := range []struct{ database, sql string }{{"postgres", "CREATE DATABASE twin"}, {"twin", content}} {
		conn, err := pgx.Connect(ctx, s.address(step.database))
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

func (s *plainServer) address(database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s", s.dir, database)
}

// connect returns a connection to a database, closed with the test.
func (s *plainServer) connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn := s.open(t, database)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// open returns a connection to a database that somebody else closes.
func (s *plainServer) open(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.address(database))
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
		t.Skip("no PostgreSQL on this machine")
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
