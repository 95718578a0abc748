package apply

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// What every node runs by itself writes on none: a function of an index, an operator class or a domain that calls one which writes is
// refused where its row is written, in whatever way it is called and however it writes.
func TestRepeatedFunctionsWriteNothing(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema rep", "create table rep.log (v int)", "create sequence rep.s",
		`create function rep.row(i int) returns int language plpgsql as $$begin insert into rep.log values (i); return i; end$$`,
		`create function rep.next(i int) returns int language plpgsql as $$declare n int; begin n := nextval('rep.s'); return i; end$$`,
		`create function rep.change(i int) returns int language plpgsql as $$begin execute 'create table rep.made ()'; return i; end$$`,
		`create function rep.writable(i int) returns int language plpgsql as
			$$begin set transaction_read_only = off; insert into rep.log values (i); return i; end$$`)
	p.Run(t, `create function rep.object(i int) returns int language plpgsql as $$declare n oid; begin n := lo_create(0); return i; end$$`)
	write := map[string]string{"row": "row", "sequence": "next", "schema": "change", "object": "object"}
	call := map[string]string{
		"plpgsql":   `create function rep.f(i int) returns int language plpgsql immutable as $$begin return rep.%s(i); end$$`,
		"caught":    `create function rep.f(i int) returns int language plpgsql immutable as $$begin begin raise 'x'; exception when others then end; return rep.%s(i); end$$`,
		"sql":       `create function rep.f(i int) returns int language sql immutable as 'select rep.%s(i)'`,
		"sql first": `create function rep.f(i int) returns int language sql immutable as 'select rep.%s(i); select i'`,
		"atomic": `create function rep.g(i int) returns int language plpgsql immutable as $$begin return rep.%s(i); end$$;` + "\n" +
			`create function rep.f(i int) returns int language sql immutable begin atomic select rep.g(i); end`,
		"inlined": `create function rep.g(i int) returns int language plpgsql immutable as $$begin return rep.%s(i); end$$;` + "\n" + `create function rep.f(i int) returns int language sql immutable as 'select rep.g(i)'`,
	}
	for caller, create := range call {
		for kind, function := range write {
			t.Run(caller+" "+kind, func(t *testing.T) {
				for statement := range strings.SplitSeq(fmt.Sprintf(create, function), "\n") {
					p.Run(t, statement)
				}
				p.Run(t, "create table rep.t (v int)", "create index on rep.t (rep.f(v))")
				// A new session: it has run no function in SQL yet. A used one may keep what it knows of functions.
				for _, before := range []string{"begin", "begin; select rep.row(0), rep.next(0), rep.object(0); savepoint a"} {
					conn := p.Leader.Connect(t)
					harness.Execute(t, conn, before)
					failure := harness.Refused(t, conn, "0A000", "insert into rep.t values (1)")
					if !strings.Contains(failure.Hint, "trigger") || !strings.Contains(failure.Message, "every node runs it by itself") {
						t.Errorf("the refusal does not tell what to do: %s, %s", failure.Message, failure.Hint)
					}
					harness.Execute(t, conn, "rollback")
				}
				p.Run(t, "drop table rep.t", "drop function rep.f", "drop function if exists rep.g")
			})
		}
	}
	p.Run(t, fmt.Sprintf(call["plpgsql"], "writable"), "create table rep.t (v int)", "create index on rep.t (rep.f(v))")
	harness.Refused(t, p.Leader.Connect(t), "25001", "insert into rep.t values (1)")
	p.Same(t)
}

