package ddl

import (
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What only changes catalogs is replayed as it is, of whatever kind.
func TestDDLCatalogs(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema cat", "create schema cat2", "create role cat_a", "create role cat_b", "grant all on schema cat, cat2 to cat_a, cat_b",
		"create table cat.t (k int primary key, v text, w int)")
	for _, group := range []struct {
		name       string
		statements []string
	}{
		{"operators", []string{
			"create function cat.near(int, int) returns bool language sql immutable as 'select abs($1 - $2) < 2'",
			"create function cat.cmp(int, int) returns int language sql immutable as 'select $1 - $2'",
			"create operator cat.=~ (leftarg = int, rightarg = int, function = cat.near, commutator = operator(cat.=~), restrict = eqsel)",
			"alter operator cat.=~ (int, int) set (join = eqjoinsel)", "alter operator cat.=~ (int, int) owner to cat_a",
			"create operator family cat.fam using btree", "create operator class cat.ops for type int using btree family cat.fam as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 cat.cmp(int, int)",
			"alter operator family cat.fam using btree add operator 1 < (int, bigint), function 1 (int, bigint) btint48cmp(int, bigint)",
			"alter operator family cat.fam using btree drop operator 1 (int, bigint), function 1 (int, bigint)",
			"create index on cat.t (w cat.ops)", "insert into cat.t values (1, 'a', 1), (2, 'b', 2)", "update cat.t set w = w + 1",
			"alter operator class cat.ops using btree rename to ops2", "alter operator family cat.fam using btree set schema cat2",
			"comment on operator cat.=~ (int, int) is 'near'", "comment on operator class cat.ops2 using btree is 'ops'", "comment on operator family cat2.fam using btree is 'fam'",
			"alter operator cat.=~ (int, int) set schema cat2", "drop operator cat2.=~ (int, int)",
		}},
		{"aggregates and casts", []string{
			"create aggregate cat.total(int) (sfunc = int4pl, stype = int, initcond = '0', parallel = safe)",
			"create aggregate cat.med(float8 order by int) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra)",
			"create or replace aggregate cat.total(int) (sfunc = int4pl, stype = int, initcond = '5')",
			"alter aggregate cat.total(int) rename to summed", "alter aggregate cat.summed(int) owner to cat_a", "comment on aggregate cat.summed(int) is 'x'",
			"create type cat.pair as (a int, b int)", "create function cat.to_pair(int) returns cat.pair language sql immutable as 'select row($1, $1)::cat.pair'",
			"create cast (int as cat.pair) with function cat.to_pair(int) as assignment", "comment on cast (int as cat.pair) is 'cast'",
			"create cast (cat.pair as text) with inout as implicit", "drop cast (cat.pair as text)",
			"create transform for int language sql (from sql with function time_support(internal))", "drop transform if exists for int language sql", "drop aggregate cat.summed(int)",
		}},
		{"types", []string{
			"create type cat.shell", "create function cat.shell_in(cstring) returns cat.shell language internal immutable strict as 'textin'",
			"create function cat.shell_out(cat.shell) returns cstring language internal immutable strict as 'textout'",
			"create type cat.shell (input = cat.shell_in, output = cat.shell_out, like = text)", "create table cat.shells (s cat.shell)", "insert into cat.shells values ('base type')",
			"alter type cat.shell set (storage = extended)", "alter type cat.shell owner to cat_a",
			"create type cat.mood as enum ('a', 'c')", "alter type cat.mood add value 'b' before 'c'", "create table cat.moods (m cat.mood default 'b')", "insert into cat.moods values ('b'), (default)",
			"alter type cat.mood add value if not exists 'b'", "alter type cat.mood add value 'd'; insert into cat.moods values ('a')", "insert into cat.moods values ('d')",
			"begin; alter type cat.mood rename value 'd' to 'e'; insert into cat.moods values ('e'); commit", "begin; alter type cat.mood add value 'f'; commit; insert into cat.moods values ('f')",
			"begin; create type cat.fresh as enum ('x'); alter type cat.fresh add value 'y'; create table cat.freshs (f cat.fresh); insert into cat.freshs values ('x'); commit",
			"begin; alter type cat.mood add value 'g'; savepoint s; alter type cat.mood add value 'h'; rollback to s; commit",
			"alter type cat.mood rename to feeling", "alter type cat.feeling set schema cat2",
			"create domain cat.dom as int check (value > 0)", "alter domain cat.dom rename constraint dom_check to positive", "alter domain cat.dom drop constraint positive",
			"alter domain cat.dom add constraint big check (value > 10) not valid", "alter domain cat.dom validate constraint big", "comment on constraint big on domain cat.dom is 'c'",
			"create type cat.r as range (subtype = int, multirange_type_name = cat.mr)", "create table cat.rs (r cat.r, m cat.mr)", "insert into cat.rs values ('[1,5)', '{[1,2),[4,5)}')",
		}},
		{"collations, conversions, text search", []string{
			"create collation cat.c (provider = libc, locale = 'C')", "create collation cat.i (provider = icu, locale = 'en', deterministic = false)", "create collation cat.from_c from cat.c",
			"alter collation cat.c refresh version", "alter collation cat.from_c rename to d", "comment on collation cat.d is 'd'", "drop collation cat.d",
			"create conversion cat.conv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8", "alter conversion cat.conv owner to cat_a", "comment on conversion cat.conv is 'x'",
			"create text search dictionary cat.dict (template = simple, stopwords = english)", "alter text search dictionary cat.dict (accept = false)",
			"create text search configuration cat.conf (copy = english)", "alter text search configuration cat.conf alter mapping for asciiword with cat.dict, simple",
			"alter text search configuration cat.conf drop mapping for email", "create text search parser cat.par (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)",
			"create text search template cat.tmpl (lexize = dsimple_lexize, init = dsimple_init)", "comment on text search configuration cat.conf is 'x'", "comment on text search dictionary cat.dict is 'y'",
			"create table cat.docs (d text, ts tsvector generated always as (to_tsvector('english', d)) stored)", "insert into cat.docs values ('the quick foxes')", "create index on cat.docs using gin (ts)",
			"alter text search configuration cat.conf rename to config", "drop text search parser cat.par", "drop text search template cat.tmpl",
		}},
		{"statistics and comments", []string{
			"create statistics cat.st (ndistinct, dependencies) on v, w from cat.t", "alter statistics cat.st set statistics 100", "create statistics cat.ex on (w + 1), v from cat.t", "comment on statistics cat.st is 's'",
			"alter statistics cat.st rename to st2", "alter statistics cat.st2 owner to current_user", "drop statistics cat.st2",
			"comment on column cat.t.v is 'v'", "comment on constraint t_pkey on cat.t is 'pk'", "comment on index cat.t_pkey is 'i'", "comment on role cat_a is 'r'", "comment on database postgres is 'd'",
			"comment on extension plpgsql is 'e'", "comment on language plpgsql is 'l'", "comment on schema cat is 's'", "comment on schema cat is null", "comment on access method heap is 'h'",
			"comment on function cat.near(int, int) is 'f'", "comment on type cat.pair is 't'",
		}},
		{"privileges", []string{
			"alter default privileges for role cat_a in schema cat grant select, insert on tables to cat_b", "alter default privileges for role cat_a grant execute on functions to public", "set role cat_a; create table cat.by_a (k serial); create function cat.fa() returns int language sql as 'select 1'; reset role",
			"alter default privileges for role cat_a in schema cat revoke insert on tables from cat_b", "grant usage on type cat.pair to cat_b", "grant usage on language plpgsql to cat_a", "grant create, connect on database postgres to cat_a",
			"revoke all on all functions in schema cat from public", "grant select (k), update (v) on cat.t to cat_b", "grant set on parameter work_mem to cat_a", "revoke set on parameter work_mem from cat_a", "grant pg_read_all_data to cat_b with admin option", "revoke admin option for pg_read_all_data from cat_b",
			"alter schema cat2 owner to cat_a", "alter function cat.near(int, int) owner to cat_b", "alter table cat.t owner to cat_b", "alter view if exists cat.nothing owner to cat_b",
			"alter database postgres set statement_timeout = '1h'", "alter role cat_a set search_path = cat, public", "alter role cat_a in database postgres set work_mem = '8MB'", "alter role all set log_min_duration_statement = 5000", "alter role all reset all", "alter role cat_a reset all",
			"alter database postgres reset statement_timeout", "alter database postgres connection limit 50", "alter database postgres connection limit -1", "alter database postgres owner to cat_a", "alter database postgres owner to postgres", "revoke all on database postgres from cat_a",
			"alter routine cat.near(int, int) parallel safe", "alter function cat.near(int, int) set search_path = cat", "reassign owned by cat_b to cat_a", "drop owned by cat_b", "alter role cat_b rename to cat_c", "drop role cat_c",
		}},
		{"publications", []string{
			"create publication cat_pub for table cat.t (k, v) where (k > 0)", "alter publication cat_pub set (publish = 'insert')", "alter publication cat_pub add table cat.moods", "alter publication cat_pub drop table cat.moods",
			"alter publication cat_pub owner to cat_a", "comment on publication cat_pub is 'p'", "create publication cat_schema for tables in schema cat2, cat", "drop publication if exists cat_schema", "alter publication cat_pub rename to cat_pub2", "create publication cat_all for all tables with (publish_via_partition_root)", "drop publication cat_all",
		}},
		{"event triggers", []string{
			"create function cat.ev() returns event_trigger language plpgsql as $$begin perform tg_tag; perform * from pg_event_trigger_ddl_commands(); end$$",
			"create event trigger cat_ev on ddl_command_end when tag in ('CREATE TABLE', 'ALTER TABLE') execute function cat.ev()", "create table cat.evented (k serial primary key)", "alter table cat.evented add r float8 default random()",
			"alter event trigger cat_ev disable", "alter event trigger cat_ev enable always", "alter event trigger cat_ev rename to cat_ev2", "comment on event trigger cat_ev2 is 'e'", "create table cat.as_evented as select 1 as k", "drop event trigger cat_ev2",
		}},
		{"languages and rules", []string{
			"create trusted language cat_lang handler plpgsql_call_handler", "alter language cat_lang rename to cat_lang2", "drop language cat_lang2",
			"create view cat.v as select * from cat.t", "create or replace rule r as on insert to cat.v do instead insert into cat.t values (new.k, 'by rule')", "insert into cat.v values (77)", "alter rule r on cat.v rename to r2", "comment on rule r2 on cat.v is 'r'", "drop rule r2 on cat.v",
			"create policy po on cat.t using (k > 0)", "comment on policy po on cat.t is 'p'", "alter policy po on cat.t using (k > 1)", "create trigger tg after insert on cat.t execute function suppress_redundant_updates_trigger()", "comment on trigger tg on cat.t is 't'", "drop trigger tg on cat.t",
		}},
	} {
		t.Run(group.name, func(t *testing.T) {
			p.Run(t, group.statements...)
			p.Same(t)
		})
	}
}

