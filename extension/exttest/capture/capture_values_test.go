package capture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

const valuesFixture = `
create schema "Odd schema";
create type "Odd schema".mood as enum ('sad', 'so "so"');
create type "Odd schema".pair as (at timestamptz, span interval, price money, kind regtype, f float8);
create domain "Odd schema".short as text check (length(value) < 100);
create domain "Odd schema".few as "Odd schema".mood;
`

// values are columns that hold every kind of coding: by type and expression.
var values = []struct{ kind, expression string }{
	{"bool", "true"}, {"\"char\"", "'x'"}, {"int2", "-7"}, {"int4", "-70000"}, {"int8", "-7e15"},
	{"oid", "4294967295"}, {"float4", "'-0'"}, {"float4", "1.1"}, {"float8", "pi()"}, {"float8", "'NaN'"},
	{"numeric", "'-12345678901234567890.00100'"}, {"numeric(9,3)", "1.5"}, {"numeric", "'Infinity'"},
	{"text", "E'tab\\t, quote '', é'"}, {"text", "repeat('long ', 1000)"}, {"text", "''"},
	{"varchar(9)", "'abc'"}, {"char(9)", "'abc'"}, {"name", "'some name'"},
	{"bytea", `'\x00ff10'`}, {"uuid", "'00112233-4455-6677-8899-aabbccddeeff'"},
	{"date", "'0044-03-15 BC'"}, {"time", "'23:59:59.999999'"}, {"timetz", "'12:00:00.5+05:30'"},
	{"timestamp", "'infinity'"}, {"timestamptz", "'2024-02-29 12:00:00.123456+00'"},
	{"interval", "'-1 mon 3 days -04:05:06.789'"}, {"money", "'-1234.56'"},
	{"json", `'{"b" : 1, "a": [ ]}'`}, {"jsonb", `'{"b": 1.00, "a": null}'`}, {"jsonpath", "'$.a[*]'"},
	{"xml", "'<a>b</a>'"}, {"xml", `'<?xml version="1.0" encoding="utf-8"?><a/>'`}, {"inet", "'10.0.0.1/8'"}, {"cidr", "'10.0.0.0/8'"},
	{"macaddr", "'08:00:2b:01:02:03'"}, {"macaddr8", "'08:00:2b:01:02:03:04:05'"},
	{"bit(5)", "B'10101'"}, {"varbit", "B'1'"},
	{"point", "'(1.5,-2)'"}, {"lseg", "'[(1,2),(3,4)]'"}, {"box", "'(1,2),(3,4)'"}, {"path", "'((1,2),(3,4))'"},
	{"polygon", "'((1,2),(3,4),(5,6))'"}, {"circle", "'<(1,2),3>'"}, {"line", "'{1,2,3}'"},
	{"pg_lsn", "'1/2'"}, {"tid", "'(1,2)'"}, {"xid", "'7'"}, {"xid8", "'70000000000'"},
	{"tsvector", "'a:1A b'"}, {"tsquery", "'a & !b'"},
	{"int4range", "'[1,5)'"}, {"tstzrange", "'[2024-01-01,)'"}, {"datemultirange", "'{[2024-01-01,2024-02-01)}'"},
	{"regclass", "'pg_class'"}, {"regtype", "'int4'"}, {"regprocedure", "'length(text)'"},
	{"int4[]", "'{{1,2},{3,null}}'"}, {"text[]", `'{a,"b c",null,"NULL"}'`}, {"timestamptz[]", "'{2024-01-01}'"},
	{"jsonb[]", `array['{"a": 1}'::jsonb]`}, {"regclass[]", "'{pg_class}'"}, {"int4[]", "'[2:3]={1,2}'"},
	{`"Odd schema".mood`, `'so "so"'`}, {`"Odd schema".mood[]`, `'{sad,"so \"so\""}'`},
	{`"Odd schema".pair`, "row('2024-02-29 12:00:00+00', '1 day', '3.50', 'int4', 0.1)"},
	{`"Odd schema".pair[]`, "array[row(null, null, '3.50', 'text', 'Infinity')::\"Odd schema\".pair]"},
	{`"Odd schema".short`, "'domain'"}, {`"Odd schema".few`, "'sad'"},
	{"text", "null"}, {"int4", "null"},
}

