package ddl

import (
	"fmt"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// What a schema change evaluates for the rows that are there is evaluated on the
// leader alone, whatever it is; rows and schema are the same afterwards.
func TestDDLEvaluatesOnce(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema once", "set search_path = once; create table t (k int primary key, v text)",
		"insert into once.t select i, i::text from generate_series(1, 5) i",
		"create domain once.stamp as timestamptz default clock_timestamp()", "create domain once.small as int check (value < 100)",
		"create function once.vol(text) returns int language sql volatile as 'select (random() * 1e6)::int'",
		"create function once.claims(int) returns text language plpgsql immutable as $$begin return random()::text; end$$",
		"create function once.check(int) returns bool language sql volatile as 'select random() < 2'",
		"create table once.wide (k int primary key, big text)", "insert into once.wide select i, repeat(md5(i::text), 300) from generate_series(1, 3) i",
		"create table once.empty (v text)")
	for _, sql := range []string{
		"alter table once.t add at timestamptz default now()",
		"alter table once.t add tick timestamptz not null default clock_timestamp()",
		"alter table once.t add id uuid default gen_random_uuid()",
		"alter table once.t add r float8 default random(), add s once.stamp",
		"alter table once.t add pid int default pg_backend_pid(), alter pid set default 0",
		"alter table once.t add serial serial",
		"alter table once.t add big bigserial unique",
		"alter table once.t add ident int generated always as identity (start 10 increment 5)",
		"alter table once.t add double int generated always as (2 * k) stored",
		"alter table once.t add claimed text generated always as (once.claims(k)) stored",
		"alter table once.t add small once.small default 5",
		"alter table once.t alter v type int using once.vol(v)",
		"alter table once.t add check (once.check(k))",
		"alter table once.t alter v type bigint", "alter table once.t alter v type text using v::text",
		"alter table once.t alter at type text",
		"alter table once.t alter at type timestamptz using clock_timestamp(), drop column tick, add extra int default random() * 10",
		"alter table once.wide alter k type bigint using k + 1000", "alter table once.wide add at timestamptz default now()",
		"update once.wide set k = k - 1000", "alter table once.wide add q serial",
		"alter table once.empty alter v type timestamptz using v::timestamptz",
		"insert into once.t (k, v) values (6, 'six')", "update once.t set v = 'x' where k = 6", "delete from once.t where k = 1",
		"alter table once.wide set access method heap",
		"do $$begin alter table once.t add inner_r float8 default random(); insert into once.t (k) values (7); alter table once.t add inner_s serial; update once.t set v = 'y' where k = 7; end$$",
	} {
		p.Run(t, sql)
		if p.Same(t); t.Failed() {
			t.Fatal(sql)
		}
	}
	for _, kept := range []string{"k", "serial", "ident"} { // a follower goes on where the leader stopped
		harness.SameAnswer(t, p, "select array_agg("+kept+" order by k) from once.t")
	}
}

// A foreign key that such a change makes anew is checked against rows that the
// followers get later; its table travels too.
func TestDDLEvaluatesOnceForeignKeys(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema fkey", "create table fkey.pk (k int primary key, v text)", "insert into fkey.pk values (1, 'a'), (2, 'b')",
		"create table fkey.fk (k bigint references fkey.pk, self int references fkey.pk)", "insert into fkey.fk values (1, 2), (2, null)",
		"create table fkey.part (k int references fkey.pk) partition by list (k)", "create table fkey.part1 partition of fkey.part for values in (1)",
		"insert into fkey.part values (1)",
		"alter table fkey.pk alter k type bigint using k + least(0, pg_backend_pid())", "alter table fkey.pk add r float8 default random()",
		"insert into fkey.fk values (2, 1)")
	p.Same(t)
	harness.Refused(t, p.Leader.Connect(t), "23503", "delete from fkey.pk where k = 1")
	if n := len(emptiedTables(t, p)); n < 4 {
		t.Errorf("%d tables were emptied", n)
	}
}

// Partitions, children and typed tables are evaluated once, too.
func TestDDLEvaluatesOnceInTrees(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema tree",
		"create table tree.p (k int, v text) partition by range (k)", "create table tree.p1 partition of tree.p for values from (0) to (10)",
		"create table tree.p2 partition of tree.p for values from (10) to (20) partition by list (k)", "create table tree.p21 partition of tree.p2 default",
		"insert into tree.p select i, i::text from generate_series(1, 15) i",
		"create table tree.base (k int)", "create table tree.child (c int) inherits (tree.base)",
		"insert into tree.base values (1)", "insert into tree.child values (2, 2)",
		"create type tree.pair as (a int, b text)", "create table tree.typed of tree.pair", "insert into tree.typed values (1, 'one')",
		"alter table tree.p add at timestamptz default clock_timestamp()", "alter table tree.p add n serial",
		"alter table tree.p alter v type float8 using random()",
		"alter table tree.base add r float8 default random()", "alter table only tree.child add s uuid default gen_random_uuid()",
		"alter type tree.pair alter attribute a type bigint cascade", "alter type tree.pair alter attribute b type varchar(10) cascade",
		"insert into tree.p values (3, 4)")
	p.Same(t)
}

