package node

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// inDatabase does something in a database, by a connection of role barista.
type inDatabase func(ctx context.Context, database string, conn *pgx.Conn) error

// emptyUnlogged empties what is unlogged in every database of the server, whose gate is closed and which is about to follow (extension/unlogged.c).
// A server on which it failed has to be killed: PostgreSQL empties it then. also, if it is not nil, is run in each database, too.
func (r *run) emptyUnlogged(ctx context.Context, also inDatabase) error {
	databases, err := listDatabases(ctx, r.owner)
	if err != nil {
		return err
	}
	for _, database := range databases {
		if err := r.emptyUnloggedIn(ctx, database, also); err != nil {
			return fmt.Errorf("empty the unlogged tables of database %q: %w", database, err)
		}
	}
	return nil
}

func (r *run) emptyUnloggedIn(ctx context.Context, database string, also inDatabase) error {
	c := r.server.ConnConfig()
	c.Database = database
	c.RuntimeParams["lock_timeout"] = "5s" // of readers on this node
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err = conn.Exec(ctx, "SELECT pg_catalog.barista_empty_unlogged()"); err != nil {
		return err
	}
	if also == nil {
		return nil
	}
	return also(ctx, database, conn)
}
