package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/e2e/bench/contender"
)

// A ledger counts what writers were told of their rows, so that nothing is called available that loses data. Every
// row has a number of its own.
type ledger struct {
	last                  atomic.Int64 // the greatest number of a row
	acknowledged, unknown atomic.Int64
}

func newLedger() *ledger { return &ledger{} }

// create makes the writers' table.
func (l *ledger) create(ctx context.Context, b *contender.Barista) (err error) {
	address, err := b.Doors()[0].Address(ctx)
	if err != nil {
		return err
	}
	conn, err := contender.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("make the writers' table: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, "CREATE TABLE ledger (id bigint PRIMARY KEY)"); err != nil {
		return fmt.Errorf("make the writers' table: %w", err)
	}
	return nil
}

// neverProposed are the SQLSTATEs of a write that surely has not happened.
var neverProposed = map[string]bool{"40001": true, "25006": true, "57P03": true}

// note takes down what became of a row that was sent.
func (l *ledger) note(err error) {
	if err == nil {
		l.acknowledged.Add(1)
		return
	}
	said, isAnswer := errors.AsType[*pgconn.PgError](err)
	if isAnswer && neverProposed[said.Code] || pgconn.SafeToRetry(err) {
		return
	}
	l.unknown.Add(1)
}

// check compares the rows with what the writers were told, acknowledged <= rows <= acknowledged + unknown, and the
// nodes with each other.
func (l *ledger) check(ctx context.Context, b *contender.Barista, stdout io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkLimit, errors.New("checking the data takes too long"))
	defer cancel()
	address, err := b.Doors()[0].Address(ctx)
	if err != nil {
		return err
	}
	rows, err := countRows(ctx, address)
	if err != nil {
		return err
	}
	acknowledged, unknown := l.acknowledged.Load(), l.unknown.Load()
	if rows < acknowledged || rows > acknowledged+unknown {
		return fmt.Errorf("%d rows, but %d were acknowledged and of %d the outcome is unknown", rows, acknowledged, unknown)
	}
	if err := b.Verify(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d rows, %d acknowledged, %d with unknown outcome: none lost; the nodes are identical\n", rows, acknowledged, unknown)
	return nil
}

func countRows(ctx context.Context, address string) (rows int64, err error) {
	conn, err := contender.Connect(ctx, address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return rows, conn.QueryRow(ctx, "SELECT count(*) FROM ledger").Scan(&rows)
}
