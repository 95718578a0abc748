package exttest

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What is refused says what to do instead, and that works on both nodes.
func TestRefusalsTellAWay(t *testing.T) {
	p := sharedPair(t)
	for _, c := range []struct {
		refused, hint string
		instead       []string
	}{
		{"create database shop", "Create a schema", []string{"create schema shop", "create table shop.goods (k int primary key)"}},
		{"drop database template1", "Drop what is in it", []string{"drop schema shop cascade"}},
	} {
		_, err := p.leader.connect(t).Exec(testContext(t), c.refused)
		var failure *pgconn.PgError
		if !errors.As(err, &failure) || failure.Code != "0A000" || !strings.Contains(failure.Hint, c.hint) {
			t.Errorf("%s: %v, want 0A000 and a hint with %q", c.refused, err, c.hint)
		}
		p.run(t, c.instead...)
	}
	p.same(t)
}