// What gives the same on every node is done there, and no row travels.
func TestDDLCertainRewritesSendNoRows(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema certain", "create table certain.t (k int primary key, v varchar(20), n numeric, b int)",
		"insert into certain.t select i, i, i, i from generate_series(1, 20) i")
	before := len(p.Leader.Gate.Chosen())
	p.Run(t, "alter table certain.t alter k type bigint", "alter table certain.t alter v type text", "alter table certain.t alter v type varchar(3)",
		"alter table certain.t alter v type int using v::int", "alter table certain.t alter n type numeric(10, 2), alter b type float8",
		"alter table certain.t add at timestamptz not null default now(), add day date default current_date, add local timestamp default localtimestamp, add who name default current_user",
		"alter table certain.t add c int default 7, add d text default 'x' || 'y'", "alter table certain.t add g int generated always as (k::int + 1) stored",
		"alter table certain.t set access method heap")
	for _, proposal := range p.Leader.Gate.Chosen()[before:] {
		for _, m := range harness.MessagesOf(t, proposal) {
			if _, ok := m.(changeset.Insert); ok {
				t.Fatal("a row travelled")
			}
		}
	}
	p.Same(t)
}

// A table that becomes logged is the same everywhere from then on; one that
// becomes unlogged is local.
func TestDDLLoggedAndUnlogged(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema logged", "create unlogged table logged.t (k serial primary key, v text)",
		"insert into logged.t (v) values ('a'), ('b')", "alter table logged.t set logged", "insert into logged.t (v) values ('c')",
		"update logged.t set v = 'B' where k = 2")
	harness.SameAnswer(t, p, "select array_agg(v order by k) from logged.t")
	p.Run(t, "create table logged.u (k int)", "insert into logged.u values (1)", "alter table logged.u set unlogged",
		"insert into logged.u values (2)", "update logged.u set k = 3 where k = 2", "truncate logged.u", "insert into logged.u values (4)")
	if n := harness.Answer(t, p.Follower.Connect(t), "select count(*) from logged.u"); n != "0" {
		t.Errorf("a follower keeps %s rows of a table that became unlogged", n)
	}
	p.Run(t, "alter table logged.u set logged", "insert into logged.u values (5)")
	harness.SameAnswer(t, p, "select array_agg(k order by k) from logged.u")
	p.Same(t)
}

// Partition bounds are evaluated on the leader.
func TestDDLPartitionBounds(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema bound", "create table bound.p (at timestamptz, v text) partition by range (at)",
		"create table bound.now partition of bound.p for values from (now()) to (now() + interval '1 day') with (fillfactor = 70)",
		"create table bound.later (at timestamptz, v text)",
		"set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'; alter table bound.p attach partition bound.later for values from (clock_timestamp() + interval '2 days') to (maxvalue)",
		"create table bound.l (k float8) partition by list (k)", "create table bound.l1 partition of bound.l for values in (random(), sqrt(2), null)",
		"create table bound.h (k int) partition by hash (k)", "create table bound.h1 partition of bound.h for values with (modulus 2, remainder 0)",
		"create table if not exists bound.now partition of bound.p for values from (now()) to ('infinity')",
		"insert into bound.p select max(now() + interval '1 hour') union all select now() + interval '3 days'", "insert into bound.l values (sqrt(2))")
	p.Same(t)
}

