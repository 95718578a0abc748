package exttest

import "testing"

// A role that may set a library's setting may do so on the leader, which has
// loaded the library; followers, which have not, store the setting all the same.
func TestDDLSettingsOfLibraries(t *testing.T) {
	p := startPair(t)
	p.run(t, "create role me login", "create schema lib authorization me", "create role other", "alter role me in database postgres set plpgsql.check_asserts = off")
	conn := p.leader.connectAs(t, "me", "postgres")
	for _, sql := range []string{
		"do $$begin perform 1; end$$", // loads PL/pgSQL
		"alter role me set plpgsql.print_strict_params = on", "alter role current_user set plpgsql.print_strict_params = off", "alter role me set work_mem = '3MB'",
		"create function lib.f(int, out text, variadic int[]) language sql set plpgsql.print_strict_params = on set work_mem = '2MB' as 'select 1::text'",
		"create or replace function lib.f(int, out text, variadic int[]) language sql set work_mem = '3MB' set plpgsql.print_strict_params = off security definer as 'select 2::text'",
		"create procedure lib.p(in a int, inout b text) language sql set plpgsql.print_strict_params = on as 'select 1::text'",
		"create function lib.plain() returns int language sql as 'select 1'", "alter function lib.plain() set plpgsql.print_strict_params = on immutable",
		"alter function lib.plain() reset plpgsql.print_strict_params", "alter procedure lib.p set plpgsql.check_asserts = off", "alter role me reset work_mem",
	} {
		execute(t, conn, sql)
		if p.sync(t); t.Failed() {
			t.Fatal(sql)
		}
	}
	p.same(t)
	sameAnswer(t, p, "select array_agg((proname, proowner::regrole, prosecdef, proconfig)::text order by proname) from pg_proc where pronamespace = 'lib'::regnamespace")
	sameAnswer(t, p, "select array_agg((setdatabase = 0, setrole::regrole, setconfig)::text order by 1) from pg_db_role_setting")
	refused(t, conn, "42501", "alter role other set work_mem = '3MB'")
}
