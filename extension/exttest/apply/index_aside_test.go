package apply

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// onFollower makes a body of PL/pgSQL that does something else where it is applied than where the row is written.
func onFollower(do string) string {
	return "begin if session_user = 'barista_nobody' then " + do + " end if; return i; end"
}

// Whatever an index's function does where it is applied, the row is stored and the index is set aside; queries give all rows without it. When
// the function is mended it is built again.
func TestIndexIsSetAside(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema aside", "create table aside.other (v int)", "create role aside_owner", "grant usage on schema aside to aside_owner",
		"create function aside.private(i int) returns int language sql immutable return i", "revoke all on function aside.private from public",
		`create function aside.w(i int) returns int language plpgsql as $$begin insert into aside.other values (i); return i; end$$`,
		`create function aside.deep(i int) returns int language plpgsql immutable as $$begin return aside.deep(i + 1); end$$`)
	attacks := map[string]struct {
		body  string // of function f
		index string
		state string // SQLSTATE; BA001 if it is "": divergence, but for the index
	}{
		"session":        {body: onFollower("raise 'not here';")},
		"disguised":      {body: onFollower("raise 'not here' using errcode = '40001';"), state: "40001"},
		"setting":        {body: "begin if current_setting('client_min_messages') = 'error' then raise 'not here'; end if; return i; end"},
		"process":        {body: onFollower("return i / (pg_backend_pid() - pg_backend_pid());")},
		"current user":   {body: "begin if current_user = 'aside_owner' then raise 'not here'; end if; return i; end"},
		"rights":         {body: "begin return aside.private(i); end"},
		"own table":      {body: "begin if i < 10 and (select count(*) from aside.t) <> i - 1 then raise 'other rows'; end if; return i; end"},
		"writes":         {body: onFollower("return aside.w(i);")},
		"recursion":      {body: onFollower("return aside.deep(i);")},
		"too long":       {body: onFollower("loop begin perform pg_sleep(1000); exception when query_canceled then null; end; end loop;"), state: "57P01"},
		"memory":         {body: onFollower("return length(string_agg(repeat(x::text, 100000), '')) from generate_series(1, 2000) x, lateral (select array_agg(repeat('x', 4000000 + x * y)) from generate_series(1, 1000) y) z;"), state: "57P01"},
		"predicate":      {body: onFollower("raise 'not here';"), index: "create index f on aside.t (v) where aside.f(v) > 0"},
		"constant":       {body: onFollower("raise 'not here';"), index: "create index f on aside.t ((v + aside.f(1)))"},
		"constant where": {body: onFollower("raise 'not here';"), index: "create index f on aside.t (v) where aside.f(1) = 1"},
		"exclusion":      {body: onFollower("raise 'not here';"), index: "alter table aside.t add constraint f exclude using btree (aside.f(v) with =)"},
		"brin":           {body: onFollower("raise 'not here';"), index: "create index f on aside.t using brin (aside.f(v))"},
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			if attack.index == "" {
				attack.index = "create index f on aside.t (aside.f(v))"
			}
			if attack.state == "" {
				attack.state = "BA001"
			}
			p.Run(t, "drop table if exists aside.t", "drop function if exists aside.f(int)", "create function aside.f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
				"create table aside.t (k int primary key, v int)", attack.index, "alter table aside.t owner to aside_owner",
				fmt.Sprintf("create or replace function aside.f(i int) returns int language plpgsql immutable as $$%s$$", attack.body))
			n := len(p.Leader.Gate.Chosen())
			harness.Execute(t, p.Leader.Connect(t), "begin", "insert into aside.t values (1, 1)", "insert into aside.t values (2, 2)", "insert into aside.t values (3, 3)", "commit")
			written := p.Leader.Gate.Chosen()[n:]
			if state := harness.SQLState(p.Follower.TryApply(t, written...)); state != attack.state {
				t.Errorf("applied with SQLSTATE %q, not %s", state, attack.state)
			}
			if p.Follower.Suspect() == 0 {
				t.Fatal("nobody is suspected")
			}
			p.Follower.SetAside(t)
			p.Run(t, "update aside.t set v = v + 10 where k = 2", "delete from aside.t where k = 3")
			conn := p.Follower.Connect(t)
			harness.Execute(t, conn, "set enable_seqscan = off")
			if got := harness.Value(t, conn, "select string_agg(k || '=' || v, ' ' order by k) from aside.t where v > 0"); got != "1=1 2=12" {
				t.Errorf("rows %s", got)
			}
			if got := harness.Value(t, conn, "select indisready::text || indisvalid from pg_index where indexrelid = 'aside.f'::regclass"); got != "falsefalse" {
				t.Errorf("the index is ready and valid: %s", got)
			}
			p.Run(t, "create or replace function aside.f(i int) returns int language plpgsql immutable as $$begin return i; end$$")
			if err := p.Follower.Rebuild(t, "aside.f", time.Minute); err != nil {
				t.Errorf("build it again: %v", err)
			}
			if got := harness.Value(t, p.Follower.Connect(t), "select indisready::text || indisvalid from pg_index where indexrelid = 'aside.f'::regclass"); got != "truetrue" {
				t.Errorf("the index that was built again is ready and valid: %s", got)
			}
			p.Run(t, "insert into aside.t values (4, 4)")
			harness.SameAnswer(t, p, "select * from aside.t")
		})
	}
	p.Same(t)
}

