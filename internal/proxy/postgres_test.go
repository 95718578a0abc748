package proxy

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/session"
)

const binaries = "/usr/lib/postgresql/15/bin"

// plainServer is an ordinary PostgreSQL server on a unix socket: role postgres by trust, all others by SCRAM.
type plainServer struct {
	dir    string
	socket string
	cmd    *exec.Cmd
	log    bytes.Buffer
}

var (
	sharedOnce   sync.Once
	sharedServer *plainServer
	errShared    error
)

// realServer returns the one server that all tests share; TestMain stops it.
func realServer(tb testing.TB) *plainServer {
	tb.Helper()
	if testing.Short() {
		tb.Skip("starts a server")
	}
	if _, err := os.Stat(filepath.Join(binaries, "postgres")); err != nil {
		tb.Skip("PostgreSQL 15 is not installed")
	}
	sharedOnce.Do(func() { sharedServer, errShared = startPlainServer() })
	if errShared != nil {
		tb.Fatal(errShared)
	}
	return sharedServer
}

func TestMain(m *testing.M) {
	status := m.Run()
	if sharedServer != nil {
		sharedServer.stop()
	}
	os.Exit(status)
}

func startPlainServer() (*plainServer, error) {
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		return nil, err
	}
	s := &plainServer{dir: dir, socket: filepath.Join(dir, ".s.PGSQL.5432")}
	credential, err := postgresUser(dir)
	if err != nil {
		return s, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(binaries, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	initdb.Dir = dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return s, fmt.Errorf("initdb: %w: %s", err, out)
	}
	const hba = "local all postgres trust\nlocal all all scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		return s, err
	}
	s.cmd = exec.Command(filepath.Join(binaries, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: syscall.SIGQUIT}
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return s, err
	}
	return s, s.waitReady()
}

// postgresUser gives dir to the user that servers run as, if we are root, who may not.
func postgresUser(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

func (s *plainServer) waitReady() error {
	ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
	defer stop()
	for {
		ping := exec.CommandContext(ctx, filepath.Join(binaries, "pg_isready"), "-q", "-h", s.dir)
		if ping.Run() == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the server did not start: %s", s.log.String())
		}
	}
}

func (s *plainServer) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(syscall.SIGINT)
		s.cmd.Wait()
	}
	os.RemoveAll(s.dir)
}

// Dial makes a plain server the leader for ever.
func (s *plainServer) Dial(ctx context.Context) (session.Backend, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", s.socket)
	if err != nil {
		return session.Backend{}, err
	}
	return session.Backend{Conn: conn, Node: "n1"}, nil
}

// startProxy serves backends on a free port until the test ends, and returns host and port.
func startProxy(tb testing.TB, options Options) (*Server, *net.TCPAddr) {
	tb.Helper()
	server, err := New(options)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }() // ended by Shutdown below
	tb.Cleanup(func() {
		ctx, stop := context.WithCancel(context.Background())
		stop()
		server.Shutdown(ctx)
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return server, listener.Addr().(*net.TCPAddr)
}