// A value that names what other nodes do not have is refused, also inside
// another one; a name that only looks like it passes.
func TestNamesOfLocalObjects(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema names",
		"create domain names.named as regclass",
		"create type names.pair as (n int, kind regtype)",
		"create table names.t (c regclass, y regtype, f regproc, p regprocedure, s regnamespace, d names.named, "+
			"a regclass[], r names.pair, ra names.pair[])",
		"create table names.pg_temp_1 (i int)",
		"create table names.gone (i int)",
		"create function names.twice(i int) returns int language sql as 'select 1'",
		"create function names.twice(i text) returns int language sql as 'select 1'",
		"insert into names.t values ('names.pg_temp_1', 'names.pg_temp_1', 'pg_backend_pid', 'names.twice(int)', 'names', "+
			"'names.t', '{pg_class,null,-}', row(7, 'names.pair'), array[row(7, 'int4')::names.pair, null])",
		"insert into names.t values ('-')",
		"delete from names.t where c = 'names.pg_temp_1'::regclass",
	)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "create temp table x (i int)",
		"create function pg_temp.g(x) returns int language sql as 'select 1'")
	for _, insert := range []string{
		"(c) values ('x'::regclass)",
		"(y) values ('x'::regtype)", "(y) values ('x[]'::regtype)",
		"(f) values ('pg_temp.g'::regproc)", "(p) values ('pg_temp.g(x)'::regprocedure)",
		"(s) values (pg_my_temp_schema()::regnamespace)",
		"(d) values ('x')", "(a) values ('{pg_class,x}')",
		"(r) values (row(1, 'x'))", "(ra) values (array[row(1, 'int4'), row(1, 'x')]::names.pair[])",
		"(c) values (4000000000)", "(a) values ('{4000000000}')", "(r) values (row(1, 4000000000))",
		"(c) select reltoastrelid from pg_class where oid = 'pg_proc'::regclass",
	} {
		harness.Refused(t, conn, "0A000", "insert into names.t "+insert)
	}
	p.Run(t, "create type names.later as (n int)", "create table names.l (v names.later)")
	harness.Execute(t, conn, "insert into names.l values (row(1))")
	p.Run(t, "alter type names.later add attribute c regclass")
	harness.Refused(t, conn, "0A000", "insert into names.l values (row(1, 'x'))")
	harness.Refused(t, conn, "42725", "insert into names.t (f) select oid from pg_proc where proname = 'twice'")
	p.Same(t)
}

// Values of every type arrive as they are, from a session whose settings are
// as strange as can be; with a key, without one, and in updates.
func TestValues(t *testing.T) {
	var columns, expressions, bumped []string
	for i, v := range values {
		columns = append(columns, fmt.Sprintf("c%d %s", i, v.kind))
		expressions = append(expressions, fmt.Sprintf("(%s)::%s", v.expression, v.kind))
		bumped = append(bumped, fmt.Sprintf("c%d = (%s)::%s", i, v.expression, v.kind))
	}
	list := strings.Join(columns, ", ")
	fixture := valuesFixture +
		"create table keyed (k int primary key, " + list + ");\n" +
		"create table unkeyed (k int, " + list + ");\n"
	leader := harness.StartLeader(t, harness.Options{Fixture: fixture})
	follower := harness.StartServer(t, harness.Options{Fixture: fixture})

	conn := leader.Connect(t)
	harness.Execute(t, conn, "set datestyle = 'SQL, DMY'", "set intervalstyle = 'iso_8601'",
		"set timezone = 'Asia/Kolkata'", "set extra_float_digits = -10", "set bytea_output = 'escape'",
		"set search_path = \"Odd schema\", public", "set client_encoding = 'LATIN1'",
		"set standard_conforming_strings = on")
	for _, table := range []string{"keyed", "unkeyed"} {
		harness.Execute(t, conn,
			fmt.Sprintf("insert into %s values (1, %s), (2, %[2]s)", table, strings.Join(expressions, ", ")),
			fmt.Sprintf("insert into %s (k) values (3)", table),
			fmt.Sprintf("update %s set %s where k = 3", table, strings.Join(bumped, ", ")),
			fmt.Sprintf("update %s set k = 4 where k = 1", table),
			fmt.Sprintf("delete from %s where k = 2", table))
	}
	follower.Apply(t, leader.Gate.Chosen()...)

	there := follower.Connect(t)
	here := leader.Connect(t)
	for _, table := range []string{"keyed", "unkeyed"} {
		for i, v := range values {
			query := fmt.Sprintf("select string_agg(k || ': ' || coalesce(c%d::text, 'null'), E'\\n' order by k) from %s", i, table)
			if want, got := harness.Value(t, here, query), harness.Value(t, there, query); got != want {
				t.Errorf("%s.c%d (%s):\n%s\nwant\n%s", table, i, v.kind, got, want)
			}
		}
		if got := harness.Value(t, there, "select count(*) from "+table); got != "2" {
			t.Errorf("%s rows in %s", got, table)
		}
	}
}
