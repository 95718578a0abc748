package objects

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A session of Barista's begins as a role that may nothing, and stays it; nobody else gets such a session.
func TestOwnSessionsMayNothing(t *testing.T) {
	s := harness.SharedLeader(t)
	admin := s.Connect(t)
	harness.Execute(t, admin, "create role eve login", "create table secrets (v int)")
	own := s.ConnectAs(t, "barista", "postgres")
	for sql, want := range map[string]string{
		"session_user": "barista_nobody",
		"current_user": "barista_nobody",
		"select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or rolcanlogin from pg_roles where rolname = session_user": "false",
		"select count(*) from pg_auth_members where 'barista_nobody'::regrole in (roleid, member)":                                                    "0",
		"select count(*) from pg_shdepend where refobjid = 'barista_nobody'::regrole and deptype <> 'a'":                                              "0",
	} {
		if got := harness.Value(t, own, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	for _, sql := range []string{"select * from secrets", "select rolpassword from pg_authid", "create table t (v int)"} {
		harness.Refused(t, own, "42501", sql)
	}
	for _, sql := range []string{
		"set session authorization postgres", "set session authorization barista", "reset session authorization",
		"set role postgres", "reset role", "set local role none",
		"select set_config('role', 'postgres', false)", "select set_config('session_authorization', 'barista', true)",
	} {
		harness.Refused(t, own, "55P02", sql)
	}
	if got := harness.Value(t, own, "session_user || current_user"); got != "barista_nobodybarista_nobody" {
		t.Errorf("it has become %s", got)
	}
	for _, role := range []string{"eve", "postgres"} {
		if _, err := s.Dial(harness.Context(t), role, "postgres", "barista.session", "own"); harness.SQLState(err) != "22023" {
			t.Errorf("%s gets an own session: %v", role, err)
		}
	}
	harness.Refused(t, admin, "55P02", "set barista.session = 'own'")
	for _, sql := range []string{"alter role barista_nobody superuser", "grant postgres to barista_nobody", "drop role barista_nobody", "drop owned by barista_nobody"} {
		harness.Refused(t, admin, "0A000", sql)
	}
}

// Nobody comes through a door as Barista's own role, by whatever name the server takes him for it.
func TestNobodyIsBaristaThroughADoor(t *testing.T) {
	s := harness.SharedLeader(t)
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s user=barista dbname=postgres", s.Dir))
	if err != nil {
		t.Fatal(err)
	}
	config.DialFunc = (&net.Dialer{LocalAddr: &net.UnixAddr{Net: "unix", Name: "@barista." + t.Name()}}).DialContext
	if _, err := pgx.ConnectConfig(harness.Context(t), config); harness.SQLState(err) != "28000" {
		t.Errorf("role barista: %v", err)
	}
}

// The functions of an index run on followers as the table's owner. So along the path of whoever writes they find nothing there that others made.
func TestIndexFunctionsAlongAnothersPath(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		"create role alice", "create role eve", "grant create on database postgres to alice, eve", "grant alice to postgres", "grant eve to postgres",
		"set role alice", "create schema alice", "grant usage on schema alice to public",
		"create function alice.helper(i int) returns int language plpgsql immutable as 'begin return i; end'",
		"create function alice.f(i int) returns int language plpgsql immutable as 'begin return helper(i); end'",
		"create function alice.q(i int) returns int language plpgsql immutable set search_path = alice as 'begin return helper(i); end'",
		"create table alice.t (v int)", "create table alice.q (v int)", "grant all on alice.t, alice.q to eve",
		"set search_path = alice", "create index on alice.t (alice.f(v))", "create index on alice.q (alice.q(v))",
		"set role eve", "create schema eve",
		"create function eve.helper(i int) returns int language plpgsql immutable as 'begin if current_user <> $$eve$$ then raise exception $$as %$$, current_user; end if; return i; end'",
	)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "set role eve")
	for _, path := range []string{"eve", "eve, alice", "alice, eve"} {
		harness.Execute(t, conn, "set search_path = "+path)
		failure := harness.Refused(t, conn, "0A000", "insert into alice.t values (1)")
		if !strings.Contains(failure.Message, "alice.f(integer)") && !strings.Contains(failure.Message, "function f(integer)") ||
			!strings.Contains(failure.Message, `schema "eve"`) {
			t.Errorf("path %s: %v", path, failure)
		}
		harness.Execute(t, conn, "insert into alice.q values (1)")
	}
	harness.Execute(t, conn, "set search_path = alice, pg_temp", "insert into alice.t values (2)")

	// What was not trusted, is, and the other way round.
	harness.Execute(t, conn, "reset role", "alter schema eve owner to alice", "grant usage on schema eve to eve", "drop function eve.helper(int)", "set role eve", "set search_path = eve, alice",
		"insert into alice.t values (3)", "reset role", "grant usage, create on schema eve to eve", "set role eve")
	harness.Refused(t, conn, "0A000", "insert into alice.t values (4)")

	// Nor is a schema trusted in which she could create once, and owns something.
	harness.Execute(t, conn, "set search_path = public, alice", "reset role", "grant create on schema public to eve", "set role eve",
		"create function public.helper(i int) returns int language plpgsql immutable as 'begin if current_user <> $$eve$$ then raise exception $$as %$$, current_user; end if; return i; end'",
		"create table public.eves (v int)", "reset role", "revoke create on schema public from eve", "set role eve")
	harness.Refused(t, conn, "0A000", "insert into alice.t values (5)")
	harness.Execute(t, conn, "drop function public.helper(int)")
	harness.Refused(t, conn, "0A000", "insert into alice.t values (6)")
	harness.Execute(t, conn, "drop table public.eves", "insert into alice.t values (7)")

	// Nor one that its owner may not use.
	harness.Execute(t, conn, "reset role", "create schema closed", "grant usage on schema closed to eve", "create function closed.helper(i int) returns int language sql immutable as 'select i'",
		"set role eve", "set search_path = closed")
	harness.Refused(t, conn, "0A000", "insert into alice.t values (8)")
	p.Same(t)
}

