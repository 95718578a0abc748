package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrHung is what a server ended with when it was killed because it answered no probe, or was frozen.
var ErrHung = errors.New("the server hangs")

// ErrKilled is what a server ended with when Kill killed it.
var ErrKilled = errors.New("the server was killed by barista")

// Server is a running server. Its methods may be called by several goroutines.
type Server struct {
	config    Config
	process   *child
	logOffset int64 // where this server's words begin in the log

	done chan struct{}
	err  error // set before done is closed

	probing     context.Context
	stopProbing context.CancelFunc

	mu     sync.Mutex
	reason error // why barista ended it, guarded by mu
	probe  probe // guarded by its own lock

	probed atomic.Int64 // the process number of the backend that answers probes
}

// bury waits for the postmaster's end, kills what it left behind and tells everyone.
func (s *Server) bury() {
	<-s.process.ended
	s.stopProbing()
	left := KillStale(context.Background(), s.config.DataDir)
	s.probe.close()
	s.err = errors.Join(s.epitaph(), left)
	close(s.done)
}

// epitaph says why the server ended.
func (s *Server) epitaph() error {
	s.mu.Lock()
	reason := s.reason
	s.mu.Unlock()
	if reason != nil {
		return reason
	}
	end := s.process.err
	if end == nil {
		end = errors.New("it was shut down from outside")
	}
	words := ""
	err := s.config.Account.As(func() (err error) {
		words, err = tail(s.config.LogFile, s.logOffset, 16<<10)
		return err
	})
	if err != nil {
		return fmt.Errorf("the server ended: %w", end)
	}
	return fmt.Errorf("the server ended: %w", failure(words, end))
}

// becauseOf notes why barista is about to end the server. The first reason counts.
func (s *Server) becauseOf(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == nil {
		s.reason = reason
	}
}

// Done is closed when the server has ended and no process of it is left.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server ended, once Done is closed: ErrHung, ErrKilled, or its own last words. It is nil before,
// and after an orderly Stop.
func (s *Server) Err() error {
	select {
	case <-s.done:
		if errors.Is(s.err, errStopped) {
			return nil
		}
		return s.err
	default:
		return nil
	}
}

// PID is the process number of the server's postmaster.
func (s *Server) PID() int { return s.process.process.Pid }

// errStopped is the reason of a server that Stop ended.
var errStopped = errors.New("the server was stopped")

// How long Stop waits for the server to end before it uses a harder means.
const (
	fastLimit      = 15 * time.Second
	immediateLimit = 5 * time.Second
)

// Stop ends the server: sessions are disconnected and a checkpoint is written; if that takes too long or ctx ends, it
// is shut down without one, and at last killed. It returns when no process is left. The error tells that it was not
// an orderly end.
func (s *Server) Stop(ctx context.Context) error {
	s.stopProbing()
	s.becauseOf(errStopped)
	if s.signal(ctx, syscall.SIGINT, fastLimit) {
		return nil
	}
	if s.signal(context.WithoutCancel(ctx), syscall.SIGQUIT, immediateLimit) {
		return errors.New("the server took too long to stop and was shut down without a checkpoint")
	}
	s.Kill()
	return errors.New("the server took too long to stop and was killed")
}

// signal sends a signal to the postmaster and reports whether the server ended within the limit.
func (s *Server) signal(ctx context.Context, sig os.Signal, limit time.Duration) bool {
	// An error means that the process has ended; Done tells.
	_ = s.process.process.Signal(sig)
	grace := time.NewTimer(limit)
	defer grace.Stop()
	select {
	case <-s.done:
		return true
	case <-grace.C:
	case <-ctx.Done():
	}
	return false
}

// Kill kills the server at once, every process of it, and returns when none is left.
func (s *Server) Kill() {
	s.becauseOf(ErrKilled)
	// An error means that the process has ended; bury does the rest.
	_ = s.process.process.Kill()
	<-s.done
}

// SocketPath is the path of the server's socket.
func (c Config) SocketPath() string {
	return filepath.Join(c.SockDir, fmt.Sprintf(".s.PGSQL.%d", Port))
}

// SocketPath is the path of the server's socket.
func (s *Server) SocketPath() string { return s.config.SocketPath() }

// ConnConfig says how barista connects to its server, database postgres. Each call returns a new value.
func (s *Server) ConnConfig() *pgx.ConnConfig { return s.config.ConnConfig() }
