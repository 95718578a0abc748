package ddl

import (
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// A schema change whose functions fail where it is replayed is replayed without them: the same schema and the same rows are there, and an index that
// it made is set aside until it is built.
func TestReplayWithoutFunctions(t *testing.T) {
	p := harness.SharedPair(t)
	const fails = `$$begin if session_user = 'barista_nobody' then raise 'not here'; end if; return i; end$$`
	for name, c := range map[string]struct {
		setup  []string // beside table t and function f
		change string
		aside  string // names of indexes that are set aside
	}{
		"index":     {change: "create index x on wof.t (wof.f(v)) where wof.f(1) = 1", aside: "x"},
		"unique":    {change: "create unique index x on wof.t (coalesce(wof.f(v), 0)) nulls not distinct", aside: "x"},
		"dimension": {change: "create index x on wof.t (array_fill(1, array[wof.f(v)]))", aside: "x"},
		"exclusion": {change: "alter table wof.t add constraint x exclude using btree (coalesce(wof.f(v), 0) with =), add column c text default 'c', add unique (v)", aside: "x"},
		"partitions": {
			setup:  []string{"create table wof.p (k int, v int) partition by range (k)", "create table wof.p1 partition of wof.p for values from (0) to (5)", "insert into wof.p select g, g from generate_series(1, 4) g"},
			change: "create index x on wof.p (wof.f(v))", aside: "p1_f_idx",
		},
		"attach": {
			setup: []string{"create table wof.p (k int, v int) partition by range ((wof.f(k)))", "create index x on wof.p (wof.f(v))", "create index y on wof.p (v)",
				"create table wof.rest partition of wof.p default", "insert into wof.p values (100, 1)",
				"create table wof.p1 (k int, v int)", "insert into wof.p1 select g, g from generate_series(1, 4) g"},
			change: "alter table wof.p attach partition wof.p1 for values from (0) to (10)", aside: "p1_f_idx p1_v_idx",
		},
		"beside default": {
			setup: []string{"create table wof.p (k int, v int) partition by range ((wof.f(k)))",
				"create table wof.rest partition of wof.p default", "insert into wof.p values (100, 1)"},
			change: "create table wof.p1 partition of wof.p for values from (0) to (10)",
		},
		"not null": {setup: []string{"alter table wof.t add check (wof.f(1) > 0)"}, change: "alter table wof.t alter v set not null"},
		"retyped":  {setup: []string{"create index x on wof.t ((wof.f(v) + wof.f(1)))"}, change: "alter table wof.t alter v type bigint", aside: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Run(t, "drop schema if exists wof cascade", "create schema wof",
				"create function wof.f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
				"create function wof.f(i bigint) returns bigint language plpgsql immutable as $$begin return i; end$$",
				"create table wof.t (k int primary key, v int)", "insert into wof.t select g, g from generate_series(1, 1000) g")
			p.Run(t, c.setup...)
			p.Run(t, "create or replace function wof.f(i int) returns int language plpgsql immutable as "+fails,
				"create or replace function wof.f(i bigint) returns bigint language plpgsql immutable as "+fails)
			n := len(p.Leader.Gate.Chosen())
			harness.Execute(t, p.Leader.Connect(t), "begin", c.change, "insert into wof.t values (2000, 2000)", "commit")
			written := p.Leader.Gate.Chosen()[n:]
			if state := harness.SQLState(p.Follower.TryApply(t, written...)); state != "BA001" {
				t.Errorf("applied with SQLSTATE %q", state)
			}
			if p.Follower.Suspect() != 1<<32-1 {
				t.Errorf("suspected is %d", p.Follower.Suspect())
			}
			if err := p.Follower.ApplyWithoutFunctions(t, written...); err != nil {
				t.Fatalf("apply without functions: %v", err)
			}
			p.Applied += len(written)
			const aside = "select coalesce(string_agg(relname, ' ' order by relname), '') from pg_index join pg_class on pg_class.oid = indexrelid where not indisready"
			if got := harness.Value(t, p.Follower.Connect(t), aside); got != c.aside {
				t.Errorf("set aside are %q, not %q", got, c.aside)
			}
			p.Run(t, "create or replace function wof.f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
				"create or replace function wof.f(i bigint) returns bigint language plpgsql immutable as $$begin return i; end$$")
			for index := range strings.FieldsSeq(c.aside) {
				if err := p.Follower.Rebuild(t, "wof."+index, time.Minute); err != nil {
					t.Errorf("build %s: %v", index, err)
				}
			}
			p.Run(t, "insert into wof.t values (2001, 2001)")
			harness.SameAnswer(t, p, "select * from wof.t where v > 500")
			if c.setup != nil { // more than a table
				p.Same(t)
			}
		})
	}
}

