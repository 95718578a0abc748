package ddl

import (
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// Statements that depend on what only the leader knows reach the followers in
// another form, and leave the same schema and rows there.
func TestDDLInAnotherForm(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create schema form", "create role app",
		"create table form.t (k int primary key, v text)", "insert into form.t select i, i from generate_series(1, 5) i", "create index t_v on form.t (v)",
		"create table form.p (k int, v text) partition by list (k)", "create table form.p1 partition of form.p for values in (1)",
		"create table form.p2 partition of form.p for values in (2)", "create table form.p3 partition of form.p for values in (3) partition by hash (v)",
		"create table form.h (k int) partition by hash (k)", "create table form.h0 partition of form.h for values with (modulus 1, remainder 0)",
		"create table form.p4 partition of form.p (check (k = 4), k not null) for values in (4)",
		"insert into form.p values (1), (2), (4)", "insert into form.h values (1)",
		"create domain form.d as int", "create table form.held (v form.d)", "insert into form.held values (1), (2)",
		"create function form.perhaps(int) returns bool language sql as 'select pg_backend_pid() > 0 and random() < 2'",
		"create materialized view form.m as select * from form.t", "create index m_v on form.m (v)")
	for i, sql := range []string{
		"alter table form.p detach partition form.p1 concurrently", "alter table form.p detach partition form.p2 CONCURRENTLY",
		"alter table form.p detach partition form.p3 concurrently", "alter table form.h detach partition form.h0 concurrently", "alter table form.p detach partition form.p4 concurrently",
		"alter domain form.d add constraint c check (form.perhaps(value))", "alter domain form.d add check (value > 0)", "alter domain form.d add constraint n check (form.perhaps(value)) not valid",
		"alter domain form.d validate constraint n", "alter domain form.d set not null",
		"explain (analyze, costs off) create table form.made as select k, random() r from form.t", "explain analyze select * into form.into from form.t", "explain analyze create table if not exists form.made as select 1",
		"explain analyze create materialized view form.v as select * from form.t", "explain create table form.not_made as select 1",
		"explain analyze create temp table scratch as select 1", "begin; explain analyze create table form.gone as select 1; rollback", "prepare q as select 7 as k; explain analyze create table form.prepared as execute q",
		"cluster form.t using t_pkey", "cluster form.t using t_v", "cluster form.t", "begin; cluster form.t using t_pkey; insert into form.t values (6); commit", "cluster form.m using m_v",
		"begin; cluster form.t using t_v; rollback", "do $$begin execute 'cluster form.t using t_v'; end$$",
		"create table form.once (k int, v text); create rule \"_RETURN\" as on select to form.once do instead select k, v from form.t", "create or replace view form.once as select k, v from form.t where k > 1",
		"create temp table scratch (k int, v varchar(7)); create function form.copies(a scratch.k%type, out b scratch.v%type) language plpgsql set work_mem = '1MB' as $$begin b := a; end$$; create procedure form.pr(inout a scratch.v%type default 'x') language sql as 'select 1'; create or replace function form.copies(a scratch.k%type, out b scratch.v%type) language sql as 'select 7'",
		"set work_mem = '7MB'; create function form.current(int) returns int language sql /* set work_mem from current */ set work_mem from current set search_path from current SET \"statement_timeout\" /* x */ From -- y\n current as 'select 1'",
		"set search_path = form, \"$user\"; set temp_tablespaces = ''; set my.setting = 'it''s \\ here'; alter function current(int) set my.setting from current set work_mem = '3MB'",
		"set my.setting = 'r'; set search_path = form, public; alter role app set my.setting from current; alter role app set search_path from current; alter role app in database postgres set work_mem from current; alter database postgres set my.setting from current",
		"create table form.a (k int); create temp table b (k int); drop table form.a, b", "create sequence form.s; create temp sequence s2; drop sequence if exists s2, form.s, nosuch",
		"create table form.a (k int); create temp table b (k int); insert into form.a values (1); insert into b values (1); truncate b, form.a; drop table b; insert into form.a values (2)",
		"create extension hstore version '1.4'", "alter extension hstore update", "alter extension hstore update",
		"alter database postgres connection limit 7", "alter database postgres with is_template true", "alter database postgres is_template false connection limit -1 allow_connections true",
	} {
		conn := p.Leader.Connect(t)
		harness.Execute(t, conn, sql)
		conn.Close(harness.Context(t))
		if p.Sync(t); i%8 == 7 {
			p.Same(t)
		}
		if t.Failed() {
			t.Fatal(sql)
		}
	}
	p.Same(t)
	harness.SameAnswer(t, p, "select array_agg((conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)::text order by conname, conrelid::regclass::text) from pg_constraint where connamespace = 'form'::regnamespace")
	harness.SameAnswer(t, p, "select array_agg((indexrelid::regclass, indisclustered)::text order by indexrelid::regclass::text) from pg_index where indexrelid >= 16384")
	harness.SameAnswer(t, p, "select array_agg((proname, proconfig)::text order by proname) from pg_proc where pronamespace = 'form'::regnamespace")
	harness.SameAnswer(t, p, "select array_agg((setdatabase = 0, setrole::regrole, setconfig)::text order by 1) from pg_db_role_setting")
	if got := harness.Answer(t, p.Follower.Connect(t), "select extversion from pg_extension where extname = 'hstore'"); got != "1.8" {
		t.Errorf("hstore %s on the follower", got)
	}
	for _, proposal := range p.Leader.Gate.Chosen() {
		for _, m := range harness.MessagesOf(t, proposal) {
			if s, ok := m.(changeset.Statement); ok && s.Tag == "CLUSTER" && !strings.HasPrefix(s.Text, "ALTER TABLE") {
				t.Errorf("recorded: %s", s.Text)
			}
		}
	}
}

