package capture

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A session that made temporary objects of any kind ends without a word, and they with it, also when the gate is closed by then. So
// they do when it discards them.
func TestTemporaryObjectsGoQuietly(t *testing.T) {
	s := harness.StartServer(t, harness.Options{Fixture: heldFixture})
	watch := s.Connect(t)
	for end, finish := range map[string]func(int){
		"ends":              func(int) {},
		"ends, gate closed": func(int) { s.Close() },
		"is ended":          func(pid int) { harness.Execute(t, watch, fmt.Sprintf("select pg_terminate_backend(%d)", pid)) },
		"is ended, gate shut": func(pid int) {
			s.Close()
			harness.Execute(t, watch, fmt.Sprintf("select pg_terminate_backend(%d)", pid))
		},
	} {
		for _, sql := range []string{
			"create function pg_temp.f() returns int language sql as 'select 1'",
			"create type pg_temp.pair as (a int, b int)",
			"create domain pg_temp.small as int check (value < 10)",
			"create type pg_temp.mood as enum ('good')",
			"create aggregate pg_temp.total(int) (sfunc = int4pl, stype = int)",
			"create temp sequence q; select nextval('q')",
			"create temp table tt (k serial primary key, v text); insert into tt (v) values ('x')",
			"create temp view tv as select 1 as one",
		} {
			s.Open(harness.FirstEpoch)
			conn := s.Connect(t)
			harness.Execute(t, conn, sql)
			pid := conn.PgConn().PID()
			finish(int(pid))
			conn.Close(context.Background())
			harness.Eventually(t, "the session is gone", func() bool {
				return harness.Value(t, watch, fmt.Sprintf("select count(*) from pg_stat_activity where pid = %d", pid)) == "0"
			})
			checkNoFatal(t, s, end+": "+sql)
			if left := harness.Value(t, watch, `select count(*) from pg_depend d join pg_namespace n on d.refobjid = n.oid
				where d.refclassid = 'pg_namespace'::regclass and n.nspname ~ '^pg_temp'`); left != "0" {
				t.Errorf("%s: %s: %s temporary objects are left", end, sql, left)
			}
		}
	}

	s.Open(harness.FirstEpoch)
	for _, discard := range []string{"discard temp", "discard all"} {
		conn := s.Connect(t)
		harness.Execute(t, conn, "create function pg_temp.f() returns int language sql as 'select 1'", discard)
	}
	checkNoFatal(t, s, "discard")
}

// checkNoFatal fails if the server has logged that a session broke over what it wrote.
func checkNoFatal(t *testing.T, s *harness.Server, what string) {
	t.Helper()
	for line := range strings.Lines(s.Logged()) {
		if strings.Contains(line, "FATAL:  cannot") || strings.Contains(line, "FATAL:  the transaction") || strings.Contains(line, "PANIC:") || strings.Contains(line, "ERROR:") {
			t.Fatalf("%s: %s", what, line)
		}
	}
}
