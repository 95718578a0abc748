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
	p.run(t, "create table way (v text)", "insert into way values ('a'), ('b')")
	for _, c := range []struct {
		refused, hint string
		instead       []string
	}{
		{"create database shop", "Create a schema", []string{"create schema shop", "create table shop.goods (k int primary key)"}},
		{"drop database template1", "Drop what is in it", []string{"drop schema shop cascade"}},
		{"alter table way add id serial", "CREATE SEQUENCE ... OWNED BY", []string{
			"alter table way add id int", "create sequence way_id_seq owned by way.id", "update way set id = nextval('way_id_seq')",
			"alter table way alter id set default nextval('way_id_seq')"}},
		{"alter table way add n int generated always as identity", "START WITH", []string{
			"alter table way add n int", "update way set n = id", "alter table way alter n set not null",
			"alter table way alter n add generated always as identity (start with 3)"}},
		{"alter table way add at timestamptz default now()", "SET DEFAULT", []string{
			"alter table way add at timestamptz", "alter table way alter at set default now()", "update way set at = default"}},
		{"alter table way add twice int generated always as (2 * id) stored", "new table", []string{
			"create table way2 (like way including all, twice int generated always as (2 * id) stored)",
			"insert into way2 overriding system value select * from way", "alter table way rename to way1", "alter table way2 rename to way"}},
	} {
		_, err := p.leader.connect(t).Exec(testContext(t), c.refused)
		var failure *pgconn.PgError
		if !errors.As(err, &failure) || failure.Code != "0A000" || !strings.Contains(failure.Hint, c.hint) {
			t.Errorf("%s: %v, want 0A000 and a hint with %q", c.refused, err, c.hint)
		}
		p.run(t, c.instead...)
	}
	p.run(t, "insert into way1 (v) values ('c')")
	p.same(t)
}
