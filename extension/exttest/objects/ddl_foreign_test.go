package objects

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// foreignPair is a pair whose leader has a foreign server: itself, by way of another session.
func foreignPair(t *testing.T) *harness.Pair {
	t.Helper()
	p := harness.StartPair(t)
	p.Run(t, "create extension postgres_fdw", "create schema there", "create table there.rows (k int primary key, v text)",
		fmt.Sprintf("create server here foreign data wrapper postgres_fdw options (host '%s', dbname 'postgres')", p.Leader.Dir),
		"create user mapping for postgres server here options (user 'postgres')",
		"create foreign table away (k int, v text) server here options (schema_name 'there', table_name 'rows')")
	return p
}

// Definitions of foreign data are replayed like others, and no node but the leader asks a wrapper's validator or a foreign server.
func TestDDLForeignDefinitions(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create role fdw_owner superuser", "create role fdw_user", "create schema fdw", "set search_path = fdw, public", `create function fdw.picky(text[], oid) returns void language plpgsql as
		$$begin if session_user = 'barista_nobody' then raise exception 'I know nothing of these options'; end if; end$$`,
		"create foreign data wrapper fancy validator fdw.picky options (a '1')", "create foreign data wrapper plain no handler no validator",
		"alter foreign data wrapper fancy options (set a '2', add b '3')", "alter foreign data wrapper plain validator fdw.picky",
		"alter foreign data wrapper plain no validator options (add c '1')", "alter foreign data wrapper plain validator fdw.picky options (drop c)",
		"comment on foreign data wrapper fancy is 'a wrapper'", "alter foreign data wrapper plain owner to fdw_owner", "alter foreign data wrapper plain rename to simple",
		"create server s type 't' version '1' foreign data wrapper fancy options (host 'nowhere')", "create server if not exists s foreign data wrapper fancy",
		"alter server s version '2' options (add port '1')", "alter server s owner to fdw_owner", "alter server s rename to s2", "comment on server s2 is 'a server'",
		"grant usage on foreign data wrapper fancy to fdw_user", "grant usage on foreign server s2 to fdw_user with grant option",
		"create user mapping for fdw_user server s2 options (user 'u', password 'x')", "create user mapping for public server s2", "create user mapping for current_user server s2",
		"create user mapping if not exists for public server s2", "alter user mapping for fdw_user server s2 options (set password 'y')", "drop user mapping for public server s2", "drop user mapping if exists for public server s2",
		"create foreign table t (k int options (column_name 'a') not null, v text default 'x' collate \"C\", check (k > 0)) server s2 options (table_name 't')",
		"create foreign table if not exists t (x int) server s2", "alter foreign table t add column w numeric(10, 2) options (column_name 'b') default random(), alter v options (add length '5'), options (set table_name 'u')",
		"alter foreign table t alter w type int, alter w drop default, drop column v, add constraint positive check (w > 0) not valid", "alter foreign table t rename w to x", "comment on foreign table t is 'a table'",
		"comment on column t.x is 'a column'", "grant select on t to fdw_user", "create view over as select * from t", "create statistics of_t on k, x from t",
		"create table local (k int, v text)", "create foreign table child () inherits (local) server s2", "alter table local add column r float8 default random()", "alter foreign table child no inherit local",
		"create table parted (k int, v text) partition by range (k)", "create foreign table part1 partition of parted for values from (1) to (5 + 5) server s2",
		"create foreign table part2 (k int, v text) server s2", "alter table parted attach partition part2 for values from (20) to (20 + 10)", "alter table parted detach partition part1",
		"create function log() returns trigger language plpgsql as 'begin return new; end'", "create trigger tr before insert on t for each row execute function log()", "alter foreign table t disable trigger tr",
		"alter foreign table t enable trigger all", "alter foreign table t disable trigger user",
		"create foreign table big (id bigserial, v text) server s2", "alter foreign table big set schema public", "alter foreign table public.big owner to fdw_owner",
		"begin; create foreign table gone (k int) server s2; savepoint a; drop foreign table gone; rollback to a; drop foreign table gone; commit",
		"do $$begin create foreign table inside (k int) server s2; end$$", "create foreign table pg_temp.mine (k int) server s2", "create server dropped foreign data wrapper simple", "drop server dropped", "drop foreign data wrapper simple")
	p.Same(t)
	conn := p.Leader.Connect(t)
	for _, c := range []struct{ state, sql string }{
		{"42704", "create server x foreign data wrapper nothing"}, {"42710", "create server s2 foreign data wrapper fancy"}, {"0A000", "create user mapping for session_user server s2"},
		{"2BP01", "drop server s2"}, {"55000", "select * from fdw.t"}, {"55000", "insert into fdw.t values (1)"}, {"25006", "begin read only; create server x foreign data wrapper fancy"},
	} {
		harness.Refused(t, conn, c.state, c.sql)
		harness.Execute(t, conn, "rollback")
	}
	p.Run(t, "drop foreign data wrapper fancy cascade", "drop schema fdw cascade", "drop owned by fdw_owner")
	p.Same(t)
}

// IMPORT FOREIGN SCHEMA asks the foreign server once, on the leader; followers make the tables that came of it.
func TestDDLImportForeignSchema(t *testing.T) {
	p := foreignPair(t)
	p.Run(t, `create type there.mood as enum ('x')`, `create table there."Odd name" (k int primary key, v numeric(5, 2) default 7, m there.mood, t text collate "C")`,
		"create table there.parent (k int) partition by list (k)", "create schema here", `create schema "Here too"`)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "set search_path = here", `import foreign schema there from server here into "Here too" options (import_default 'true')`,
		"import foreign schema there limit to (rows, parent) from server here into here", "import foreign schema there except (rows, parent) from server here into here",
		"begin", "import foreign schema there limit to (rows) from server here into pg_temp", "rollback", "alter table there.rows rename to hidden")
	harness.Refused(t, conn, "42P07", `import foreign schema there from server here into "Here too"`)
	harness.Refused(t, conn, "42704", "import foreign schema there from server nothing into here")
	p.Same(t)
	if got := harness.Answer(t, p.Follower.Connect(t), "select count(*) from pg_foreign_table"); got != "7" {
		t.Errorf("%s foreign tables, not 7", got)
	}
	p.Run(t, `do $$begin import foreign schema there limit to (hidden) from server here into public; end$$`)
	p.Same(t)
}

// Event triggers see IMPORT FOREIGN SCHEMA on the leader alone; what they write is replicated.
func TestDDLImportUnderEventTriggers(t *testing.T) {
	p := foreignPair(t)
	p.Run(t, "create table log (tag text, object text)", "create table there.more (k int)",
		"create function note() returns event_trigger language plpgsql as $$begin insert into log select tg_tag, object_identity from pg_event_trigger_ddl_commands(); end$$",
		"create function starts() returns event_trigger language plpgsql as $$begin insert into log values (tg_tag, 'starts'); create table if not exists made_by_trigger (k int); end$$",
		"create event trigger at_end on ddl_command_end execute function note()", "create event trigger at_start on ddl_command_start when tag in ('IMPORT FOREIGN SCHEMA') execute function starts()",
		"create schema here", "import foreign schema there from server here into here", "create server another foreign data wrapper postgres_fdw", "create foreign table here.alone (k int) server another", "drop server another cascade")
	p.Same(t)
	if got := harness.Answer(t, p.Follower.Connect(t), "select array_agg(distinct object order by object) from log where tag = 'IMPORT FOREIGN SCHEMA'"); got != "[here.more here.rows starts]" {
		t.Errorf("the log has %s", got)
	}
}

// Rows of foreign tables are the foreign server's: they are written by the leader alone and are in no change set; what else the
// transaction writes, is.
func TestForeignRows(t *testing.T) {
	p := foreignPair(t)
	p.Run(t, "create table local (k int, v text)", "create table parted (k int, v text) partition by range (k)", "create table parted1 partition of parted for values from (0) to (10)",
		"create foreign table parted2 partition of parted for values from (10) to (20) server here options (schema_name 'there', table_name 'rows')",
		"create foreign table child () inherits (local) server here options (schema_name 'there', table_name 'rows')",
		"create function also() returns trigger language plpgsql as $$begin insert into local values (new.k, 'also ' || new.v); return null; end$$",
		"create trigger also after insert on away for each row execute function also()")
	conn := p.Leader.Connect(t)
	before := len(p.Leader.Gate.Chosen())
	harness.Execute(t, conn, "insert into parted values (1, 'local'), (11, 'foreign')", "update parted set v = v || '!'", "delete from parted where k = 11")
	if n := len(p.Leader.Gate.Chosen()) - before; n != 5 { // the foreign server is a node too, and proposes what it is sent
		t.Errorf("%d proposals, not 5", n)
	}
	harness.Execute(t, conn, "insert into away values (1, 'one')", "insert into away select 2, 'two'", "insert into away values (3, 'no') on conflict do nothing", "update away set v = 'three' where k = 3",
		"copy away from program 'printf \"4\\tfour\\n\"'", "delete from only away where k = 1", "truncate parted2", "insert into child values (30, 'child')",
		"update local set v = 'all'", "create table copied as select * from away", "create materialized view seen as select * from away", "refresh materialized view seen",
		"begin; savepoint a; insert into away values (50, 'fifty'); rollback to a; commit", "select * from away for update", "analyze away", "alter table local add column r float8 default random()",
		"update parted set k = 12 where k = 1")
	p.Same(t)
	harness.Refused(t, p.Follower.Connect(t), "25006", "insert into away values (9, 'nine')")
	harness.Refused(t, conn, "0A000", `do $$begin create function writes() returns int language plpgsql immutable as 'begin insert into away values (60); return 1; end'; end$$; create index on local ((writes()))`)
	p.Same(t)
}

// What the gate refuses after the foreign server has committed is not told as safe to run again.
func TestForeignRowsRefused(t *testing.T) {
	p := foreignPair(t)
	p.Run(t, "create table local (k int)")
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "begin", "insert into local values (1)", "insert into away values (1, 'there')")
	p.Leader.Gate.Hold()
	commit := harness.Begin(t, conn, "commit")
	p.Leader.Gate.Next(t).Choose() // of the session that is the foreign server's
	p.Leader.Gate.Next(t).Refuse("40001", "this node stopped leading")
	if state := commit.Wait(); state != "08007" {
		t.Errorf("SQLSTATE %q, not 08007", state)
	}
	p.Leader.Gate.Release()
	if got := harness.Answer(t, conn, "select (select count(*) from local), (select count(*) from there.rows)"); got != "0 1" {
		t.Errorf("rows here and there: %s", got)
	}
	waiting := p.Leader.Connect(t)
	harness.Execute(t, waiting, "begin", "insert into local values (3)", "insert into away values (3, 'there')")
	p.Leader.Gate.Hold()
	commit = harness.Begin(t, waiting, "commit")
	proposal := p.Leader.Gate.Next(t) // the foreign server commits, and this session waits for it
	p.Leader.Close()
	harness.Execute(t, p.Leader.ConnectAs(t, "barista", "postgres"), "select barista_end_backends(null)")
	proposal.Choose()
	if state := commit.Wait(); state != "08007" {
		t.Errorf("SQLSTATE %q, not 08007: its session was ended", state)
	}
	p.Leader.Reopen(t)
	p.Leader.Gate.Release()
	conn = p.Leader.Connect(t)
	harness.Execute(t, conn, "begin", "insert into local values (2)")
	p.Leader.Gate.Hold()
	commit = harness.Begin(t, conn, "commit")
	p.Leader.Gate.Next(t).Refuse("40001", "this node stopped leading")
	if state := commit.Wait(); state != "40001" {
		t.Errorf("SQLSTATE %q, not 40001: nothing foreign was written", state)
	}
	p.Leader.Gate.Release()
}

// What is written of a partitioned table counts as foreign only where a foreign partition may have been written.
func TestForeignPartitionsRefused(t *testing.T) {
	p := foreignPair(t)
	p.Run(t, "create table parted (k int, v text) partition by range (k)", "create table parted1 partition of parted for values from (0) to (10)",
		"create foreign table parted2 partition of parted for values from (10) to (20) server here options (schema_name 'there', table_name 'rows')",
		"create table local (k int)", "insert into local values (7)", "insert into parted values (1, 'one'), (2, 'two'), (3, 'three')")
	p.Sync(t)
	conn := p.Leader.Connect(t)
	for _, c := range []struct {
		state string
		there int // proposals of the foreign server
		sql   string
	}{
		{"40001", 0, "insert into parted values (4, 'local')"},
		{"40001", 0, "insert into parted select k, 'local' from local"},
		{"40001", 0, "update parted set v = v || '!' where k < 10"},
		{"40001", 0, "delete from parted where k = 1"},
		{"40001", 0, "with w as (insert into parted values (5, 'local')) select"},
		{"40001", 0, "do $$begin insert into parted values (6, 'local'); end$$"},
		{"08007", 1, "insert into parted values (8, 'local'), (14, 'foreign')"},
		{"08007", 1, "insert into parted select k + 8, 'foreign' from local"},
		{"08007", 1, "update parted set k = 16 where k = 2"},
		{"08007", 1, "with w as (insert into parted values (17, 'foreign')) select"},
		{"08007", 1, "do $$begin insert into parted values (18, 'foreign'); end$$"},
		{"08007", 0, "delete from parted where v = 'nobody'"}, // the foreign server is asked
		{"08007", 0, "copy parted from program 'printf \"4\\tlocal\\n\"'"},
	} {
		harness.Execute(t, conn, "begin", "insert into local values (1)", c.sql)
		p.Leader.Gate.Hold()
		commit := harness.Begin(t, conn, "commit")
		for range c.there {
			p.Leader.Gate.Next(t).Choose()
		}
		p.Leader.Gate.Next(t).Refuse("40001", "this node stopped leading")
		if state := commit.Wait(); state != c.state {
			t.Errorf("%s: SQLSTATE %q, not %s", c.sql, state, c.state)
		}
		p.Leader.Gate.Release()
	}
}

// No password reaches a server's log with a statement that fails.
func TestSecretsStayOutOfLogs(t *testing.T) {
	p := foreignPair(t)
	conn := p.Leader.Connect(t)
	const secret = "hush-hush"
	for _, sql := range []string{
		"create user mapping for postgres server here options (user 'u', password '" + secret + "')",
		"alter user mapping for postgres server here options (set password '" + secret + "')", "create server here foreign data wrapper postgres_fdw options (token '" + secret + "')",
		"create foreign table away () server here options (key '" + secret + "')", "create role postgres password '" + secret + "'", "alter role nobody password '" + secret + "'",
		"do $$begin execute 'create user mapping for postgres server here options (password ''" + secret + "'')'; end$$", "create role x passwort '" + secret + "' password '" + secret + "'",
	} {
		if _, err := conn.Exec(harness.Context(t), sql); err == nil {
			t.Errorf("%s: it is accepted", sql)
		}
	}
	p.Run(t, "alter user mapping for postgres server here options (add password '"+secret+"')", "create role login password '"+secret+"'")
	log := p.Leader.Gate.Chosen()
	for _, proposal := range log[len(log)-2:] {
		if state := harness.SQLState(p.Follower.TryApply(t, proposal)); state != "BA001" {
			t.Errorf("applied twice: SQLSTATE %q, not BA001", state)
		}
	}
	for _, s := range []*harness.Server{p.Leader, p.Follower} {
		if log := s.Logged(); strings.Contains(log, secret) {
			t.Errorf("it is in the log:\n%s", log)
		}
	}
}
