package ddl

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What is refused says what to do instead, and that works on both nodes.
func TestRefusalsTellAWay(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create table way (v text)", "create index way_v on way (v)")
	for _, c := range []struct {
		refused, hint string
		instead       []string
	}{
		{"drop index concurrently way_v cascade", "Use DROP INDEX without", []string{"drop index way_v cascade"}},
		{"create tablespace way location '/nowhere'", "Leave it in pg_default", []string{"create table way_default (k int) tablespace pg_default"}},
		{"create subscription way connection 'dbname=way' publication way", "a foreign table", []string{"create foreign data wrapper way"}},
		{"create access method way type index handler bthandler", "CREATE EXTENSION", []string{"create extension bloom"}},
		{"alter database template1 rename to way", "Barista itself connects to it", []string{"create database way", "alter database way rename to way_out", "drop database way_out"}},
	} {
		_, err := p.Leader.Connect(t).Exec(harness.Context(t), c.refused)
		var failure *pgconn.PgError
		if !errors.As(err, &failure) || failure.Code != "0A000" || !strings.Contains(failure.Hint, c.hint) {
			t.Errorf("%s: %v, want 0A000 and a hint with %q", c.refused, err, c.hint)
		}
		p.Run(t, c.instead...)
	}
	p.Same(t)
}
