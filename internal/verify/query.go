package verify

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// query runs one query in one round trip and collects its rows.
func query[T any](ctx context.Context, conn *pgx.Conn, sql string, collect pgx.RowToFunc[T]) ([]T, error) {
	rows, err := conn.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, collect)
}

// aside runs what reads users' relations in a subtransaction and rolls that
// back: so the locks on them end with it, and DDL that waits can go on; and an
// error leaves the pinned transaction usable.
func aside(ctx context.Context, conn *pgx.Conn, read func() error) error {
	if err := execute(ctx, conn, "SAVEPOINT aside"); err != nil {
		return err
	}
	err := read()
	return errors.Join(err, execute(ctx, conn, "ROLLBACK TO SAVEPOINT aside; RELEASE SAVEPOINT aside"))
}

func execute(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// problem returns the server's words if err is one of its errors about what
// was read, in a connection that can go on.
func problem(conn *pgx.Conn, err error) (string, bool) {
	var of *pgconn.PgError
	if conn.IsClosed() || !errors.As(err, &of) {
		return "", false
	}
	return of.Message + " (SQLSTATE " + of.Code + ")", true
}