// It does not matter how deep in a function of an index, or where in a domain, what follows the path stands.
func TestPathsOfWhatIndexFunctionsCall(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		"create role alice", "create role eve", "create schema alice authorization alice", "create schema eve authorization eve", "grant usage on schema alice to public",
		"set role alice", "set search_path = alice",
		"create function helper(i int) returns int language plpgsql immutable as 'begin return i; end'",
		"create function f(i int) returns int language plpgsql immutable as 'begin return helper(i); end'",
		"create function own(i int) returns int language plpgsql immutable set search_path = alice as 'begin return helper(i); end'",
		"create function body(i int) returns int language sql immutable begin atomic select alice.f(i); end",
		"create function deep(i int) returns int language sql immutable begin atomic select x from (select alice.body(i) as x) y; end",
		"create function fine(i int) returns int language sql immutable begin atomic select alice.own(i) + abs(i); end",
		"create function step(s int, i int) returns int language plpgsql immutable as 'begin return helper(s + i); end'",
		"create aggregate total(int) (sfunc = step, stype = int, initcond = 0)",
		"create function summed(i int) returns int language sql immutable begin atomic select alice.total(x) from (values (i)) v(x); end",
		"create domain base as int check (alice.f(value) > 0)", "create domain narrow as base check (value < 9)", "create domain harmless as int check (alice.own(value) > 0)",
		"create table deep (v int)", "create index on deep (deep(v))",
		"create table summed (v int)", "create index on summed ((1)) where summed(v) > 0",
		"create table checked (v int)", "create index on checked ((v::narrow))",
		"create domain constant as int check (alice.f(5) > 0)", "create domain settled as int check (alice.own(5) > 0)",
		"create type pair as (a int, b constant)", "create table folded (v pair[])", "create table fine_too (v settled[])",
		"create function far(a int, b int) returns float8 language plpgsql immutable as 'begin return helper(a - b); end'",
		"create type span as range (subtype = int, subtype_diff = far)", "create table spans (v span)", "create index on spans using gist (v)",
		"create table fine (v int)", "create index on fine (fine(v), (v::harmless))",
		"grant insert on all tables in schema alice to eve",
		"set role eve", "create function eve.helper(i int) returns int language plpgsql immutable as 'begin return i + 1; end'")
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "set role eve", "set search_path = eve")
	for _, table := range []string{"deep", "summed", "checked"} {
		if failure := harness.Refused(t, conn, "0A000", "insert into alice."+table+" values (1)"); !strings.Contains(failure.Message, `schema "eve"`) {
			t.Errorf("%s: %v", table, failure)
		}
	}
	harness.Refused(t, conn, "0A000", "insert into alice.folded values (array[row(1, 1)::alice.pair])")
	harness.Refused(t, conn, "0A000", "insert into alice.spans select alice.span(x, x + 5) from generate_series(1, 500) x")
	harness.Execute(t, conn, "insert into alice.fine values (1)", "insert into alice.fine_too values ('{1}')", "set search_path = alice",
		"insert into folded values (array[row(1, 1)::pair])",
		"insert into deep values (1)", "insert into summed values (1)", "insert into checked values (1)")
	p.Same(t)
}