// TRUNCATE and a table that is emptied run no function of an index, and end its being set aside.
func TestTruncateRunsNoFunctionOfAnIndex(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema emptied",
		"create function emptied.f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
		"create table emptied.t (k int primary key, v int, w text)",
		"create index c on emptied.t ((v + emptied.f(1))) where emptied.f(1) = 1", "create unique index f on emptied.t (emptied.f(v))",
		"create or replace function emptied.f(i int) returns int language plpgsql immutable as $$"+onFollower("raise 'not here';")+"$$",
		"truncate emptied.t")
	n := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), "insert into emptied.t values (1, 1, '1')")
	for range 2 {
		if state := harness.SQLState(p.Follower.TryApply(t, p.Leader.Gate.Chosen()[n:]...)); state != "BA001" {
			t.Errorf("applied with SQLSTATE %q", state)
		}
		p.Follower.SetAside(t)
	}
	p.Run(t, "truncate emptied.t",
		"create or replace function emptied.f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
		"insert into emptied.t values (2, 2, '2')")
	p.Same(t)
}

// A leader lets no row into a table whose unique index it has set aside, says why, and does again when it is built, or the table was emptied. What goes, or
// stays as it is for the index, it lets through.
func TestLeaderGuardsWithAllIndexes(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function f(i int) returns int language plpgsql immutable as $$begin return i; end$$",
		"create table t (k int primary key, v int, note text)", "create unique index u on t (f(v)) where f(v) <> 5",
		"create table plain (v int)", "create index i on plain (f(v))",
		"create or replace function f(i int) returns int language plpgsql immutable as $$"+onFollower("raise 'not here';")+"$$")
	for _, insert := range []string{"insert into t values (1, 1)", "insert into plain values (1)"} {
		n := len(p.Leader.Gate.Chosen())
		harness.Execute(t, p.Leader.Connect(t), insert)
		if state := harness.SQLState(p.Follower.TryApply(t, p.Leader.Gate.Chosen()[n:]...)); state != "BA001" {
			t.Errorf("applied with SQLSTATE %q", state)
		}
		p.Follower.SetAside(t)
		p.Sync(t)
	}
	p.Leader.Close()
	p.Follower.Open(harness.FirstEpoch + 1<<16)
	conn := p.Follower.Connect(t)
	for _, write := range []string{"insert into t values (2, 2)", "update t set v = 3", "copy t (k, v) from program 'printf 2\\\\t2'"} {
		if failure := harness.Refused(t, conn, "55000", write); !strings.Contains(failure.Message, `index "u" is set aside`) || failure.Hint == "" {
			t.Errorf("%s: %s; %s", write, failure.Message, failure.Hint)
		}
	}
	harness.Execute(t, conn, "insert into plain values (2)", "select * from t", "update t set note = repeat('long', 100000), k = 8", "update t set note = '', v = 1 where k = 8",
		"begin", "truncate t", "insert into t values (7, 7)", "rollback", "begin", "delete from t", "rollback",
		"create or replace function f(i int) returns int language plpgsql immutable as $$begin return i; end$$")
	for _, index := range []string{"u", "i"} {
		if err := p.Follower.Rebuild(t, index, time.Minute); err != nil {
			t.Fatalf("build %s again: %v", index, err)
		}
	}
	harness.Execute(t, conn, "insert into t values (2, 2)")
	harness.Refused(t, conn, "23505", "insert into t values (3, 2)")
}