// What a statement holds of domains' values is not checked where it is replayed: a check might fail there, or never end.
func TestReplayChecksNoDomain(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema rcd",
		"create function rcd.f(i int) returns bool language sql immutable as $$select session_user <> 'barista_nobody'$$",
		"create domain rcd.a as int check (rcd.f(value))", "create domain rcd.b as int not null check (session_user <> 'barista_nobody' or pg_sleep(1000) is null)",
		"create view rcd.v as select '{1}'::rcd.a[] as a, '{1}'::rcd.b[] as b", "create table rcd.t (k int)", "insert into rcd.t values (1)",
		"alter table rcd.t add check (k > 0), add b rcd.b[] default '{1}', add c rcd.b default 1")
	p.Same(t)
	harness.Refused(t, p.Leader.Connect(t), "23502", "insert into rcd.t values (2, '{1}', null)")
}

// Rows that differ are found by a statement that calls no users' function: nobody is suspected, so it does not run as if there were none.
func TestStatementThatMeetsOtherRows(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table t (k int primary key, v int)", "insert into t values (1, 1), (2, 1)")
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), "update t set v = 2 where k = 2", "create unique index on t (v)")
	update, index := p.Leader.Gate.Chosen()[n], p.Leader.Gate.Chosen()[n+1]
	var lost changeset.Batch
	lost.Begin(p.Follower.Applied())
	lost.End(update.Position)
	if err := p.Follower.ApplyPart(t, lost.Bytes()); err != nil {
		t.Fatal(err)
	}
	if state := harness.SQLState(p.Follower.TryApply(t, index)); state != "BA001" || p.Follower.Suspect() != 0 {
		t.Errorf("applied with SQLSTATE %q; suspected is %d", state, p.Follower.Suspect())
	}
	if state := harness.SQLState(p.Follower.ApplyWithoutFunctions(t, index)); state != "BA001" {
		t.Errorf("applied without functions with SQLSTATE %q", state)
	}
}

// A schema change finds an index that is set aside as the leader's is, and leaves it set aside unless it builds it anew.
func TestSchemaChangesOfWhatIsSetAside(t *testing.T) {
	p := harness.SharedPair(t)
	const fails = `$$begin if session_user = 'barista_nobody' then raise 'not here'; end if; return i; end$$`
	for name, c := range map[string]struct {
		change []string
		aside  string
	}{
		"cluster": {[]string{"alter table oos.t cluster on x"}, "x"},
		"attach":  {[]string{"create table oos.p (k int not null, v int) partition by range (k)", "create index px on oos.p (oos.f(v))", "alter table oos.p attach partition oos.t for values from (0) to (100)"}, "x"},
		"attach index": {[]string{"create table oos.p (k int not null, v int) partition by range (k)", "alter table oos.p attach partition oos.t for values from (0) to (100)",
			"create index px on only oos.p (oos.f(v))", "alter index oos.px attach partition oos.x"}, "x"},
		"rename":   {[]string{"alter index oos.x rename to y"}, "y"},
		"retyped":  {[]string{"create function oos.f(i bigint) returns bigint language plpgsql immutable as $$begin return i; end$$", "alter table oos.t alter v type bigint"}, ""},
		"truncate": {[]string{"truncate oos.t"}, ""},
		"dropped":  {[]string{"drop index oos.x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p.Run(t, "drop schema if exists oos cascade", "create schema oos",
				"create function oos.f(i int) returns int language plpgsql immutable as "+fails,
				"create table oos.t (k int not null, v int)", "create index x on oos.t (oos.f(v))")
			n := len(p.Leader.Gate.Chosen())
			harness.Execute(t, p.Leader.Connect(t), "insert into oos.t values (1, 1)")
			if state := harness.SQLState(p.Follower.TryApply(t, p.Leader.Gate.Chosen()[n:]...)); state != "BA001" {
				t.Fatalf("applied with SQLSTATE %q", state)
			}
			p.Follower.SetAside(t)
			p.Run(t, c.change...)
			const aside = "select coalesce(string_agg(relname, ' '), '') from pg_index join pg_class on pg_class.oid = indexrelid where not indisready"
			if got := harness.Value(t, p.Follower.Connect(t), aside); got != c.aside {
				t.Errorf("set aside is %q, not %q", got, c.aside)
			}
			harness.SameAnswer(t, p, "select count(*), bool_and(indisvalid) from pg_index join pg_class on pg_class.oid = indexrelid where relname = 'px' union all select 0, true")
			p.Run(t, "create or replace function oos.f(i int) returns int language plpgsql immutable as $$begin return i; end$$")
			if c.aside != "" {
				if err := p.Follower.Rebuild(t, "oos."+c.aside, time.Minute); err != nil {
					t.Errorf("build %s: %v", c.aside, err)
				}
			}
			harness.CompareDumps(t, p.Leader, p.Follower, "pg_dump", "--schema-only", "-d", "postgres", "-n", "oos")
		})
	}
}

