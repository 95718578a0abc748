package harness

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ExecLater sends a statement and returns where the answer will come.
func ExecLater(t testing.TB, conn *pgx.Conn, sql string) <-chan error {
	told := make(chan error, 1)
	ctx := Limited(t, ServeLimit)
	go func() { // bounded by ctx
		_, err := conn.Exec(ctx, sql)
		told <- err
	}()
	return told
}

// Code returns the SQLSTATE of an error, or what else is the case.
func Code(err error) string {
	if told, ok := errors.AsType[*pgconn.PgError](err); ok {
		return told.Code
	}
	if err != nil {
		return "not told: " + err.Error()
	}
	return "success"
}
