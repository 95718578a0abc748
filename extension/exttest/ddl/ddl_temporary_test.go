package ddl

import (
	"fmt"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What is done to temporary objects of any kind stays here, and stops no
// follower; where a statement names others too, those are all that it names there.
func TestDDLOfTemporaryObjects(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create role app")
	for i, c := range []struct{ sql, sqlstate string }{
		{"comment on function pg_temp.f() is 'x'", ""},
		{"grant execute on function pg_temp.f() to public", ""},
		{"revoke all on function pg_temp.f() from public", ""},
		{"grant usage on type pg_temp.ty to public", ""},
		{"comment on type pg_temp.ty is 'x'", ""},
		{"alter function pg_temp.f() volatile", ""},
		{"alter function pg_temp.f() owner to app", ""},
		{"alter function pg_temp.f() rename to g", ""},
		{"alter type pg_temp.ty owner to app", ""},
		{"alter type pg_temp.ty add attribute b int", ""},
		{"comment on constraint tt_k_check on tt is 'x'", ""},
		{"comment on index tt_i is 'x'", ""},
		{"comment on statistics pg_temp.st is 'x'", ""},
		{"alter statistics pg_temp.st set statistics 10", ""},
		{"comment on trigger tg on tt is 'x'", ""},
		{"comment on policy po on tt is 'x'", ""},
		{"comment on rule ru on tt is 'x'", ""},
		{"drop function pg_temp.f(), perm()", "0A000"},
		{"drop type pg_temp.ty, permty", "0A000"},
		{"drop table tt, perm", ""},
		{"drop statistics pg_temp.st, permst", "0A000"},
		{"drop view tv, permv", ""},
		{"grant select on tt, perm to public", "0A000"},
		{"truncate tt, perm", ""},
		{"alter trigger tg on tt rename to th", ""},
		{"comment on operator pg_temp.=== (int, int) is 'x'", ""},
		{"drop operator pg_temp.=== (int, int)", ""},
		{"comment on domain pg_temp.dom is 'x'", ""},
		{"comment on constraint domc on domain pg_temp.dom is 'x'", ""},
		{"alter domain pg_temp.dom set default 4", ""},
		{"grant select (k) on tt to public", ""},
		{"grant all on all tables in schema pg_temp to public", ""},
		{"comment on column tt.k is 'x'", ""},
		{"comment on collation pg_temp.co is 'x'", ""},
		{"alter table perm add t tt", "0A000"},
		{"drop table if exists tt, nosuch, perm, elsewhere cascade", ""},
		{"drop index tt_i, perm_i", ""},
	} {
		conn := p.Leader.Connect(t)
		harness.Execute(t, conn, fmt.Sprintf("create schema base%d; set search_path = base%d; create table elsewhere (k int); create view of_perm as select 1 as k", i, i),
			"create function pg_temp.f() returns int language sql as 'select 1'; create function perm() returns int language sql as 'select 1'",
			"create type pg_temp.ty as (a int); create type permty as (a int); create temp table tt (k int check (k > 0)); create index tt_i on tt (k); create table perm (k int); create index perm_i on perm (k)",
			"create statistics pg_temp.st on (k+1), (k+2) from tt; create statistics permst on (k+1), (k+2) from perm; create temp view tv as select 1; create view permv as select 1 as one; create function tf() returns trigger language plpgsql as 'begin return new; end'; create trigger tg before insert on tt for each row execute function tf(); create policy po on tt; create rule ru as on update to tt do instead nothing",
			"create function pg_temp.eq(int, int) returns bool language sql as 'select $1 = $2'; create operator pg_temp.=== (function = pg_temp.eq, leftarg = int, rightarg = int); create domain pg_temp.dom as int constraint domc check (value > 0); create collation pg_temp.co from \"C\"")
		if c.sqlstate == "" {
			harness.Execute(t, conn, c.sql)
		} else {
			harness.Refused(t, conn, c.sqlstate, c.sql)
		}
		if p.Sync(t); t.Failed() {
			t.Fatal(c.sql)
		}
		conn.Close(harness.Context(t))
	}
	harness.WaitUntil(t, p.Leader, "select not exists (select from pg_proc p join pg_namespace n on p.pronamespace = n.oid where nspname ~ '^pg_temp')")
	p.Same(t)
}