// IF EXISTS drops what is there on every node, also what is in no schema, and
// records nothing where nothing is.
func TestDDLDropIfExists(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema perhaps", "create table perhaps.t (k int)", "create view perhaps.v as select 1 as k",
		"create function perhaps.f() returns trigger language plpgsql as 'begin return null; end'",
		"create function perhaps.ev() returns event_trigger language plpgsql as 'begin end'")
	conn := p.Leader.Connect(t)
	for _, c := range []struct{ create, drop string }{
		{"create role perhaps_role", "drop role if exists perhaps_role, perhaps_nobody"},
		{"create trigger tg after insert on perhaps.t execute function perhaps.f()", "drop trigger if exists tg on perhaps.t"},
		{"create policy po on perhaps.t using (true)", "drop policy if exists po on perhaps.t"},
		{"create rule r as on insert to perhaps.v do instead nothing", "drop rule if exists r on perhaps.v"},
		{"create type perhaps.pair as (a int); create cast (perhaps.pair as text) with inout", "drop cast if exists (perhaps.pair as text)"},
		{"create transform for int language sql (from sql with function time_support(internal))", "drop transform if exists for int language sql"},
		{"create language perhaps_lang handler plpgsql_call_handler", "drop language if exists perhaps_lang"},
		{"create publication perhaps_pub", "drop publication if exists perhaps_pub"},
		{"create event trigger perhaps_ev on sql_drop execute function perhaps.ev()", "drop event trigger if exists perhaps_ev"},
		{"create schema perhaps2", "drop schema if exists perhaps2"},
		{"create extension citext", "drop extension if exists citext"},
		{"alter table perhaps.t add c int, add check (k > 0)", "alter table if exists perhaps.t drop column if exists c, drop constraint if exists t_k_check"},
	} {
		before := len(p.Leader.Gate.Chosen())
		harness.Execute(t, conn, c.create)
		p.Same(t)
		harness.Execute(t, conn, c.drop)
		if n := harness.CountStatements(t, p, before); n < 2 {
			t.Errorf("%s: not recorded", c.drop)
		}
		p.Same(t)
		before = len(p.Leader.Gate.Chosen())
		harness.Execute(t, conn, c.drop)
		p.Same(t)
		if n := harness.CountStatements(t, p, before); n > 0 && c.drop[:5] == "drop " {
			t.Errorf("%s: recorded, and did nothing", c.drop)
		}
	}
}
