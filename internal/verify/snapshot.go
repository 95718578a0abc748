package verify

import (
	"context"
	"fmt"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/jackc/pgx/v5"
)

// Marks is how this package reaches the log.
type Marks interface {
	// Place puts a mark into the log, from whichever node leads, and returns
	// when it is chosen. Before the mark it has the leader send the horizons
	// of sequences that changed.
	Place(ctx context.Context) (changeset.MarkID, error)

	// Snapshot waits until this node has reached the mark and returns what it
	// pinned there. A node pins at each mark that it passes, before it knows
	// whether somebody asks, and keeps what it pinned for a limited time. Each
	// snapshot is handed out once; whoever has it closes it.
	Snapshot(ctx context.Context, mark changeset.MarkID) (*Snapshot, error)

	// Progress tells how far this node has come towards the marks before it.
	Progress() Progress
}

// Snapshot is the state of one node's server at a mark.
type Snapshot struct {
	Position changeset.Position // the applied position at the mark
	Role     Role
	Sites    []Site // one for each database that allows connections
}

// Role says what a node was at a mark.
type Role string

// The roles that matter here.
const (
	// Following: nothing but apply changes the server.
	Following Role = "following"
	// Leading: sequences may be ahead of what was agreed.
	Leading Role = "leading"
)

// Site is one database of a Snapshot.
type Site struct {
	Database string
	Conn     *pgx.Conn // inside the transaction that Pin began
	Horizons []Horizon // as ReadHorizons returned them at the mark
}

// Close ends the transactions and the connections.
func (s *Snapshot) Close(ctx context.Context) {
	for _, site := range s.Sites {
		_ = site.Conn.Close(ctx) // the server ends the transaction either way
	}
}

// pin begins a transaction, makes every value's text independent of the
// server's and the role's settings, and takes the snapshot with its only query.
// A role without rights may set all of these.
const pin = `
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL search_path = pg_catalog;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL timezone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL lc_monetary = 'C';
SET LOCAL standard_conforming_strings = on;
SET LOCAL quote_all_identifiers = off;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_catalog.pg_current_snapshot()`

// Pin begins the transaction of a Site and takes its snapshot. It waits for no
// lock that a writer holds, so the leader may call it while it holds the turn.
func Pin(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.PgConn().Exec(ctx, pin).ReadAll(); err != nil {
		return fmt.Errorf("pin a snapshot: %w", err)
	}
	return nil
}
