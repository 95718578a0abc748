package objects

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// labelLibrary builds testdata/labels.c, to be loaded by LOAD.
func labelLibrary(t testing.TB) string {
	t.Helper()
	config := filepath.Join(harness.Bin(), "pg_config")
	include, err := exec.Command(config, "--includedir-server").Output()
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	library := filepath.Join(harness.LibDir(), "labels.so")
	out, err := exec.Command("cc", "-Wall", "-Werror", "-shared", "-fPIC", "-I", strings.TrimSpace(string(include)),
		"-o", library, "testdata/labels.c").CombinedOutput()
	if err != nil {
		t.Fatalf("build testdata/labels.c: %v\n%s", err, out)
	}
	return library
}

// A security label is judged by the leader's provider, and stored by followers
// that have not loaded it; also where the statement leaves the provider unsaid.
func TestDDLSecurityLabels(t *testing.T) {
	p := harness.StartPair(t)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "load '"+labelLibrary(t)+"'")
	harness.Execute(t, conn, "create role labelled", "create database labelled", "create schema lab", "set search_path = lab",
		"create table t (k int, \"Odd\" text)", "create view v as select * from t", "create materialized view m as select * from t", "create sequence q",
		"create function f(int) returns int language sql as 'select 1'", "create procedure pr() language sql as 'select 1'",
		"create aggregate total(int) (sfunc = int4pl, stype = int)", "create domain d as int", "create type e as enum ('a')", "create type pair as (a int)",
		"create publication pub", "create function ev() returns event_trigger language plpgsql as 'begin end'", "create event trigger et on sql_drop execute function ev()",
		"select lo_create(n) from generate_series(4811, 4812) n", "security label on large object 4812 is 'soon gone'", "select lo_unlink(4812)")
	for _, object := range []string{
		"table t", `column t."Odd"`, "view v", "materialized view m", "sequence q", "function f(int)", "procedure pr()", "routine f(int)", "aggregate total(int)",
		"domain d", "type e", "column pair.a", "schema lab", "language plpgsql", "publication pub", "event trigger et", "role labelled", "database labelled", "database postgres", "large object 4811",
	} {
		harness.Execute(t, conn, "security label /* for */ on "+object+" is 'it''s secret'", "security label for tame on "+object+" is 'public'",
			"/* the label */ SECURITY LABEL -- of\n ON "+object+" IS 'the last'")
		sameLabels(t, p)
		harness.Refused(t, conn, "42602", "security label on "+object+" is 'bad'")
		harness.Refused(t, conn, "22023", "security label for absent on "+object+" is 'x'")
	}
	before := len(p.Leader.Gate.Chosen())
	harness.Execute(t, conn, "security label on table t is 'the last'", "security label on role labelled is 'the last'")
	if n := harness.CountStatements(t, p, before); n > 0 {
		t.Errorf("%d statements were recorded that changed nothing", n)
	}
	harness.Execute(t, conn, "begin; security label on table t is 'gone'; rollback", "do $$begin execute 'security label on table lab.t is ''in a block'''; insert into lab.t values (1); end$$",
		"create temp table scratch (k int); security label on table scratch is 'local'; security label on column scratch.k is 'local'; create function pg_temp.g() returns int language sql as 'select 1'; security label on function pg_temp.g() is 'local'; drop table scratch; drop function pg_temp.g()",
		"security label on view v is null", "security label for tame on column t.k is null", "drop function f(int)", "drop role labelled", "drop database labelled")
	sameLabels(t, p)
	p.Same(t)
	if n := harness.Answer(t, p.Follower.Connect(t), "select count(*) from pg_seclabels"); n == "0" {
		t.Error("a follower has no label")
	}

	two := p.Leader.Connect(t)
	harness.Execute(t, two, "set labels.wild = on", "load '"+labelLibrary(t)+"'", "set search_path = lab")
	harness.Refused(t, two, "22023", "security label on table t is 'whose'")
	harness.Execute(t, two, "security label for wild on table t is 'wild'", "security label for wild on role postgres is 'wild'")
	harness.Execute(t, conn, "security label on table t is 'wild'")
	sameLabels(t, p)
	harness.Execute(t, conn, "security label on table t is null")
	sameLabels(t, p)
	p.Same(t)
}

// sameLabels checks that both nodes have the same labels, of shared objects too.
func sameLabels(t testing.TB, p *harness.Pair) {
	t.Helper()
	p.Sync(t)
	harness.SameAnswer(t, p, "select array_agg((objtype, objnamespace, objname, provider, label)::text order by 1) from pg_seclabels")
}