// In a transaction these fail as they do in PostgreSQL, and so do those that
// cannot be.
func TestDDLInAnotherFormErrors(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema formless", "create table formless.p (k int) partition by list (k)", "create table formless.p1 partition of formless.p for values in (1)",
		"create table formless.d (k int) partition by list (k)", "create table formless.d1 partition of formless.d default", "create table formless.d2 partition of formless.d for values in (2)",
		"create table formless.filled (k int)", "insert into formless.filled values (1)", "create table formless.indexed (k int primary key)", "create table formless.triggered (k int)",
		"create function formless.f() returns trigger language plpgsql as 'begin return new; end'", "create trigger t before insert on formless.triggered for each row execute function formless.f()",
		"create domain formless.dom as int", "create table formless.held (v formless.dom)", "insert into formless.held values (1)")
	conn := p.Leader.Connect(t)
	for sql, sqlstate := range map[string]string{
		"begin; alter table formless.p detach partition formless.p1 concurrently":                                                  "25001",
		"do $$begin alter table formless.p detach partition formless.p1 concurrently; end$$":                                       "25001",
		"alter table formless.p detach partition formless.p1 finalize":                                                             "55000",
		"alter table formless.d detach partition formless.d2 concurrently":                                                         "55000",
		"alter table formless.p detach partition formless.d2 concurrently":                                                         "42P01",
		"alter table formless.p detach partition formless.nosuch concurrently":                                                     "42P01",
		"alter table formless.nosuch detach partition formless.p1 concurrently":                                                    "42P01",
		"alter table formless.filled detach partition formless.p1 concurrently":                                                    "42P17",
		`create rule "_RETURN" as on select to formless.filled do instead select 1 as k`:                                           "55000",
		`create rule "_RETURN" as on select to formless.indexed do instead select 1 as k`:                                          "55000",
		`create rule "_RETURN" as on select to formless.triggered do instead select 1 as k`:                                        "55000",
		`create rule "_RETURN" as on select to formless.p1 do instead select 1 as k`:                                               "42809",
		"alter domain formless.dom add check (value > 1)":                                                                          "23514",
		"cluster pg_toast.pg_toast_826 using pg_toast_826_index":                                                                   "0A000",
		"cluster pg_class using pg_class_oid_index":                                                                                "0A000",
		"cluster formless.p using nosuch":                                                                                          "42704",
		"cluster formless.filled using nosuch":                                                                                     "42704",
		"create function formless.g() returns int language sql set nosuch_setting from current as 'select 1'":                      "42704",
		"begin read only; cluster formless.indexed using indexed_pkey":                                                             "25006",
		"begin; create temp table a (k int); explain analyze create table formless.x as select 1 as k; drop table formless.nosuch": "42P01",
	} {
		harness.Refused(t, conn, sqlstate, sql)
		harness.Execute(t, conn, "rollback", "reset all")
	}
	p.Run(t, "insert into formless.filled values (2)", "insert into formless.indexed values (2)", "insert into formless.triggered values (2)", "insert into formless.p1 values (1)")
	p.Same(t)
}