// Names inside values of users' types are read by the table's owner on followers. One that he may not look up is refused.
func TestNamesThatOwnersMayNotUse(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		"create role alice", "create role eve", "create schema alice authorization alice", "create schema eve authorization eve", "grant usage on schema alice to public",
		"set role alice", "create type alice.pair as (a int, c regclass)", "create domain alice.name as regtype",
		"create table alice.rows (v alice.pair)", "create table alice.arrays (v alice.name[])", "create table alice.plain (v regclass)",
		"grant all on alice.rows, alice.arrays, alice.plain to eve", "set role eve", "create table eve.secret ()", "create type eve.secrets as ()")
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "set role eve")
	for _, sql := range []string{"insert into alice.rows values (row(1, 'eve.secret'::regclass))", "insert into alice.arrays values (array['eve.secrets'::regtype])"} {
		harness.Refused(t, conn, "42501", sql)
	}
	harness.Execute(t, conn, "insert into alice.plain values ('eve.secret')", "insert into alice.rows values (row(1, 'alice.plain'::regclass))", "insert into alice.arrays values ('{int}')")
	p.Same(t)
}

// Whoever may make databases, but not copy this one, does not end the sessions that Barista has in it.
func TestRefusedCopiesEndNoSessions(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	harness.Execute(t, s.Connect(t), "create role maker login createdb", "create database elsewhere")
	own := s.ConnectAs(t, "barista", "postgres")
	harness.Refused(t, s.ConnectAs(t, "maker", "elsewhere"), "42501", "create database x template postgres")
	if got := harness.Value(t, own, "1"); got != "1" {
		t.Errorf("its own session says %s", got)
	}
}

// What a function in a schema change sets for its session does not last in the session that applies.
func TestSettingsEndWithTheirStatement(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		"create table texts (b bytea)", "create index on texts ((b::text))", "create table other (a int)", "insert into other values (1)",
		`create function sets() returns int language plpgsql immutable as 'begin
			if session_user = $$barista_nobody$$ then perform set_config($$bytea_output$$, $$escape$$, false); end if; return 1; end'`,
		"begin", "alter table other add column c int default sets()", `insert into texts values ('\x01')`, "commit")
	follower := p.Follower.Connect(t)
	harness.Execute(t, follower, "set enable_seqscan = off")
	if got := harness.Value(t, follower, `select count(*) from texts where b::text = '\x01'`); got != "1" {
		t.Errorf("the follower's index finds %s rows", got)
	}
	p.Same(t)
}

// The server's own functions call those of a users' type. In an index's expression, too, these are run by the table's owner on followers.
func TestTypesFunctionsInIndexes(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		"create role alice", "create schema alice authorization alice",
		"create type alice.span",
		"create function alice.canonical(alice.span) returns alice.span language internal immutable strict as 'int4range_canonical'",
		"create type alice.span as range (subtype = int, canonical = alice.canonical)",
		`create or replace function alice.canonical(alice.span) returns alice.span language plpgsql immutable strict as
			'begin if session_user = $$barista_nobody$$ and current_user <> $$alice$$ then raise exception $$as %$$, current_user; end if; return $1; end'`,
		"alter function alice.canonical owner to alice", "alter type alice.span owner to alice", "set role alice",
		"create table alice.spans (a alice.span, b alice.span)",
		"create index on alice.spans (lower(a * b))",
		"create index on alice.spans ((1)) where not isempty(a * b) and not isempty(alice.span(1, 3) * alice.span(2, 4))",
		"insert into alice.spans values ('[1,5)', '[2,9)')", "update alice.spans set a = '[1,7)'", "delete from alice.spans")
	p.Same(t)
}