// The same of functions that become volatile when an index has them, and of those that operators and domains bring into an index.
func TestRepeatedFunctionsBehindOthers(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema beh", "create table beh.log (v int)",
		`create function beh.w(i int) returns int language plpgsql as $$begin insert into beh.log values (i); return i; end$$`)
	for name, setup := range map[string][]string{
		"volatile later": {
			`create function beh.f(i int) returns int language plpgsql immutable as $$begin return i; end$$`,
			"create table beh.t (v int)", "create index on beh.t (beh.f(v))",
			`create or replace function beh.f(i int) returns int language plpgsql as $$begin insert into beh.log values (i); return i; end$$`,
		},
		"volatile sql later": {
			`create function beh.f(i int) returns int language sql immutable as 'select i'`,
			"create table beh.t (v int)", "create index on beh.t (beh.f(v))",
			`create or replace function beh.f(i int) returns int language sql as 'select beh.w(i)'`,
		},
		"predicate": {
			`create function beh.f(i int) returns bool language plpgsql immutable as $$begin return beh.w(i) > 0; end$$`,
			"create table beh.t (v int)", "create index on beh.t (v) where beh.f(v)",
		},
		"operator": {
			`create function beh.f(a int, b int) returns int language plpgsql immutable as $$begin return beh.w(a); end$$`,
			"create operator beh.@@@ (function = beh.f, leftarg = int, rightarg = int)",
			"create table beh.t (v int)", "create index on beh.t ((v operator(beh.@@@) 1))",
		},
		"operator class": {
			`create function beh.f(a int, b int) returns int language plpgsql as $$begin perform beh.w(a); return btint4cmp(a, b); end$$`,
			`create operator class beh.o for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >,
				function 1 beh.f(int, int)`,
			"create table beh.t (v int)", "create index on beh.t (v beh.o)", "insert into beh.t values (0)",
		},
		"operator in sql": {
			`create function beh.g(a int, b int) returns int language plpgsql immutable as $$begin return beh.w(a); end$$`,
			"create operator beh.@@@ (function = beh.g, leftarg = int, rightarg = int)",
			`create function beh.f(i int) returns int language sql immutable as 'select i operator(beh.@@@) 1'`,
			"create table beh.t (v int)", "create index on beh.t (beh.f(v))",
		},
		"cast in sql": {
			"create type beh.c as (a int)",
			`create function beh.g(a int) returns beh.c language plpgsql immutable as $$begin perform beh.w(a); return row(a)::beh.c; end$$`,
			"create cast (int as beh.c) with function beh.g(int)",
			`create function beh.f(i int) returns beh.c language sql immutable as 'select i::beh.c'`,
			"create table beh.t (v int)", "create index on beh.t ((beh.f(v)))",
		},
		"domain of a result in sql": {
			`create domain beh.d as int check (beh.w(value) > 0)`,
			`create function beh.f(i int) returns beh.d language sql immutable as 'select i'`,
			"create table beh.t (v int)", "create index on beh.t (beh.f(v))",
		},
		"domain": {
			`create domain beh.d as int check (beh.w(value) > 0)`,
			"create table beh.t (v int)", "create index on beh.t ((v::beh.d))",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p.Run(t, setup...)
			failure := harness.Refused(t, p.Leader.Connect(t), "0A000", "insert into beh.t values (1)")
			if !strings.Contains(failure.Message, "every node runs it by itself") {
				t.Errorf("refused otherwise: %s", failure.Message)
			}
			p.Run(t, "drop table beh.t", "drop operator class if exists beh.o using btree", "drop operator if exists beh.@@@ (int, int)",
				"drop cast if exists (int as beh.c)", "drop function if exists beh.f", "drop function if exists beh.g", "drop type if exists beh.c",
				"drop domain if exists beh.d")
		})
	}
	p.Same(t)
}

// A function of an index that reads a temporary table is refused: other nodes have none.
func TestRepeatedFunctionReadsTemporaryTable(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema tem", "create table tem.t (v int)",
		`create function tem.f(i int) returns int language plpgsql immutable as $$begin return (select v from pg_temp.x); end$$`)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn,
		"create temporary table x (v int)", "insert into x values (1)",
		"select tem.f(1)", "create index on tem.t (tem.f(v))")
	harness.Refused(t, conn, "0A000", "insert into tem.t values (1)")
	p.Same(t)
}

