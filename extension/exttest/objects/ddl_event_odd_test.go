package objects

import (
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// Event triggers that drop or rename what the statement is about, that replace it before it begins, or whose errors are caught leave every
// node with the same, and nothing behind in the session.
func TestDDLEventTriggersInOddOrders(t *testing.T) {
	p := harness.StartPair(t)
	conn := p.Leader.Connect(t)
	function := func(condition, body string) string {
		return `create function odd.e() returns event_trigger language plpgsql security definer as $$begin if ` + condition + ` then ` + body + `; end if; end$$`
	}
	for name, statements := range map[string][]string{
		"drops what was made": {
			function("tg_tag like 'CREATE TABLE%'", "drop table if exists odd.gone"),
			"create event trigger odd_e on ddl_command_end execute function odd.e()",
			"create table odd.gone (k int)", "create table odd.gone as select random() r", "alter event trigger odd_e enable always",
			"set session_replication_role = replica", "create table odd.gone (k int)", "insert into odd.t values (1)", "reset session_replication_role",
			"alter event trigger odd_e enable replica", "create table odd.gone (k int)", "alter event trigger odd_e disable", "create table odd.last (k int)",
		},
		"renames what was made": {
			function("tg_tag in ('REFRESH MATERIALIZED VIEW', 'SELECT INTO')", "alter table odd.t rename to other; alter schema odd rename to even"),
			"create event trigger odd_e on ddl_command_end when tag in ('REFRESH MATERIALIZED VIEW', 'SELECT INTO') execute function odd.e()",
			"insert into odd.t values (1)", "create materialized view odd.m as select random() from odd.t", "refresh materialized view odd.m",
			"drop event trigger odd_e", "alter schema even rename to odd",
		},
		"renames behind a drop": {
			function("tg_tag = 'ALTER TABLE'", "create table odd.made as select random() from generate_series(1, 3); alter table odd.t rename to other"),
			"create event trigger odd_e on sql_drop execute function odd.e()",
			"insert into odd.t values (1)", "alter table odd.t drop column v, add w float default random()",
		},
		"replaces it before": {
			function("tg_tag = 'ALTER TABLE'", "drop table odd.t; create table odd.t (v text, z int); insert into odd.t values ('a', 1)"),
			"create event trigger odd_e on ddl_command_start when tag in ('ALTER TABLE') execute function odd.e()",
			"alter table odd.t add r float default random()", "insert into odd.t values ('b')",
		},
		"error before": {
			function("tg_tag = 'CREATE TABLE'", "create view odd.view as select 1; raise 'no'"),
			"create event trigger odd_e on ddl_command_start execute function odd.e()",
			`do $$begin begin create table odd.x (k int); exception when raise_exception then create sequence odd.after; end; insert into odd.t values (2); end$$`,
			"drop event trigger odd_e", "create table odd.x (k int)", "insert into odd.x values (1)",
		},
		"error behind": {
			function("tg_tag = 'CREATE TABLE'", "create view odd.view as select 1; raise 'no'"),
			"create event trigger odd_e on ddl_command_end execute function odd.e()",
			`do $$begin begin create table odd.x (k int); exception when raise_exception then create sequence odd.after; end; insert into odd.t values (2); end$$`,
			"drop event trigger odd_e", "create table odd.x (k int)", "insert into odd.x values (1)",
		},
		"error in the middle": {
			function("true", "insert into odd.log values (1); raise 'no'"),
			"create event trigger odd_e on table_rewrite execute function odd.e()", "insert into odd.t values (1)",
			`do $$begin begin alter table odd.t alter v type bigint; exception when raise_exception then create table odd.after (k int); insert into odd.after values (1); end;
				insert into odd.t values (2); alter table odd.log add d int; end$$`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			harness.Execute(t, conn, "create schema odd", "create table odd.log (v int)", "create table odd.t (v int)")
			harness.Execute(t, conn, statements...)
			p.Same(t)
			harness.Execute(t, conn, "drop event trigger if exists odd_e", "drop schema odd cascade")
		})
	}
}