// What a session of Barista's runs for somebody cannot have Barista's functions run, not even a superuser's code.
func TestOwnFunctionsFromInside(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		`create function inside(i int) returns int language plpgsql immutable as 'begin
			begin perform pg_catalog.barista_flush(); raise exception $$flushed$$; exception when insufficient_privilege then end;
			begin perform pg_catalog.barista_apply($$$$); raise exception $$applied$$; exception when insufficient_privilege then end;
			begin perform pg_replication_origin_advance($$barista$$, $$0/1$$); raise exception $$advanced$$; exception when feature_not_supported then end;
			begin perform pg_replication_origin_create($$other$$); raise exception $$created$$; exception when feature_not_supported then end;
			return i; end'`,
		"create table t (v int)", "create index on t (inside(v))", "insert into t values (1)", "truncate t", "insert into t values (2)")
	p.Same(t)
}

// Nor can what a statement reaches that was sent for something else.
func TestOwnFunctionsAreNamedByTheStatement(t *testing.T) {
	s := harness.SharedLeader(t)
	own := s.ConnectAs(t, "barista", "postgres")
	for _, call := range []string{"start()", "apply('')", "flush()", "horizons(true)", "end_backends(null)", "empty_unlogged()", "hidden('pg_authid')", "row_keys(1, 1, 0, 10)", "sum_rows(1, 1)", "sequence_state(1)"} {
		harness.Refused(t, own, "42501", "do $$begin execute 'select pg_catalog.barista_' || '"+strings.ReplaceAll(call, "'", "''")+"'; end$$")
	}
	harness.Execute(t, own, "select barista_flush()", "select barista_horizons(false)")
}

// A function of language internal is what it calls, whatever its name.
func TestOtherNamesOfTheServersFunctions(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	harness.Execute(t, conn,
		"create function origin_create(text) returns oid language internal strict as 'pg_replication_origin_create'",
		"create function origin_drop(text) returns void language internal strict as 'pg_replication_origin_drop'",
		"create function origin_advance(text, pg_lsn) returns void language internal strict as 'pg_replication_origin_advance'",
		"create function origin_setup(text) returns void language internal strict as 'pg_replication_origin_session_setup'",
		"create function origin_xact(pg_lsn, timestamptz) returns void language internal strict as 'pg_replication_origin_xact_setup'",
		"create function collations(regnamespace) returns int language internal strict as 'pg_import_system_collations'")
	for _, call := range []string{
		"origin_create('x')", "origin_drop('barista')", "origin_advance('barista', '0/1')", "origin_setup('barista')", "origin_xact('0/1', now())", "collations('public')",
	} {
		harness.Refused(t, conn, "0A000", "select "+call)
	}
	if got := harness.Value(t, conn, "select count(*) from pg_replication_origin where roname !~ '^barista'"); got != "0" {
		t.Errorf("%s origins", got)
	}
}

// Large objects that are written through another name of a function are replicated too.
func TestLargeObjectsByOtherNames(t *testing.T) {
	p := harness.SharedPair(t)
	conn := p.Leader.Connect(t)
	p.Run(t,
		"create function lo_other_create(oid) returns oid language internal strict as 'be_lo_create'",
		"create function lo_other_put(oid, bigint, bytea) returns void language internal strict as 'be_lo_put'")
	harness.Execute(t, conn, "select lo_other_put(lo_other_create(0), 0, 'latte')")
	p.SameLargeObjects(t)
	if got := harness.Value(t, p.Follower.Connect(t), "select count(*) from pg_largeobject where data = 'latte'"); got != "1" {
		t.Errorf("%s objects on the follower", got)
	}
}