// A schema change that prepares the body of a function in SQL is refused if that names something temporary, though no row makes it run.
func TestRepeatedBodyNamesTemporary(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema bod", "create table bod.x (v int)")
	for name, body := range map[string]string{
		"table":             "select v from pg_temp.x where v = $1",
		"table by path":     "select v from x where v = $1",
		"function":          "select pg_temp.g($1)",
		"type":              "select $1::pg_temp.d::int",
		"another's body":    "select bod.h($1)",
		"another's operand": "select bod.h($1) + 1",
	} {
		t.Run(name, func(t *testing.T) {
			conn := p.Leader.Connect(t)
			harness.Execute(t, conn,
				"create temporary table x (v int)", "create domain pg_temp.d as int",
				"create function pg_temp.g(i int) returns int language sql as 'select $1'",
				"create table bod.t (v int)", "set check_function_bodies = off",
				"create function bod.h(i int) returns int language sql immutable as 'select v from x where v = $1'",
				"create function bod.f(i int) returns int language sql immutable as '"+body+"'",
				"create operator bod.@@@ (function = bod.f, rightarg = int)",
				"select bod.f(1)", "create view bod.view as select bod.f(1)", "drop view bod.view")
			for _, sql := range []string{
				"create index on bod.t (bod.f(v))",
				"create index on bod.t (v) where bod.f(v) > 0",
				"create index on bod.t ((operator(bod.@@@) v))",
				"create table bod.p (v int) partition by range (bod.f(v))",
				"alter table bod.t add column w int default bod.f(1)",
			} {
				if failure := harness.Refused(t, conn, "0A000", sql); !strings.Contains(failure.Message, "temporary") {
					t.Errorf("refused otherwise: %s", failure.Message)
				}
			}
			harness.Execute(t, conn, "create function bod.i(i int) returns int language sql immutable as 'select $1'", "create index on bod.t (bod.i(v))")
			harness.Refused(t, conn, "0A000", "create or replace function bod.i(i int) returns int language sql immutable as '"+body+"'")
			harness.Execute(t, conn, "drop table bod.t", "drop function bod.i", "drop operator bod.@@@ (none, int)", "drop function bod.f, bod.h")
		})
	}
	p.Same(t)
}

// A function of an index that calls a temporary one is refused, in whatever language that is.
func TestRepeatedFunctionCallsTemporaryFunction(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema tmf", "create table tmf.t (v int)",
		`create function tmf.f(i int) returns int language plpgsql immutable as $$begin return pg_temp.g(i); end$$`,
		"create index on tmf.t (tmf.f(v))")
	for _, language := range []string{"sql immutable as 'select 1'", "sql as 'select 1'", "plpgsql as 'begin return 1; end'", "internal as 'int4abs'"} {
		conn := p.Leader.Connect(t)
		harness.Execute(t, conn, "create function pg_temp.g(i int) returns int language "+language, "select pg_temp.g(1)")
		harness.Refused(t, conn, "0A000", "insert into tmf.t values (1)")
	}
	p.Same(t)
}

// A function of an index uses no large object in a transaction that writes some, also by an expression that was made ready before.
func TestRepeatedFunctionUsesLargeObject(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema rlo", "create table rlo.t (v int)", "create table rlo.u (v int)", "select lo_from_bytea(5501, 'latte')",
		`create function rlo.w(i int) returns int language plpgsql as $$declare n int; begin n := lowrite(lo_open(5501, 131072), 'x'); return i; end$$`,
		`create function rlo.f(i int) returns int language plpgsql immutable as $$begin return rlo.w(i); end$$`,
		`create function rlo.r(i int) returns int language plpgsql immutable as $$begin return length(lo_get(5501)); end$$`,
		"create index on rlo.t (rlo.f(v))", "create index on rlo.u (rlo.r(v))", "insert into rlo.u values (1)")
	conn := p.Leader.Connect(t)
	for _, sql := range []string{"insert into rlo.t values (1)", "insert into rlo.u values (1)"} {
		harness.Execute(t, conn, "begin", "select rlo.w(1)")
		if failure := harness.Refused(t, conn, "0A000", sql); !strings.Contains(failure.Message, "large object is used") {
			t.Errorf("refused otherwise: %s", failure.Message)
		}
		harness.Execute(t, conn, "rollback")
	}
	harness.Execute(t, conn, "begin", "insert into rlo.u values (2)", "select rlo.w(1)", "commit", "insert into rlo.u values (3)")
	p.Same(t)
}

