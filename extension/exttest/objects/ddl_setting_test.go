package objects

import (
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A role that may set a library's setting may do so on the leader, which has
// loaded the library; followers, which have not, store the setting all the same.
func TestDDLSettingsOfLibraries(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create role me login", "create schema lib authorization me", "create role other", "alter role me in database postgres set plpgsql.check_asserts = off")
	conn := p.Leader.ConnectAs(t, "me", "postgres")
	for _, sql := range []string{
		"do $$begin perform 1; end$$", // loads PL/pgSQL
		"alter role me set plpgsql.print_strict_params = on", "alter role current_user set plpgsql.print_strict_params = off", "alter role me set work_mem = '3MB'",
		"create function lib.f(int, out text, variadic int[]) language sql set plpgsql.print_strict_params = on set work_mem = '2MB' as 'select 1::text'",
		"create or replace function lib.f(int, out text, variadic int[]) language sql set work_mem = '3MB' set plpgsql.print_strict_params = off security definer as 'select 2::text'",
		"create procedure lib.p(in a int, inout b text) language sql set plpgsql.print_strict_params = on as 'select 1::text'",
		"create function lib.plain() returns int language sql as 'select 1'", "alter function lib.plain() set plpgsql.print_strict_params = on immutable",
		"alter function lib.plain() reset plpgsql.print_strict_params", "alter procedure lib.p set plpgsql.check_asserts = off", "alter role me reset work_mem",
	} {
		harness.Execute(t, conn, sql)
		if p.Sync(t); t.Failed() {
			t.Fatal(sql)
		}
	}
	p.Same(t)
	sameSettings(t, p, "lib")
	harness.Refused(t, conn, "42501", "alter role other set work_mem = '3MB'")
}

// sameSettings checks that both have stored the same, of roles, databases and the functions of a schema.
func sameSettings(t testing.TB, p *harness.Pair, schema string) {
	t.Helper()
	harness.SameAnswer(t, p, "select array_agg((proname, proowner::regrole, prosecdef, proconfig)::text order by proname) from pg_proc where pronamespace = '"+schema+"'::regnamespace")
	harness.SameAnswer(t, p, "select array_agg((d.datname, nullif(setrole, 0)::regrole, setconfig)::text order by 1) from pg_db_role_setting left join pg_database d on d.oid = setdatabase")
}

// RESET ALL leaves what the role may not set, which is known to a session that has loaded the library. Followers, which have not, store
// what was left.
func TestDDLResetAllOfLibraries(t *testing.T) {
	p := harness.StartPair(t)
	const settings = " set plpgsql.print_strict_params = on"
	p.Run(t, "create role me login", "create schema res", "alter database postgres owner to me",
		"alter role me"+settings, "alter role me set plpgsql.variable_conflict = use_column", "alter role me in database postgres"+settings,
		"alter database postgres"+settings, "alter database postgres set plpgsql.variable_conflict = use_column", "alter role all"+settings)
	conn := p.Leader.ConnectAs(t, "me", "postgres")
	const stored = "select array_agg((nullif(setrole, 0)::regrole, setconfig)::text order by (nullif(setrole, 0)::regrole, setconfig)::text collate \"C\") from pg_db_role_setting"
	harness.Execute(t, conn, "do $$begin perform 1; end$$", // loads PL/pgSQL
		"alter role me reset all", "alter role current_user in database postgres reset all", "alter database postgres reset all")
	p.Sync(t)
	sameSettings(t, p, "res")
	if got, want := harness.Value(t, p.Follower.Connect(t), stored), `{"(,{plpgsql.print_strict_params=on})","(,{plpgsql.variable_conflict=use_column})","(me,{plpgsql.variable_conflict=use_column})"}`; got != want {
		t.Errorf("the follower has stored %s, not %s", got, want)
	}
	p.Run(t, "alter role me reset all", "alter role all reset all", "alter role me reset all", "alter database postgres reset all")
	sameSettings(t, p, "res")
}

// A superuser may store what a library does not take, as long as his session has not loaded it. A follower that has loaded it stores the same.
func TestDDLSettingsThatALibraryRefuses(t *testing.T) {
	p := harness.StartPair(t)
	const wrong = " set plpgsql.print_strict_params = 'perhaps'"
	p.Run(t, "create role me login", "create schema bad")
	harness.Execute(t, p.Leader.Connect(t),
		"alter role me"+wrong, "alter role me set plpgsql.nothing = 'it''s \\ here'", "alter database postgres"+wrong, "alter role all in database postgres"+wrong,
		"create function bad.made() returns int language sql"+wrong+" set work_mem = '3MB' as 'select 1'",
		"create or replace function bad.made() returns int language sql set search_path = bad, \"$user\""+wrong+" as 'select 2'",
		"create function bad.altered() returns int language sql as 'select 1'", "alter function bad.altered() stable"+wrong,
		"create procedure bad.procedure(inout int) language sql"+wrong+" as 'select 1'", "alter routine bad.procedure set work_mem = '2MB' reset plpgsql.print_strict_params",
		"set plpgsql.check_asserts = 'perhaps'; alter role me in database postgres set plpgsql.check_asserts from current", "alter role me reset plpgsql.nothing")
	conn := p.Follower.ConnectAs(t, "barista", "postgres", "session_preload_libraries", "plpgsql")
	harness.Refused(t, conn, "22023", wrong)
	for _, proposal := range p.Leader.Gate.Chosen()[p.Applied:] {
		if _, err := conn.Exec(harness.Context(t), "select barista_apply($1)", p.Follower.PartOf(proposal)); err != nil {
			t.Fatal(err)
		}
		p.Applied++
	}
	sameSettings(t, p, "bad")
	p.Same(t)
}

// A text search configuration that a session has set, or that the owner of a database has stored for it, stops no follower that cannot find it: in a
// schema that others may not use, gone, or named with another database.
func TestConfigurationOutOfReach(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create role alice login", "create schema alice authorization alice", "create database own owner alice", "create database other owner alice")
	alice := p.Leader.ConnectAs(t, "alice", "postgres")
	harness.Execute(t, alice, "create text search configuration alice.cfg (copy = pg_catalog.simple)", "set default_text_search_config = 'alice.cfg'",
		"create table alice.t (v int)", "drop text search configuration alice.cfg", "create table alice.u (v int)")
	own, other := p.Leader.ConnectAs(t, "alice", "own"), p.Leader.ConnectAs(t, "alice", "other")
	harness.Execute(t, own, "create schema private", "create text search configuration private.cfg (copy = pg_catalog.simple)",
		"alter database own set default_text_search_config = 'private.cfg'", "create table public.t (v int)", "insert into public.t values (1)")
	harness.Execute(t, other, "create text search configuration public.cfg (copy = pg_catalog.simple)", "alter database own set default_text_search_config = 'other.public.cfg'")
	harness.Execute(t, own, "insert into public.t values (2)")
	p.Same(t)
}