// A transaction that makes a table with an index whose function fails, and writes it, is applied without functions, too.
func TestIndexOfTheSameTransaction(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema sot", `create function sot.f(i int) returns int language plpgsql immutable as
		$$begin if session_user = 'barista_nobody' then raise 'not here'; end if; return i; end$$`)
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), "begin", "create table sot.t (v int)", "create unique index x on sot.t (sot.f(v))", "insert into sot.t values (1)", "commit")
	written := p.Leader.Gate.Chosen()[n:]
	if state := harness.SQLState(p.Follower.TryApply(t, written...)); state != "BA001" {
		t.Errorf("applied with SQLSTATE %q", state)
	}
	p.Follower.SetAside(t) // does nothing
	if err := p.Follower.ApplyWithoutFunctions(t, written...); err != nil {
		t.Fatalf("apply without functions: %v", err)
	}
	p.Applied += len(written)
	p.Run(t, "insert into sot.t values (2)", "create or replace function sot.f(i int) returns int language plpgsql immutable as $$begin return i; end$$")
	if err := p.Follower.Rebuild(t, "sot.x", time.Minute); err != nil {
		t.Errorf("build the index: %v", err)
	}
	p.Same(t)
}

// A statement that writes a table anew, and whose functions fail where it is replayed, is applied with all rows.
func TestTableIsWrittenAnewWithoutFunctions(t *testing.T) {
	p := harness.SharedPair(t)
	const fails = `$$begin if session_user = 'barista_nobody' then raise 'not here'; end if; return i; end$$`
	for name, c := range map[string]struct{ setup, change string }{
		"exclusion": {"create table anew.t (k int primary key, v int)", "alter table anew.t alter v type bigint, add constraint x exclude using btree (anew.f(k) with =)"},
		"not null":  {"create table anew.t (k int primary key, v int, check (anew.f(1) > 0))", "alter table anew.t alter v type bigint, alter v set not null"},
		"partition": {"create table anew.p (k int, v int) partition by range ((k + anew.f(1))); create table anew.t partition of anew.p for values from (0) to (1000)", "alter table anew.p alter v type bigint"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Run(t, "drop schema if exists anew cascade", "create schema anew", "create function anew.f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
				c.setup, "insert into anew.t (k, v) select g, g from generate_series(1, 100) g",
				"create or replace function anew.f(i int) returns int language plpgsql immutable as "+fails)
			n := len(p.Leader.Gate.Chosen())
			harness.Execute(t, p.Leader.Connect(t), c.change)
			written := p.Leader.Gate.Chosen()[n:]
			err := p.Follower.TryApply(t, written...)
			if err == nil {
				t.Fatal("nothing fails where it is replayed: nothing is shown")
			}
			t.Logf("suspected is %d: %v", p.Follower.Suspect(), err)
			if err := p.Follower.ApplyWithoutFunctions(t, written...); err != nil {
				t.Fatalf("apply without functions: %v", err)
			}
			p.Applied += len(written)
			p.Run(t, "create or replace function anew.f(i int) returns int language plpgsql immutable as $$begin return i; end$$")
			harness.SameAnswer(t, p, "select * from anew.t")
		})
	}
	p.Run(t, "drop schema anew cascade")
}

// An index is built where it is replayed, and when it was set aside, by no other process: nobody would limit the functions that ran there.
func TestIndexesAreBuiltByOneProcess(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function f(i int) returns int language plpgsql immutable parallel safe as $$begin return i; end$$",
		"create table t (v int) with (parallel_workers = 2)", "insert into t select generate_series(1, 20000)",
		`create or replace function f(i int) returns int language plpgsql immutable parallel safe as
		$$begin if session_user <> 'postgres' and (select leader_pid from pg_stat_activity where pid = pg_backend_pid()) is not null then raise 'not here'; end if; return i; end$$`,
		`create function s(i int) returns int language plpgsql immutable parallel safe as
		$$begin if session_user <> 'postgres' then perform set_config('max_parallel_maintenance_workers', '2', false); end if; return i; end$$`)
	p.Run(t, "create index x on t ((f(v) + s(1)))", "create index y on t (f(v))")
	harness.SameAnswer(t, p, "select indexrelid::regclass, indisready, indisvalid from pg_index where indrelid = 't'::regclass order by 1")
}

// A range's function that the type cache has kept since rows were stored is limited where a statement is replayed, and named.
func TestKeptFunctionsAreLimited(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function d(a int, b int) returns float8 language plpgsql immutable as $$begin return a - b; end$$",
		"create type r as range (subtype = int, subtype_diff = d)", "create table t (r r)", "create index x on t using gist (r)")
	conn, err := p.Follower.Dial(harness.Context(t), "barista", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(harness.Context(t))
	for _, sql := range []string{
		"insert into t select int4range(g, g + 5)::text::r from generate_series(1, 2000) g", "drop index x",
		"create or replace function d(a int, b int) returns float8 language plpgsql immutable as $$begin if session_user = 'barista_nobody' then raise 'not here'; end if; return a - b; end$$",
		"create index y on t using gist (r)",
	} {
		n := len(p.Leader.Gate.Chosen())
		harness.Execute(t, p.Leader.Connect(t), sql)
		_, err = conn.Exec(harness.Context(t), "select barista_apply($1)", p.Follower.PartOf(p.Leader.Gate.Chosen()[n:]...))
	}
	if state := harness.SQLState(err); state != "BA001" || p.Follower.Suspect() != 1<<32-1 {
		t.Errorf("applied with SQLSTATE %q; suspected is %d: %v", state, p.Follower.Suspect(), err)
	}
}
