package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/config"
)

// sessionSettings keep barista's own sessions free of what the configuration, ALTER DATABASE and ALTER ROLE ... SET say: given at the start
// of a session they outrank all. Nothing of these sessions is logged but errors: what they hand over are other people's rows, and verifiers of passwords.
var sessionSettings = map[string]string{
	"application_name": Role, "client_encoding": encoding, "default_transaction_isolation": "read committed",
	"default_transaction_read_only": "off", "statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0",
	"idle_session_timeout": "0", "session_replication_role": "origin", "row_security": "on",
	"log_statement": "none", "log_duration": "off", "log_min_duration_statement": "-1", "log_min_duration_sample": "-1", "log_transaction_sample_rate": "0",
	"log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0", "pgaudit.log": "none", "auto_explain.log_min_duration": "-1",
	"temp_file_limit": "-1", "search_path": "pg_catalog", "standard_conforming_strings": "on",
	"exit_on_error": "off", "temp_tablespaces": "", // functions of indexes catch errors, and sort
	"plpgsql.check_asserts": "off", // the leader's session has asserted, or did not want to
}

// ConnConfig says how barista connects to the server, database postgres. Each call returns a new value. The
// environment's PG variables have no say in it.
func (c Config) ConnConfig() *pgx.ConnConfig {
	parsed, err := parseConnConfig()
	if err != nil {
		panic(fmt.Sprintf("postgres: ForNode did not check the environment: %v", err))
	}
	parsed.Host, parsed.Port, parsed.Password = c.SockDir, Port, ""
	parsed.Fallbacks = nil
	parsed.DialFunc = c.dial
	parsed.RuntimeParams = maps.Clone(sessionSettings)
	if c.Extension != nil {
		parsed.RuntimeParams["barista.session"] = "own" // see extension/rights.c
	}
	return parsed
}

// dial connects with the account's rights: by them the server knows barista.
func (c Config) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = c.Account.As(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// parseConnConfig fails if a PG variable of the environment makes no sense to pgx.
func parseConnConfig() (*pgx.ConnConfig, error) {
	parsed, err := pgx.ParseConfig("user=" + Role + " dbname=postgres sslmode=disable")
	if err != nil {
		return nil, config.Mistakef("the environment's PG variables: %w", err)
	}
	return parsed, nil
}

// probeAge is how long one probe connection is kept. A new one shows that the postmaster is alive too, and that a
// backend can still start.
const probeAge = 10 * time.Second

// A probe is the connection on which the server's health is asked for.
type probe struct {
	mu   sync.Mutex // guards all fields
	conn *pgx.Conn
	born time.Time
}

// Probe asks the server for a sign of life and returns nil if it gave one before ctx ended, be it an error message.
// It asks nothing that waits for a lock, a snapshot or the leader's lease, and so tells a server that hangs from one
// that is merely not allowed to serve.
func (s *Server) Probe(ctx context.Context) error {
	s.probe.mu.Lock()
	defer s.probe.mu.Unlock()
	err := s.probe.ask(ctx, s.ConnConfig())
	s.probed.Store(s.probe.backend())
	if _, answered := errors.AsType[*pgconn.PgError](err); answered {
		return nil
	}
	if err != nil {
		s.probe.drop()
		s.probed.Store(0)
		return fmt.Errorf("probe the server: %w", err)
	}
	return nil
}

// ask sends an empty statement. p.mu is held.
func (p *probe) ask(ctx context.Context, target *pgx.ConnConfig) error {
	if p.conn != nil && (p.conn.IsClosed() || time.Since(p.born) > probeAge) {
		p.drop()
	}
	if p.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, target)
		if err != nil {
			return err
		}
		p.conn, p.born = conn, time.Now()
	}
	return p.conn.Ping(ctx)
}

// backend is the process number of the backend; 0 if there is none. p.mu is held.
func (p *probe) backend() int64 {
	if p.conn == nil {
		return 0
	}
	return int64(p.conn.PgConn().PID())
}

// drop gives the connection up. p.mu is held.
func (p *probe) drop() {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = p.conn.Close(ctx) // it is given up either way
	p.conn = nil
}

func (p *probe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
}

// watch probes the server until ctx ends, and kills it when it gives no answer twice in a row. One failure may be
// the machine's, which paused barista and the server together.
func (s *Server) watch(ctx context.Context) {
	beat := time.NewTicker(s.config.ProbeEvery)
	defer beat.Stop()
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		err := s.limitedProbe(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failed = 0
			continue
		}
		failed++
		s.config.Log.Warn("the server did not answer a probe", "error", err)
		if failed == 2 {
			s.becauseOf(fmt.Errorf("%w: it answered no probe", ErrHung))
			s.Kill()
			return
		}
	}
}

func (s *Server) limitedProbe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.ProbeLimit)
	defer cancel()
	return s.Probe(ctx)
}