// A value that was written is read without the checks of the domains in it: they are not even planned, which would run functions.
func TestChecksAreNotPlanned(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create schema vals",
		"create function vals.f(i int) returns int language plpgsql immutable as $$"+onFollower("raise 'not here';")+"$$",
		"create domain vals.d as int check (value > vals.f(0)) check (vals.f(value) > 0)",
		"create type vals.c as (a vals.d, b text)", "create type vals.r as range (subtype = vals.d)",
		"create table vals.t (k int primary key, c vals.c, d vals.d[], r vals.r)",
		"create table vals.keyless (c vals.c, d vals.d[], r vals.r)")
	p.Run(t, "insert into vals.t values (1, '(1,x)', '{2,3}', '[1,5)')", "insert into vals.keyless values ('(1,x)', '{2,3}', '(1,5]')",
		"update vals.t set r = '[2,7]', d = '{4}'", "update vals.keyless set c = '(7,y)'", "delete from vals.keyless where lower(r) = 1")
	p.Same(t)
	harness.Refused(t, p.Leader.Connect(t), "23514", "insert into vals.t values (2, '(0,x)')")
}

// What an index's function follows among the writer's settings travels with his rows: every node makes the same entries. Two values that are equal on a
// follower alone set nothing aside, and once they are there the index still guards what comes.
func TestEntriesFollowTheWriter(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create function told(v timestamptz) returns text language plpgsql immutable as $$begin return concat_ws(' ', v, '-1 day'::interval, pi(), '\\x6162'::bytea, quote_ident('a' || left(v::text, 0)), 1234.5::numeric::money, to_tsvector('the rats'), '2026-12-01 10:00 EST'::text::timestamptz); end$$",
		"create function same(v int) returns int language plpgsql immutable as $$"+strings.Replace(onFollower("return v / 10;"), "return i;", "return v;", 1)+"$$",
		"create table t (k int primary key, v timestamptz, w int)", "create unique index u on t (told(v))", "create unique index s on t (same(w))")
	writer, entries := p.Leader.Connect(t), make(map[string]bool)
	for k, settings := range [][]string{
		{"set timezone = 'UTC'"}, {"set datestyle = 'German, DMY'"}, {"set timezone = 'Asia/Kolkata'"}, {"begin", "set local intervalstyle = 'iso_8601'", "set timezone = '-5'"},
		{"rollback", "set datestyle = 'SQL, DMY'"}, {"set extra_float_digits = -3"}, {"set bytea_output = 'escape'"}, {"set quote_all_identifiers = on"}, {"set default_text_search_config = 'simple'"}, {"set timezone_abbreviations = 'Australia'"},
	} {
		harness.Execute(t, writer, settings...)
		harness.Execute(t, writer, fmt.Sprintf("insert into t values (%d, '2026-12-01 10:00Z', %[1]d)", k))
		entries[harness.Value(t, writer, fmt.Sprintf("select told('2026-12-01 10:00Z') as under_%d", k))] = true // each is planned anew
		if k == 3 {
			harness.Execute(t, writer, "commit", "begin") // what was set for the transaction ends
		}
	}
	p.Sync(t)
	if len(entries) != 10 {
		t.Errorf("entries %v", entries)
	}
	for entry := range entries {
		var rows [2]string
		for i, conn := range []*pgx.Conn{p.Leader.Connect(t), p.Follower.Connect(t)} {
			harness.Execute(t, conn, "set enable_seqscan = off", "set enable_bitmapscan = off")
			rows[i] = harness.Value(t, conn, "select coalesce(string_agg(k::text, ' '), '') from t where told(v) = '"+strings.ReplaceAll(entry, "'", "''")+"'")
		}
		if rows[0] == "" || rows[0] != rows[1] {
			t.Errorf("by the entry %s the leader finds row %q, the follower %q", entry, rows[0], rows[1])
		}
	}
	conn := p.Follower.Connect(t)
	const aside = "select count(*)::text from pg_index where not indisready or not indisvalid"
	if got := harness.Value(t, conn, aside); got != "0" {
		t.Errorf("%s indexes are set aside", got)
	}
	var oid uint32
	if _, err := fmt.Sscan(harness.Value(t, conn, "select 's'::regclass::oid::text"), &oid); err != nil {
		t.Fatal(err)
	}
	var part changeset.Batch
	part.SetIndexAside(oid)
	if err := p.Follower.ApplyPart(t, part.Bytes()); err != nil || harness.Value(t, conn, aside) != "1" {
		t.Fatalf("set an index aside: %v", err)
	}
	if err := p.Follower.Rebuild(t, "s", time.Minute); err != nil || harness.Value(t, conn, aside) != "0" {
		t.Errorf("build an index with values that are equal here: %v", err)
	}
	p.Leader.Close()
	p.Follower.Open(harness.FirstEpoch + 1<<16)
	harness.Execute(t, conn, "set timezone = 'UTC'", "insert into t values (20, '2026-12-01 11:00Z', 20)")
	harness.Refused(t, conn, "23505", "insert into t values (21, '2026-12-01 11:00Z', 21)")
	harness.Refused(t, conn, "23505", "insert into t values (21, '2026-12-01 12:00Z', 0)")
}
