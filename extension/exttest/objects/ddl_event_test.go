package objects

import (
	"slices"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// An event trigger fires on the leader alone. What it does, rows and schema
// changes, is replicated at its place beside the statement.
func TestDDLEventTriggers(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create role app", "create schema ev", "create table ev.log (n serial primary key, event text, tag text, what text, at timestamptz default clock_timestamp())",
		"create table ev.keyed (k int primary key, v text)", "insert into ev.keyed select i, i from generate_series(1, 5) i", "create view ev.shown as select * from ev.keyed",
		"create function ev.note() returns event_trigger language plpgsql as $$begin insert into ev.log (event, tag) values (tg_event, tg_tag); end$$",
		"create function ev.note_end() returns event_trigger language plpgsql security definer set search_path = ev as $$declare o record; begin for o in select * from pg_event_trigger_ddl_commands() loop insert into log (event, tag, what) values (tg_event, o.command_tag, o.object_identity); end loop; end$$",
		"create function ev.note_drop() returns event_trigger language plpgsql as $$begin insert into ev.log (event, tag, what) select tg_event, tg_tag, object_identity from pg_event_trigger_dropped_objects(); end$$",
		"create function ev.note_rewrite() returns event_trigger language plpgsql as $$begin insert into ev.log (event, tag, what) values (tg_event, tg_tag, pg_event_trigger_table_rewrite_oid()::regclass); end$$",
		"create function ev.own() returns event_trigger language plpgsql as $$declare o record; begin for o in select * from pg_event_trigger_ddl_commands() where command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') and object_type = 'table' and not object_identity like '%.own_%' loop execute format('alter table %s owner to app', o.object_identity); execute format('grant select on %s to public', o.object_identity); execute format('create index on %s ((1))', o.object_identity); end loop; end$$",
		"create event trigger a_start on ddl_command_start execute function ev.note()", "create event trigger b_end on ddl_command_end execute function ev.note_end()",
		"create event trigger c_drop on sql_drop execute function ev.note_drop()", "create event trigger d_rewrite on table_rewrite execute function ev.note_rewrite()",
		"create event trigger z_own on ddl_command_end execute function ev.own()")
	for _, sql := range []string{
		"create table ev.t (k serial primary key, v text)", "insert into ev.t (v) values ('a'), ('b')",
		"alter table ev.t add r float8 default random()", "alter table ev.t alter v type varchar(3) using left(v, 1)", "alter table ev.t drop column r",
		"create table ev.child () inherits (ev.t)", "create table ev.copy as select * from ev.t", "select * into ev.into from ev.t",
		"create table ev.p (at timestamptz) partition by range (at)", "create table ev.p1 partition of ev.p for values from (now()) to (now() + interval '1 day')",
		"create materialized view ev.m as select k, random() r from ev.t", "refresh materialized view ev.m",
		"create unique index on ev.m (k)", "refresh materialized view concurrently ev.m", "create index concurrently on ev.t (v)",
		"create schema ev2 create table inner_t (k int) create view inner_v as select * from inner_t", "drop schema ev2 cascade",
		"drop table ev.t, ev.copy cascade", "drop table if exists ev.t", "create table if not exists ev.into (k int)",
		"create extension citext", "create extension hstore version '1.4'", "alter extension hstore update to '1.8'", "drop extension citext",
		"create temp table scratch (k int); drop table scratch", "alter table ev.log disable trigger all",
		"begin; create table ev.kept (k int); savepoint s; create table ev.gone (k int); rollback to s; insert into ev.kept values (1); alter table ev.kept add c int; commit",
		"do $$begin create table ev.caught (k int); begin create table ev.lost (k int); raise 'no'; exception when raise_exception then null; end; insert into ev.caught values (1); end$$",
		"comment on table ev.kept is 'c'", "grant select on ev.kept to app", "alter default privileges in schema ev grant select on tables to app",
		"reassign owned by app to postgres", "drop owned by app",
	} {
		p.Run(t, sql)
		if p.Same(t); t.Failed() {
			t.Fatal(sql)
		}
	}
	harness.SameAnswer(t, p, "select array_agg((event, tag, what, at) order by n) from ev.log")
	for _, event := range []string{"ddl_command_start", "ddl_command_end", "sql_drop", "table_rewrite"} {
		if n := harness.Answer(t, p.Follower.Connect(t), "select count(*) > 0 from ev.log where event = '"+event+"'"); n != "true" {
			t.Errorf("%s has left no row: %s", event, n)
		}
	}
}

