package apply

import (
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What a function that every node runs by itself wants of the session, or of the server's files, it does not get on the leader either: the row
// is refused there, and no follower stops.
func TestRepeatedFunctionsHaveNoSession(t *testing.T) {
	p := harness.SharedPair(t)
	const f = `create function ses.f(i int) returns int language plpgsql immutable as $$begin return ses.g(i); end$$`
	volatile := func(body string) []string {
		return []string{`create function ses.g(i int) returns int language plpgsql as $$begin ` + body + `; return i; end$$`, f}
	}
	for name, c := range map[string]struct {
		sqlstate string
		setup    []string
	}{
		"prepare":            {"42501", volatile("execute 'prepare ses_p as select 1'")},
		"deallocate":         {"42501", volatile("execute 'deallocate all'")},
		"listen":             {"42501", volatile("listen x")},
		"cursor":             {"42501", volatile("execute 'declare ses_c cursor with hold for select 1'")},
		"role":               {"42501", volatile("perform set_config('role', 'pg_monitor', true)")},
		"prepared statement": {"0A000", append(volatile("execute 'execute ses_q'"), "prepare ses_q as select 1")},
		"fetch":              {"0A000", append(volatile("execute 'move ses_c'"), "declare ses_c cursor with hold for select 1")},
		"copy to a file":     {"0A000", volatile("copy ses.t to '/nonexistent/file'")},
		"copy to a program":  {"0A000", volatile("copy ses.t to program 'false'")},
		"load":               {"0A000", volatile("load 'auto_explain'")},
		"analyze":            {"0A000", volatile("analyze ses.t")},
		"currval":            {"0A000", append(volatile("perform currval('ses.s')"), "select nextval('ses.s')")},
		"lastval":            {"0A000", append(volatile("perform lastval()"), "select nextval('ses.s')")},
		"own role": {"0A000", []string{
			`create function ses.f(i int) returns int language plpgsql immutable set role = 'postgres' as $$begin return i; end$$`}},
		"temporary function": {"0A000", []string{
			`create function pg_temp.g(i int) returns int language plpgsql immutable as $$begin return i; end$$`,
			`create function ses.f(i int) returns int language plpgsql immutable as $$begin return pg_temp.g(i); end$$`}},
		"temporary function called otherwise": {"0A000", []string{
			`create function pg_temp.g(i int) returns int language plpgsql immutable as $$begin return i; end$$`,
			`create function ses.f(i int) returns int language plpgsql immutable as $$declare n int; begin execute 'select pg_' || 'temp.g(1)' into n; return n; end$$`}},
		"temporary type": {"0A000", []string{
			`create type pg_temp.ses_type as (a int)`,
			`create function ses.f(i int) returns int language plpgsql immutable as $$declare x ses_type; begin x.a := i; return x.a; end$$`}},
	} {
		t.Run(name, func(t *testing.T) {
			p.Run(t, "create schema ses", "create table ses.t (v int)", "create sequence ses.s")
			conn := p.Leader.Connect(t)
			harness.Execute(t, conn, c.setup...)
			harness.Execute(t, conn, "create index on ses.t (ses.f(v))")
			harness.Refused(t, conn, c.sqlstate, "insert into ses.t values (1)")
			harness.Execute(t, conn, "begin", "savepoint a")
			harness.Refused(t, conn, c.sqlstate, "insert into ses.t values (1)")
			harness.Execute(t, conn, "rollback to a", "create temporary table usual (v int)", "set local role pg_monitor", "reset role",
				"drop index ses.t_f_idx", "insert into ses.t values (2)", "commit")
			p.Same(t)
			p.Run(t, "drop schema ses cascade")
		})
	}
}

// An index of a function in SQL, which the planner looks into where the index is made, is refused if that names temporary objects.
func TestIndexOfFunctionWithTemporaryObjects(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema sqt", "create table sqt.t (v int)")
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn,
		"create type pg_temp.sqt_type as (a int)", "create temporary table v (i int)",
		"create function pg_temp.g(i int) returns int language sql immutable as 'select $1'",
		"create function sqt.called(i int) returns int language sql immutable as 'select pg_temp.g(i)'",
		"create function sqt.typed(i int) returns int language sql immutable as 'select (row(i)::sqt_type).a'",
		"create function sqt.inner_one(i int) returns int language sql immutable as 'select sqt.called(i)'",
		"create function sqt.fine(v int) returns int language sql immutable as 'select v + 1'")
	for _, function := range []string{"called", "typed", "inner_one"} {
		harness.Refused(t, conn, "0A000", "create index on sqt.t (sqt."+function+"(v))")
		harness.Refused(t, conn, "0A000", "create index on sqt.t (v) where sqt."+function+"(v) > 0")
	}
	harness.Execute(t, conn, "create index on sqt.t (sqt.fine(v))", "insert into sqt.t values (1)")
	p.Same(t)
}
