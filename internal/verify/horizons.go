package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// sequencesAtOnce limits the length of one query.
const sequencesAtOnce = 500

// ReadHorizons returns the states of a database's permanent sequences, on a
// connection that Pin was called on. Sequences know no snapshots: what it
// returns is their state now. A follower calls it before apply goes on. The
// leader calls it after it passed the turn on, because it waits for a
// transaction that is dropping or altering a sequence; there, states may be
// ahead of what was agreed.
func ReadHorizons(ctx context.Context, conn *pgx.Conn, database string) ([]Horizon, error) {
	horizons, err := listSequences(ctx, conn, database)
	if err != nil {
		return nil, fmt.Errorf("list sequences of %s: %w", database, err)
	}
	var read []Horizon
	for some := range slices.Chunk(horizons, sequencesAtOnce) {
		some, err := readThoseThere(ctx, conn, some)
		if err != nil {
			return nil, fmt.Errorf("read sequences of %s: %w", database, err)
		}
		read = append(read, some...)
	}
	return read, nil
}

// readThoseThere returns the sequences with their states, without those that
// were dropped or renamed after the snapshot.
func readThoseThere(ctx context.Context, conn *pgx.Conn, horizons []Horizon) ([]Horizon, error) {
	err := aside(ctx, conn, func() error { return readStates(ctx, conn, horizons) })
	if err == nil {
		return horizons, nil
	}
	if _, ok := problem(conn, err); !ok {
		return nil, err
	}
	if len(horizons) == 1 {
		return nil, nil
	}
	half := len(horizons) / 2
	first, err := readThoseThere(ctx, conn, horizons[:half])
	if err != nil {
		return nil, err
	}
	second, err := readThoseThere(ctx, conn, horizons[half:])
	return slices.Concat(first, second), err
}

// listSequences returns the sequences without their states.
func listSequences(ctx context.Context, conn *pgx.Conn, database string) ([]Horizon, error) {
	return query(ctx, conn, `
		SELECT format('%I.%I', n.nspname, c.relname), s.seqincrement, s.seqcycle
		FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence = 'p' AND `+ofUsers+`
		ORDER BY 1`,
		func(row pgx.CollectableRow) (Horizon, error) {
			h := Horizon{Subject: Subject{Database: database, Kind: Sequence}}
			return h, row.Scan(&h.Name, &h.Increment, &h.Cycles)
		})
}

// readStates fills in the states of the sequences, read from their relations.
func readStates(ctx context.Context, conn *pgx.Conn, horizons []Horizon) error {
	parts := make([]string, len(horizons))
	for i, h := range horizons {
		parts[i] = fmt.Sprintf("SELECT %d, last_value + log_cnt * (%d)::bigint, is_called FROM %s", i, h.Increment, h.Name)
	}
	_, err := query(ctx, conn, strings.Join(parts, " UNION ALL "), func(row pgx.CollectableRow) (struct{}, error) {
		var i int
		var value int64
		var called bool
		err := row.Scan(&i, &value, &called)
		if err == nil {
			horizons[i].Value, horizons[i].Called = value, called
		}
		return struct{}{}, err
	})
	return err
}