// CREATE TABLE AS and SELECT INTO make the same table and the same rows everywhere,
// wherever they run and whatever their query needs.
func TestDDLCreateTableAs(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema ctas", "create type ctas.mood as enum ('sad', 'glad')", "create collation ctas.c (locale = 'C')",
		`create table ctas.src (k int primary key, v varchar(7), n numeric(8, 3), m ctas.mood, "Odd ""name" text collate ctas.c, a timestamptz(3)[])`,
		"insert into ctas.src select i, i, i / 3.0, 'glad', 'o' || i, array[now()] from generate_series(1, 10) i", "create role ctas_owner", "grant all on schema ctas to ctas_owner",
		"alter default privileges in schema ctas grant select on tables to public",
		"create table ctas.log (k int)",
		"create function ctas.writes(k int) returns int language sql volatile as 'insert into ctas.log values (k) returning k'",
		"create function ctas.make(n int) returns bigint language plpgsql as $$declare c bigint; begin create table ctas.made as select n as n, random() r from generate_series(1, n); insert into ctas.made values (0, 0); execute 'create table ctas.made2 as select * from ctas.made'; select count(*) into c from ctas.made2; return c; end$$")
	p.Run(t, "create table ctas.a as select *, random() r, clock_timestamp() at, null::text from ctas.src",
		"select k, v into ctas.b from ctas.src order by k limit 3",
		"create table ctas.c (x, y) with (fillfactor = 50, toast.autovacuum_enabled = false) as select k, m from ctas.src with no data",
		"create table if not exists ctas.a as select 1", "create table if not exists ctas.d as table ctas.src",
		"create temp table only_here as select 5 as five; create table ctas.e as select * from only_here",
		"prepare q(int) as select $1 as p, now() as n; create table ctas.f as execute q(7)",
		"set search_path = ctas; create table g as select * from src; select 1 as one into unlogged h; create table i as values (1, 'a'), (2, 'b')",
		"set role ctas_owner; create table ctas.j as select 1 as k; reset role",
		"create table ctas.k as select ctas.writes(i) as w from generate_series(1, 3) i",
		"select ctas.make(4)", "do $$begin create table ctas.l as select repeat('x', 10000) as long; end$$",
		"begin; create table ctas.m as select 1 as k; savepoint s; create table ctas.n as select 2; rollback to s; insert into ctas.m values (2); update ctas.m set k = 9; commit",
		"create table ctas.o as select from generate_series(1, 3)", "create table ctas.p as select * from ctas.log with data",
		"insert into ctas.a (k) values (11)", "update ctas.b set v = 'x'", "delete from ctas.g", "drop table ctas.h", "alter table ctas.d add primary key (k)")
	p.Same(t)
	conn := p.Leader.Connect(t)
	harness.Refused(t, conn, "42P07", "create table ctas.a as select 1")
	harness.Refused(t, conn, "22012", "create table ctas.never as select 1/0")
	p.Same(t)
}

// A materialized view holds the same rows on every node, whatever its query
// evaluates; REFRESH too, CONCURRENTLY or not.
func TestDDLMaterializedViews(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema mv", "create table mv.t (k int primary key, v text)", "insert into mv.t values (1, 'a'), (2, 'b')")
	same := func(view string) {
		t.Helper()
		p.Sync(t)
		harness.SameAnswer(t, p, fmt.Sprintf("select array_agg(x::text order by x::text) from mv.%s x", view))
	}
	p.Run(t, `create materialized view mv.a (k, "Val ue", r) with (fillfactor = 80) as select k, v || 'it''s \', random() from mv.t`)
	same("a")
	p.Run(t, "create unique index on mv.a (k)", "insert into mv.t values (3, 'c')", "refresh materialized view mv.a")
	same("a")
	p.Run(t, "delete from mv.t where k = 1; update mv.t set v = 'B' where k = 2; insert into mv.t values (4, 'd'), (5, repeat('x', 9000))",
		"refresh materialized view concurrently mv.a")
	same("a")
	p.Run(t, "set search_path = mv, public; create materialized view b as select count(*) as n, now() from t; create materialized view c as select * from b with no data; refresh materialized view b")
	same("b")
	harness.Refused(t, p.Follower.Connect(t), "55000", "select * from mv.c")
	p.Run(t, "refresh materialized view mv.c")
	same("c")
	p.Run(t, "refresh materialized view mv.a with no data")
	harness.Refused(t, p.Follower.Connect(t), "55000", "select * from mv.a")
	p.Run(t, "begin; insert into mv.t values (6, 'f'); refresh materialized view mv.a; insert into mv.t values (7, 'g'); commit",
		"create materialized view if not exists mv.a as select 1",
		"alter materialized view mv.a rename to renamed", "alter materialized view mv.renamed rename column k to key",
		"comment on materialized view mv.renamed is 'view'", "create index on mv.renamed (lower(\"Val ue\"))", "drop materialized view mv.c")
	same("renamed")
	same("b")
	harness.Refused(t, p.Leader.Connect(t), "42809", "insert into mv.b values (1)")
	p.Run(t, "do $$begin execute 'refresh materialized view mv.renamed'; create materialized view mv.d as select 1 as one; refresh materialized view mv.d; end$$")
	same("d")
	same("renamed")
	p.Same(t)
}

// emptiedTables lists the tables of schema fkey that were emptied on followers.
func emptiedTables(t testing.TB, p *harness.Pair) (tables []string) {
	t.Helper()
	for _, proposal := range p.Leader.Gate.Chosen() {
		for _, m := range harness.MessagesOf(t, proposal) {
			if e, ok := m.(changeset.EmptiedTable); ok && e.Schema == "fkey" {
				tables = append(tables, e.Name)
			}
		}
	}
	return tables
}
