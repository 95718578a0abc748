// Package apply hands batches of chosen change sets to the local server, each as one local transaction that stores its position in the
// commit record. What is applied, and in which order, is the replicator's decision; how rows change, the extension's.
package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/replicator"
)

// maxPart is how many bytes go to the server in one call.
const maxPart = 4 << 20

// Connect opens a connection of role barista to a database of the local server.
type Connect func(ctx context.Context, database string) (*pgconn.PgConn, error)

// ErrDiverged is matched by the error of a batch that the server's data does not fit: trying again cannot help.
var ErrDiverged = errors.New("the server holds something else than the order")

// Applier applies one batch at a time. It keeps one connection for each database. It is not safe for concurrent use.
type Applier struct {
	// WithoutFunctions has batches applied without users' functions, for one in which such a function has failed (extension/ddl_hide.c).
	WithoutFunctions bool

	// Took, if it is set, is called when the server has taken a part of the batch behind a position: the nth, from 1.
	Took func(behind changeset.Position, n int)

	connect Connect
	conns   map[string]*pgconn.PgConn
	part    changeset.Batch
}

// New returns an Applier that connects when it must.
func New(connect Connect) *Applier {
	return &Applier{connect: connect, conns: make(map[string]*pgconn.PgConn)}
}

// Close ends the connections.
func (a *Applier) Close(ctx context.Context) {
	for database, conn := range a.conns {
		conn.Close(ctx)
		delete(a.conns, database)
	}
}

// Apply applies a batch. When it returns nil the batch is committed and visible. After an error nothing of it is, or (when the
// connection was lost) all of it may be: the server's applied position tells. Errors match ErrDiverged when trying again cannot help.
func (a *Applier) Apply(ctx context.Context, batch *replicator.Batch) error {
	conn, err := a.connection(ctx, batch.Database)
	if isMissing(err) && onlySequences(batch) {
		return nil // the order drops the database behind them, and this server has done so
	}
	if err != nil {
		return fmt.Errorf("apply up to position %v: connect to database %q: %w", batch.Position, batch.Database, err)
	}
	err = a.run(ctx, conn, batch)
	if err != nil || a.WithoutFunctions {
		conn.Close(ctx) // whatever state it is in, and whatever it took to be constant
		delete(a.conns, batch.Database)
	}
	if err != nil {
		return fmt.Errorf("apply up to position %v in database %q: %w", batch.Position, batch.Database, classify(err))
	}
	return nil
}

// isMissing reports whether there is no such database.
func isMissing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "3D000"
}

// onlySequences reports whether a batch has states of sequences only, so that no position is stored with it.
func onlySequences(batch *replicator.Batch) bool {
	for _, item := range batch.Items {
		if item.Set != nil {
			return false
		}
	}
	return batch.Position == batch.Predecessor
}

func (a *Applier) connection(ctx context.Context, database string) (*pgconn.PgConn, error) {
	if conn := a.conns[database]; conn != nil && !conn.IsClosed() {
		return conn, nil
	}
	conn, err := a.connect(ctx, database)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Prepare(ctx, applyStatement, "SELECT pg_catalog.barista_apply($1)", nil); err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("prepare barista_apply: %w", err)
	}
	a.conns[database] = conn
	return conn, nil
}

const applyStatement = "barista_apply"

// run sends a small batch as one call, which is a transaction by itself, and a larger one in parts between BEGIN and COMMIT.
func (a *Applier) run(ctx context.Context, conn *pgconn.PgConn, batch *replicator.Batch) error {
	p := partWriter{applier: a, ctx: ctx, conn: conn, behind: batch.Predecessor}
	a.part.Reset()
	a.part.Begin(batch.Predecessor)
	if a.WithoutFunctions {
		a.part.WithoutFunctions()
	}
	for _, item := range batch.Items {
		if err := p.item(item); err != nil {
			return err
		}
	}
	a.part.End(batch.Position)
	if err := p.flush(); err != nil {
		return err
	}
	if p.begun {
		return exec(ctx, conn, "COMMIT")
	}
	return nil
}

// partWriter sends parts as they fill up.
type partWriter struct {
	applier *Applier
	ctx     context.Context
	conn    *pgconn.PgConn
	begun   bool // a transaction block is open
	behind  changeset.Position
	taken   int // parts
}

func (p *partWriter) item(item replicator.Item) error {
	part := &p.applier.part
	if item.IDLimit != 0 {
		part.IDLimit(item.IDLimit)
		return nil
	}
	if item.Set == nil {
		part.Sequences(changeset.MissingIsSkipped, item.Sequences)
		return nil
	}
	part.Set(item.Set.Timestamp, item.Set.Committed)
	if item.Pieces != nil {
		for piece, err := range item.Pieces {
			if err != nil {
				return err
			}
			if err := p.payload(piece); err != nil {
				return err
			}
		}
	}
	return p.payload(item.Set.Payload)
}

func (p *partWriter) payload(bytes []byte) error {
	part := &p.applier.part
	if part.Len() > 0 && part.Len()+len(bytes) > maxPart {
		if !p.begun {
			if err := exec(p.ctx, p.conn, "BEGIN"); err != nil {
				return err
			}
			p.begun = true
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	part.Payload(bytes)
	return nil
}

func (p *partWriter) flush() error {
	result := p.conn.ExecPrepared(p.ctx, applyStatement, [][]byte{p.applier.part.Bytes()}, []int16{1}, nil).Read()
	p.applier.part.Reset()
	if p.taken++; result.Err == nil && p.applier.Took != nil {
		p.applier.Took(p.behind, p.taken)
	}
	return result.Err
}

func exec(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := conn.Exec(ctx, sql).ReadAll()
	return err
}

// classify marks the errors that trying again cannot mend.
func classify(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "BA001" {
		return fmt.Errorf("%w: %w%s", ErrDiverged, err, particulars(pg))
	}
	return err
}

// Code is the SQLSTATE of an error of Apply; empty when the server gave none.
func Code(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// particulars says on one line what an error tells beside its message: which row, in which function, what to do.
func particulars(pg *pgconn.PgError) string {
	var text strings.Builder
	for _, part := range []string{pg.Detail, pg.Where, pg.Hint} {
		if part != "" {
			text.WriteString("; " + strings.Join(strings.Fields(part), " "))
		}
	}
	return text.String()
}