// What no index uses may call what it likes, and what an index uses may catch that it cannot write: that is so on every node.
func TestRepeatedFunctionsThatWriteNothing(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema may", "create table may.log (v int)", "create table may.t (v int)",
		`create function may.w(i int) returns int language plpgsql as $$begin insert into may.log values (i); return i; end$$`,
		`create function may.f(i int) returns int language plpgsql immutable as $$begin return may.w(i); end$$`,
		"insert into may.t select may.f(1)",
		`create function may.g(i int) returns int language plpgsql immutable as
			$$begin return may.w(i); exception when others then return -i; end$$`,
		"create index on may.t (may.g(v))",
		"insert into may.t select may.f(2)",
		"insert into may.log values (3)",
		`create function may.h() returns trigger language plpgsql as $$begin insert into may.log values (new.v); return new; end$$`,
		"create trigger h before insert on may.t for each row execute function may.h()",
		"insert into may.t values (4), (5)")
	if got := harness.Value(t, p.Leader.Connect(t), "select array_agg(v order by v) from may.log"); got != "{1,2,3,4,5}" {
		t.Errorf("the log holds %s", got)
	}
	if got := harness.Value(t, p.Follower.Connect(t), "select array_agg(may.g(v) order by v) from may.t"); got != "{-1,-2,-4,-5}" {
		t.Errorf("the follower's index function gives %s", got)
	}
	p.Same(t)
}

// A value with a domain in it is stored without asking the domain's check again, which may answer otherwise or write.
func TestApplyAsksNoDomain(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t,
		"create schema dom", "create table dom.log (v int)", "create table dom.allowed (v int)",
		"insert into dom.allowed values (1)",
		`create function dom.w(i int) returns bool language plpgsql as $$begin insert into dom.log values (i); return true; end$$`,
		`create function dom.r(i int) returns bool language sql as 'select i in (select v from dom.allowed)'`,
		"create domain dom.d as int check (dom.w(value))",
		"create domain dom.e as int check (dom.r(value))",
		"create type dom.c as (a dom.d, b dom.e[])",
		"create domain dom.dc as dom.c",
		"create table dom.t (k int, c dom.c, d dom.d[], e dom.dc)",
		"insert into dom.t values (1, (1, '{1}'), '{1,2}', row(1, '{1}'))",
		"delete from dom.allowed",
		"update dom.t set k = k + 1",
		"create domain dom.n as int",
		"create type dom.wide as (a int)",
		"create table dom.u (k int primary key, c dom.wide)",
		"insert into dom.u values (1, row(1))",
		"alter domain dom.n set not null",
		"alter type dom.wide add attribute b dom.n",
		"update dom.u set k = 2")
	p.Same(t)
}

// A constraint that the leader has checked is not checked again, when what its function reads has changed meanwhile; and it is valid.
func TestDDLConstraintIsCheckedOnce(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema validated", "create table validated.allowed (v int)", "insert into validated.allowed values (1), (2)",
		`create function validated.f(i int) returns bool language sql stable as 'select i in (select v from validated.allowed)'`,
		"create table validated.t (v int)", "insert into validated.t values (1), (2)",
		"create table validated.keys (k int primary key)", "insert into validated.keys values (1), (2)",
		"create table validated.p (v int) partition by list (v)", "create table validated.p1 partition of validated.p for values in (1)",
		"insert into validated.p values (1)")
	conn, other := p.Leader.Connect(t), p.Leader.Connect(t)
	harness.Execute(t, conn, "begin",
		"alter table validated.t add check (validated.f(v)), add foreign key (v) references validated.keys",
		"alter table validated.t add column w int default 1 check (validated.f(w)) references validated.keys",
		"alter table validated.t add constraint later check (validated.f(w)) not valid",
		"alter table validated.p add foreign key (v) references validated.keys, add check (validated.f(v))")
	harness.Execute(t, other, "delete from validated.allowed")
	harness.Execute(t, conn, "commit")
	p.Same(t)
	const valid = "select string_agg(conname || convalidated, ',' order by conname) from pg_constraint where connamespace = 'validated'::regnamespace"
	if want, got := harness.Value(t, conn, valid), harness.Value(t, p.Follower.Connect(t), valid); got != want {
		t.Errorf("the follower's constraints are %s, not %s", got, want)
	}
	harness.Refused(t, conn, "23514", "insert into validated.t values (1, 1)")
	harness.Execute(t, conn, "insert into validated.allowed values (1), (7)")
	harness.Refused(t, conn, "23503", "insert into validated.t values (1, 7)")
}

