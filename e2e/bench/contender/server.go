package contender

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/usage"
)

// A server is one PostgreSQL server without Barista.
type server struct {
	name     string // also of its folder
	dir      string
	programs Programs
	account  account
	port     string
	running  *daemon // nil until it is started
}

// newServer makes the server's folder and chooses a port for it.
func newServer(dir, name string, programs Programs) (*server, error) {
	of, err := findAccount()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, dir: filepath.Join(dir, name), programs: programs, account: of}
	if err := makeFolder(s.dir, s.account); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", name, err)
	}
	s.port, err = freePort()
	return s, err
}

// freePort asks the kernel for a port on which nobody listens.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("look for a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", s.port) }
func (s *server) data() string    { return filepath.Join(s.dir, "data") }

// log lies beside the folder, which is the account's alone: root writes nothing into that.
func (s *server) log() string { return s.dir + ".log" }

func (s *server) root() usage.Root {
	return usage.Root{Name: s.name, PID: s.running.cmd.Process.Pid}
}

func (s *server) command(ctx context.Context, program string, args ...string) error {
	cmd := s.programs.Command(ctx, program, args...)
	cmd.SysProcAttr.Credential = s.account
	_, err := Run(cmd)
	return err
}

// init makes the data of a first server, as Barista makes its own.
func (s *server) init(ctx context.Context) error {
	return s.command(ctx, "initdb", "--pgdata="+s.data(), "--username="+User, "--encoding=UTF8", "--locale=C.UTF-8",
		"--data-checksums", "--auth=trust")
}

// copyFrom makes the data of a standby.
func (s *server) copyFrom(ctx context.Context, primary *server) error {
	return s.command(ctx, "pg_basebackup", "--pgdata="+s.data(), "--host=127.0.0.1", "--port="+primary.port,
		"--username="+User, "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf")
}

// start starts the server with more settings and returns when it accepts connections.
func (s *server) start(ctx context.Context, more map[string]string) error {
	all := maps.Clone(settings)
	maps.Copy(all, more)
	all["port"] = s.port
	all["listen_addresses"] = "127.0.0.1"
	all["unix_socket_directories"] = s.dir
	args := []string{"-D", s.data()}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close() // the server has its own copy
	cmd := s.programs.Command(context.WithoutCancel(ctx), "postgres", args...)
	cmd.SysProcAttr.Credential = s.account
	cmd.Stdout, cmd.Stderr = log, log
	s.running, err = startDaemon(cmd)
	if err != nil {
		s.running = nil
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	return s.awaitReady(ctx)
}

// awaitReady waits until a client can connect.
func (s *server) awaitReady(ctx context.Context) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		conn, err := Connect(ctx, s.address())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.running.ended:
			said, _ := os.ReadFile(s.log()) // at worst nothing is told
			return fmt.Errorf("start %s: %w: %s", s.name, s.running.err, lastLine(string(said)))
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w: %w", s.name, context.Cause(ctx), err)
		case <-poll.C:
		}
	}
}

// stop ends the server without a checkpoint: nobody will start it again.
func (s *server) stop(ctx context.Context) {
	if s != nil && s.running != nil {
		s.running.stop(ctx, syscall.SIGQUIT)
	}
}

// Connect opens a connection to the server or node at address.
func Connect(ctx context.Context, address string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "postgres://"+User+"@"+address+"/"+Database+"?sslmode=disable&connect_timeout=10")
}
