package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/config"
)

// maxLogBytes is the size at which the next start puts the server's log aside.
const maxLogBytes = 64 << 20

// Start makes sure that no process is left in the data folder, writes the configuration, starts the server and waits
// until it accepts connections. Recovery after a crash counts to the start, however long it takes; ctx bounds it.
func (c Config) Start(ctx context.Context) (*Server, error) {
	c = c.withDefaults()
	for _, step := range []func(context.Context) error{c.clear, c.prepare} {
		if err := c.Account.As(func() error { return step(ctx) }); err != nil {
			return nil, fmt.Errorf("start the server: %w", err)
		}
	}
	s, err := c.launch()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := s.waitReady(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go s.watch(s.probing) // bury and Stop end it; nobody needs to wait for it
	go s.watchFrozen(s.probing)
	return s, nil
}

// clear leaves the data folder without processes and lock files.
func (c Config) clear(ctx context.Context) error {
	if err := c.checkData(); err != nil {
		return err
	}
	if err := c.checkForeign(); err != nil {
		return err
	}
	if err := KillStale(ctx, c.DataDir); err != nil {
		return err
	}
	if err := c.resumeFirstRecovery(ctx); err != nil {
		return err
	}
	return c.removeLocks()
}

// prepare writes what the server reads when it starts.
func (c Config) prepare(context.Context) error {
	if err := c.PrepareFolders(); err != nil {
		return err
	}
	if err := c.installLibrary(); err != nil {
		return err
	}
	return c.writeSettings(c.DataDir)
}

// launch starts the server process.
func (c Config) launch() (*Server, error) {
	var log *os.File
	var offset int64
	err := c.Account.As(func() (err error) {
		log, offset, err = c.openLog()
		return err
	})
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own copy
	cmd := c.command("postgres", c.commandLine()...)
	cmd.Stdout, cmd.Stderr = log, log
	process, err := startChild(cmd)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, process: process, logOffset: offset, done: make(chan struct{})}
	s.probing, s.stopProbing = context.WithCancel(context.Background())
	go s.bury() // ends when the postmaster has ended; whoever waits, waits on done
	return s, nil
}

// openLog opens the server's log for appending and returns its present length.
func (c Config) openLog() (*os.File, int64, error) {
	if info, err := os.Stat(c.LogFile); err == nil && info.Size() > maxLogBytes {
		if err := os.Rename(c.LogFile, c.LogFile+".old"); err != nil {
			return nil, 0, fmt.Errorf("put the server's log aside: %w", err)
		}
	}
	log, err := os.OpenFile(c.LogFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, config.Mistakef("open the server's log: %w", err)
	}
	info, err := log.Stat()
	if err != nil {
		log.Close()
		return nil, 0, fmt.Errorf("open the server's log: %w", err)
	}
	return log, info.Size(), nil
}

// waitReady waits until the server says in its lock file that it accepts connections, and lets barista in.
func (s *Server) waitReady(ctx context.Context) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !s.saysReady() {
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return fmt.Errorf("wait for the server to accept connections: %w", context.Cause(ctx))
		case <-poll.C:
		}
	}
	conn, err := pgx.ConnectConfig(ctx, s.ConnConfig())
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	return conn.Close(ctx)
}

// statusLine is the line of postmaster.pid, counted from 0, in which the server says how far it is.
const statusLine = 7

func (s *Server) saysReady() bool {
	var text []byte
	err := s.config.Account.As(func() (err error) {
		text, err = os.ReadFile(filepath.Join(s.config.DataDir, "postmaster.pid"))
		return err
	})
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return len(lines) > statusLine && strings.TrimSpace(lines[statusLine]) == "ready"
}
