package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ReadHorizons returns the states of a database's permanent sequences, on a
// connection that Pin was called on. Sequences know no snapshots: what it
// returns is their state now, without those that were dropped after the snapshot.
// A follower calls it before apply goes on. The
// leader calls it after it passed the turn on, because it waits for a
// transaction that is dropping or altering a sequence; there, states may be
// ahead of what was agreed.
func ReadHorizons(ctx context.Context, conn *pgx.Conn, database string) ([]Horizon, error) {
	horizons, err := query(ctx, conn, `
		SELECT format('%I.%I', n.nspname, c.relname), s.seqincrement, s.seqcycle, h.horizon, h.is_called
		FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
			barista_sequence_state(s.seqrelid) h
		WHERE c.relpersistence = 'p' AND `+ofUsers+` AND h.horizon IS NOT NULL
		ORDER BY 1`,
		func(row pgx.CollectableRow) (Horizon, error) {
			h := Horizon{Subject: Subject{Database: database, Kind: Sequence}}
			return h, row.Scan(&h.Name, &h.Increment, &h.Cycles, &h.Value, &h.Called)
		})
	if err != nil {
		return nil, fmt.Errorf("read the sequences of %s: %w", database, err)
	}
	return horizons, nil
}
