package pair

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/measure"
)

// Session is one client's connection, with its backend.
type Session struct {
	conn *pgx.Conn
	pid  int
}

func open(ctx context.Context, as *pgx.ConnConfig) (*Session, error) {
	conn, err := pgx.ConnectConfig(ctx, as)
	if err != nil {
		return nil, err
	}
	return &Session{conn, int(conn.PgConn().PID())}, nil
}

// PID is the process of the backend.
func (s *Session) PID() int { return s.pid }

// Exec runs a statement, which is prepared when it is seen first.
func (s *Session) Exec(ctx context.Context, sql string, arguments ...any) error {
	if _, err := s.conn.Exec(ctx, sql, arguments...); err != nil {
		return fmt.Errorf("%.80s: %w", sql, err)
	}
	return nil
}

// Copy runs COPY ... FROM STDIN with rows as they travel in text format.
func (s *Session) Copy(ctx context.Context, sql string, rows []byte) error {
	if _, err := s.conn.PgConn().CopyFrom(ctx, bytes.NewReader(rows), sql); err != nil {
		return fmt.Errorf("%.80s: %w", sql, err)
	}
	return nil
}

// CPU is the processor time of the backend so far, user and system, as exactly as the kernel knows it.
func (s *Session) CPU() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.pid), "schedstat"))
	if err != nil {
		return 0, fmt.Errorf("read the processor time of a backend: %w", err)
	}
	return measure.ParseSchedstat(string(text))
}