// The same when a constraint is validated, alone or with others, when it is made anew for another type of its column, and of the null of a domain
// that a column without a default gets.
func TestDDLConstraintIsValidatedOnce(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema vod", "create table vod.allowed (v int)", "insert into vod.allowed values (1), (2)",
		`create function vod.f(i int) returns bool language plpgsql stable as
			$$begin return (select count(*) from vod.allowed) = 2 and i is distinct from 7; end$$`,
		"create domain vod.d as int check (vod.f(value))",
		"create table vod.keys (k int primary key)", "insert into vod.keys values (1), (2)",
		"create table vod.t (v int)", "insert into vod.t values (1), (2)", "create table vod.child () inherits (vod.t)", "insert into vod.child values (1)",
		"alter table vod.t add constraint a check (vod.f(v)) not valid, add constraint b check (vod.f(v)) no inherit not valid",
		"alter table vod.t add constraint k foreign key (v) references vod.keys not valid",
		"create table vod.other (v smallint check (vod.f(v)), w varchar(5))", "insert into vod.other values (1)", "create table vod.null (v int)", "insert into vod.null values (1)",
		"create table vod.p (k int, v smallint, check (vod.f(v))) partition by list (k)", "create table vod.p1 partition of vod.p for values in (1)", "insert into vod.p values (1, 1)")
	conn, other := p.Leader.Connect(t), p.Leader.Connect(t)
	harness.Execute(t, conn, "begin",
		"alter table vod.t validate constraint a",
		"alter table vod.t add constraint c check (vod.f(v)) not valid, validate constraint c, validate constraint k, validate constraint b",
		"alter table if exists vod.none validate constraint a",
		"alter table vod.other alter v type int, alter w type varchar(6)",
		"alter table vod.p alter v type int",
		"alter table vod.null add column w vod.d")
	harness.Execute(t, other, "delete from vod.allowed")
	harness.Execute(t, conn, "commit")
	p.Same(t)
	const valid = "select string_agg(conrelid::regclass || conname || convalidated, ',' order by conrelid::regclass::text, conname) from pg_constraint where connamespace = 'vod'::regnamespace"
	if want, got := harness.Value(t, conn, valid), harness.Value(t, p.Follower.Connect(t), valid); got != want || strings.Contains(got, "false") {
		t.Errorf("the follower's constraints are %s, not %s", got, want)
	}
	harness.Refused(t, conn, "23514", "insert into vod.child values (1)")
	harness.Refused(t, conn, "42704", "alter table vod.t validate constraint none")
}

// Rows whose index function the table's owner may not run are refused: followers run it as the owner.
func TestRepeatedFunctionThatTheOwnerMayNotRun(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create role own_keeper", "create role own_writer", "create schema kept", "grant all on schema kept to own_keeper, own_writer",
		`create function kept.f(i int) returns int language plpgsql immutable as $$begin return -i; end$$`,
		"create table kept.t (v int)", "create index on kept.t (kept.f(v))", "alter table kept.t owner to own_keeper",
		"grant all on kept.t to own_writer", "insert into kept.t values (1)")
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "insert into kept.t values (2)")
	p.Run(t, "revoke execute on function kept.f from public", "grant execute on function kept.f to own_writer")
	harness.Execute(t, conn, "set role own_writer")
	if failure := harness.Refused(t, conn, "0A000", "insert into kept.t values (3)"); !strings.Contains(failure.Hint, "own_keeper") {
		t.Errorf("the hint is %q", failure.Hint)
	}
	p.Run(t, "grant execute on function kept.f to own_keeper")
	harness.Execute(t, conn, "insert into kept.t values (4)")
	p.Same(t)
}