// The change set tells in which order things happened: what a trigger for the
// start does stands before the statement, what one for the end does behind it.
func TestDDLEventTriggersOrder(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table heard (what text)",
		"create function hear() returns event_trigger language plpgsql as $$begin insert into heard values (tg_event); if tg_tag = 'CREATE VIEW' then execute 'create table if not exists beside (k int)'; end if; end$$",
		"create event trigger starts on ddl_command_start execute function hear()", "create event trigger ends on ddl_command_end execute function hear()")
	before := len(p.Leader.Gate.Chosen())
	p.Run(t, "create view v as select 1 as k")
	var got []string
	for _, m := range harness.MessagesOf(t, p.Leader.Gate.Chosen()[before]) {
		switch m := m.(type) {
		case changeset.Statement:
			got = append(got, m.Tag)
		case changeset.Insert:
			got = append(got, "row")
		}
	}
	// Each CREATE TABLE fires the triggers, too; the second one makes nothing.
	want := []string{"row", "row", "CREATE TABLE", "row", "CREATE VIEW", "row", "row", "row"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	p.Same(t)
}

// In the middle of a statement rows have no place where other nodes could take
// them if it has changed their table; nor has a schema change.
func TestDDLEventTriggersInTheMiddle(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table log (tag text)", "create table t (k int)", "create type pair as (a int, b int)", "create table typed of pair", "create table holds (p pair)",
		"create function middle() returns event_trigger language plpgsql as $$begin execute current_setting('my.statement'); end$$",
		"create event trigger rewrites on table_rewrite execute function middle()",
		"create event trigger scripts on ddl_command_end when tag in ('CREATE FUNCTION') execute function middle()")
	conn := p.Leader.Connect(t)
	for _, c := range []struct{ statement, in, sqlstate string }{
		{"insert into t values (1)", "alter table t alter k type bigint", "0A000"},
		{"create table more (k int)", "alter table t alter k type bigint", "0A000"},
		{"create table more (k int)", "create extension hstore", "0A000"},
		{"insert into holds values ((1, 2))", "alter type pair alter attribute a type bigint cascade", "0A000"},
		{"truncate t", "alter table t alter k type bigint", "0A000"},
		{"insert into log values (1)", "alter table t alter k type bigint", ""},
		{"insert into log values (2)", "create extension hstore", ""},
		{"create temp table scratch (k int); insert into scratch values (1); insert into log select k from scratch; drop table scratch", "alter table t alter k type int", ""},
		{"truncate log", "create extension citext", ""},
		{"raise", "create extension ltree", "42601"},
	} {
		harness.Execute(t, conn, "select set_config('my.statement', $m$"+c.statement+"$m$, false)")
		if c.sqlstate != "" {
			harness.Refused(t, conn, c.sqlstate, c.in)
		} else {
			harness.Execute(t, conn, c.in)
		}
	}
	harness.Execute(t, conn, "create table after (k int)", "insert into after values (1)", "insert into log values ('last')")
	p.Same(t)
	if n := harness.Answer(t, p.Follower.Connect(t), "select count(*) from log"); n != "1" {
		t.Errorf("%s rows, not 1", n)
	}
}

// What an event trigger changes before a statement begins counts for the
// statement, on every node.
func TestDDLEventTriggersBefore(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create schema a", "create schema b", "create role app superuser", "create table a.t (k int)", "insert into a.t values (1)", "create table b.t (k int)", "insert into b.t values (2)",
		"create function before() returns event_trigger language plpgsql as $$declare once text := current_setting('my.before', true); begin if once <> '' then perform set_config('my.before', '', false); execute once; end if; end$$",
		"create event trigger begins on ddl_command_start execute function before()")
	for _, c := range []struct{ before, statement string }{
		{"set search_path = b", "create table made (k int)"},
		{"set search_path = b", "alter table t add r float8 default random()"},
		{"set role app", "create table owned (k int)"},
		{"create table a.later (k int); insert into a.later values (1), (2)", "alter table a.later add u uuid default gen_random_uuid()"},
		{"alter table a.t add inner_c int default 3", "comment on column a.t.k is 'c'"},
		{"set datestyle = 'SQL, DMY'", "create table a.d (day date default '01/02/2020')"},
	} {
		conn := p.Leader.Connect(t)
		harness.Execute(t, conn, "set search_path = a", "select set_config('my.before', $m$"+c.before+"$m$, false)", c.statement)
		if p.Same(t); t.Failed() {
			t.Fatal(c.statement)
		}
	}
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "select set_config('my.before', 'create temp table t (k int)', false)", "set search_path = a")
	harness.Refused(t, conn, "0A000", "alter table t add hidden int")
	p.Same(t)
}
