package apply

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// Rows of many types, with and without a key, arrive as they were written.
func TestApplyRows(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema rows",
		"create type rows.mood as enum ('sad', 'ok', 'happy')",
		"create domain rows.positive as int check (value > 0)",
		"create type rows.pair as (a int, b rows.positive)",
		`create table rows.wide (
			k int primary key, b bool, i2 int2, i8 bigint, f4 real, f8 double precision, n numeric(12,3),
			t text, v varchar(20), c char(5), y bytea, d date, ti time, tz timetz, ts timestamp, tstz timestamptz,
			iv interval, u uuid, j json, jb jsonb, x xml, p point, ip inet, m money, bi bit(3), vb bit varying,
			ia int[], ta text[], o oid, rc regclass, na name, md rows.mood, po rows.positive, pr rows.pair,
			moods rows.mood[], r int4range, mr int4multirange, tsv tsvector)`,
		`insert into rows.wide values (1, true, -2, 9000000000, 1.5, -2.25e-300, 1.500,
			'größe', 'v', 'c', '\x00ff', '2024-02-29', '23:59:59.999999', '10:00+02', 'infinity', '2024-01-01 00:00+05',
			'1 mon -2 days 03:04:05.6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" : 1}', '{"b": [1, 2.50]}',
			'<a>b</a>', '(1,2)', '10.0.0.0/8', '12.34', '101', '11', '{1,null,3}', '{"a b",null,""}', 4000000000,
			'pg_class', 'nombre', 'happy', 7, row(1, 2), '{sad,ok}', '[1,5)', '{[1,2),[5,6)}', 'a:1 b:2')`,
		"insert into rows.wide (k) values (2)",
		"update rows.wide set t = null, n = 2, md = 'sad' where k = 1",
		"update rows.wide set k = 3, t = repeat('x', 10000) where k = 2",
		"create table rows.bare (a numeric, b json, c point)",
		"insert into rows.bare values (1.0, '{}', '(1,1)'), (1.00, '{}', '(1,1)'), (1.0, '{}', '(1,1)'), (null, null, null)",
		"update rows.bare set c = '(2,2)' where a::text = '1.00'",
		"delete from rows.bare where ctid in (select min(ctid) from rows.bare where a::text = '1.0')",
		"delete from rows.bare where a is null",
	)
	p.Same(t)
}

// A value stored out of line and not changed is not sent, and is kept.
func TestApplyUnchangedToast(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create table toast (k int primary key, n int, v text)",
		"alter table toast alter v set storage external",
		"insert into toast select i, 0, repeat(md5(i::text), 500) from generate_series(1, 5) i",
		"update toast set n = n + 1",
		"update toast set k = k + 10",
		"update toast set v = v || 'x' where k = 11",
		"delete from toast where k = 12",
	)
	p.Same(t)
}

// Every way that SQL has to change a row ends in the same rows, in order: the
// old upsert idiom deletes and inserts in the middle of a statement.
func TestApplyKeepsOrder(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema ord",
		"create table ord.u (k int primary key, v text)",
		`create function ord.replace() returns trigger language plpgsql as
			$$begin delete from ord.u where k = new.k; return new; end$$`,
		"create trigger replace before insert on ord.u for each row execute function ord.replace()",
		"insert into ord.u values (1, 'a'), (2, 'a')",
		"insert into ord.u values (1, 'b'), (2, 'b'), (1, 'c')",
		"create table ord.c (k int primary key, n int)",
		"insert into ord.c values (1, 1), (2, 1)",
		"insert into ord.c values (1, 1), (3, 1) on conflict (k) do update set n = ord.c.n + 1",
		`merge into ord.c using (values (1), (9)) s (k) on c.k = s.k
			when matched then delete when not matched then insert values (s.k, 0)`,
		"create table ord.p (k int, v text, primary key (k)) partition by range (k)",
		"create table ord.p1 partition of ord.p for values from (0) to (10)",
		"create table ord.p2 partition of ord.p for values from (10) to (20)",
		"insert into ord.p values (1, 'low'), (11, 'high')",
		"update ord.p set k = k + 11 where k = 1",
		"delete from ord.p where k = 12 and v = 'low'",
		"create table ord.g (k int primary key, twice int generated always as (k * 2) stored)",
		"insert into ord.g values (1), (2)",
		"update ord.g set k = 5 where k = 1",
		"create table ord.d (k int primary key deferrable initially deferred, u int unique)",
		"insert into ord.d values (1, 1), (2, 2)",
		"update ord.d set k = 3 - k",
	)
	p.Same(t)
}

// Inserts that are stored together are there before anything looks for them: a change of one of them, in a table with a key and in one
// without, another table's rows, a truncation, and the next transaction. One that is there already is divergence and names its table.
func TestApplyRunsOfInserts(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create table run_key (k int primary key, v text, unique (v))", "create table run_plain (k int, v text)",
		"create table run_other (k int primary key)",
		"insert into run_key select i, repeat('x', i % 300) || i from generate_series(1, 1000) i",
		"insert into run_plain select i, repeat('y', i % 3000) from generate_series(1, 700) i",
		`do $$begin
			for i in 2001 .. 2600 loop
				insert into run_key values (i, i::text);
				if i % 7 = 0 then update run_key set v = 'u' || k where k = i - 1; end if;
				if i % 11 = 0 then insert into run_other values (i); end if;
				if i % 13 = 0 then delete from run_key where k = i; end if;
				insert into run_plain values (i, repeat('z', 100));
				if i % 17 = 0 then update run_plain set v = 'u' where k = i; delete from run_plain where k = i - 3; end if;
			end loop;
			truncate run_other;
			insert into run_other select generate_series(1, 300);
		end$$`,
		"begin; insert into run_other values (1001), (1002); savepoint a; insert into run_other values (1003); rollback to a; "+
			"insert into run_other values (1004); commit")
	p.Same(t)

	harness.Execute(t, p.Leader.Connect(t), "insert into run_other select generate_series(2001, 2010)")
	proposal := p.Leader.Gate.Chosen()[p.Applied]
	var batch changeset.Batch
	batch.Begin(p.Follower.Applied())
	for range 2 { // the second time the rows are there
		batch.Set(proposal.Set.Timestamp, proposal.Set.Timestamp)
		batch.Payload(proposal.Set.Payload)
	}
	batch.End(proposal.Position)
	failure := applyFails(t, p.Follower, "BA001", batch.Bytes())
	if !strings.Contains(failure.Message, "run_other") || !strings.Contains(failure.Error()+failure.Detail, "2001") {
		t.Errorf("the failure names neither table nor key: %s, %s", failure.Message, failure.Detail)
	}
	p.Sync(t)
	p.Same(t)
}

// What a straggler has committed is not applied again, though it has not yet
// said so: the origin's progress tells.
func TestApplyAfterAStraggler(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table t (v int)")
	before := p.Follower.Applied()
	harness.Execute(t, p.Leader.Connect(t), "insert into t values (1)")
	log := p.Leader.Gate.Chosen()
	last := log[len(log)-1]
	p.Follower.Apply(t, last)

	p.Follower.Set(harness.FieldApplied, uint64(before))
	if state := harness.SQLState(p.Follower.TryApply(t, last)); state != "BA002" {
		t.Errorf("applied again: %q", state)
	}
	p.Follower.Set(harness.FieldApplied, uint64(last.Position))
	harness.Execute(t, p.Leader.Connect(t), "insert into t values (2)")
	log = p.Leader.Gate.Chosen()
	p.Follower.Apply(t, log[len(log)-1])
	if got := harness.Value(t, p.Follower.Connect(t), "select array_agg(v order by v) from t"); got != "{1,2}" {
		t.Errorf("rows %s", got)
	}
}

// An index that names a column twice is no key; another one may be.
func TestApplyColumnTwiceInAnIndex(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema twice",
		"create table twice.k (a int not null, b int not null)",
		"create unique index on twice.k (a, a)",
		"insert into twice.k values (1, 1), (2, 2)",
		"update twice.k set b = 3 where a = 1",
		"create table twice.both (a int not null, b int not null)",
		"create unique index on twice.both (a, a)",
		"create unique index on twice.both (b, a)",
		"insert into twice.both values (1, 1), (2, 2)",
		"update twice.both set b = 3 where a = 1",
		"delete from twice.both where a = 2",
	)
	p.Same(t)
}

// Indexes of every kind find the rows that apply stored.
func TestApplyIndexes(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema idx",
		"create function idx.low(text) returns text language sql immutable as 'select lower($1)'",
		"create table idx.t (k int primary key, v text, n int, r int4range, a int[])",
		"create index on idx.t (idx.low(v))",
		"create index on idx.t (n) where n > 10",
		"create index on idx.t using hash (n)",
		"create index on idx.t using gin (a)",
		"create index on idx.t using gist (r)",
		"create index on idx.t using brin (n)",
		"alter table idx.t add exclude using gist (r with &&)",
		"insert into idx.t select i, 'V' || i, i, int4range(i, i + 1), array[i, i + 1] from generate_series(1, 50) i",
		"update idx.t set n = n + 1, v = v || 'x', a = a || 7 where k % 2 = 0",
		"delete from idx.t where k % 5 = 0",
	)
	p.Same(t)
	conn := p.Follower.Connect(t)
	harness.Execute(t, conn, "set enable_seqscan = off")
	for _, c := range []struct{ where, index string }{
		{"idx.low(v) = 'v2x'", "t_low_idx"},
		{"n = 13", "t_n_idx"},
		{"a @> '{7}'", "t_a_idx"},
		{"r @> 3", "t_r"},
	} {
		var seq, index int
		count := "select count(*) from idx.t where " + c.where
		if err := conn.QueryRow(harness.Context(t), count).Scan(&index); err != nil {
			t.Fatal(err)
		}
		harness.Execute(t, conn, "set enable_seqscan = on", "set enable_indexscan = off", "set enable_bitmapscan = off")
		if err := conn.QueryRow(harness.Context(t), count).Scan(&seq); err != nil {
			t.Fatal(err)
		}
		harness.Execute(t, conn, "reset enable_indexscan", "reset enable_bitmapscan", "set enable_seqscan = off")
		if seq != index || seq == 0 {
			t.Errorf("%s: %d rows by index %s, %d without", c.where, index, c.index, seq)
		}
	}
}

// Nothing of a user's runs on a follower: no trigger, no rule, no check.
func TestApplyFiresNothing(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema quiet",
		"create table quiet.log (what text)",
		"create function quiet.note() returns trigger language plpgsql as $$begin insert into quiet.log values (tg_op); return null; end$$",
		"create table quiet.t (k int primary key, v text)",
		"create trigger a after insert or update or delete on quiet.t for each row execute function quiet.note()",
		"create trigger b after truncate on quiet.t for each statement execute function quiet.note()",
		"alter table quiet.t enable always trigger a",
		"alter table quiet.t enable replica trigger b",
		"insert into quiet.t values (1, 'a'), (2, 'b')",
		"update quiet.t set v = 'c'",
		"delete from quiet.t where k = 1",
		"truncate quiet.t",
		"alter table quiet.t enable row level security",
		"create policy none on quiet.t using (false)",
		"insert into quiet.t values (3, 'd')",
		"create rule r as on insert to quiet.log do instead nothing",
		"insert into quiet.t values (4, 'e')",
	)
	p.Same(t)
}

// A truncation is of the tables that the leader emptied, in their place among
// the rows of triggers.
func TestApplyTruncate(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create schema trunc",
		"create table trunc.a (k serial primary key)",
		"create table trunc.b (k int primary key, a int references trunc.a)",
		"create table trunc.p (k int) partition by list (k)",
		"create table trunc.p1 partition of trunc.p for values in (1)",
		"create function trunc.again() returns trigger language plpgsql as $$begin insert into trunc.a values (default); return null; end$$",
		"create trigger again after truncate on trunc.a for each statement execute function trunc.again()",
		"insert into trunc.a select from generate_series(1, 3)",
		"insert into trunc.b values (1, 1)",
		"insert into trunc.p values (1)",
		"truncate trunc.a cascade",
		"begin; insert into trunc.a values (100); truncate trunc.a, trunc.b, trunc.p restart identity; insert into trunc.a values (101); commit",
		"create temp table local (k int); truncate local",
	)
	p.Same(t)
}

// Large changes of a table without a key are found by one reading of it, also
// when its notes do not fit into memory.
func TestApplyManyRowsWithoutKey(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t, "create table many (a int, b text)")
	const rows = 70000 // more than fit into the least maintenance_work_mem
	p.Run(t, fmt.Sprintf("insert into many select i %% 1000, case when i %% 3 = 0 then 'same' else i::text end from generate_series(1, %d) i", rows))
	p.Run(t, "begin; update many set a = a + 1 where a % 2 = 0; update many set b = b || 'x' where b = 'same'; delete from many where a % 3 = 0; commit")
	p.Same(t)
}

// A batch may be cut into parts anywhere, also inside an item's header.
func TestApplyParts(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table parts (k int primary key, v text)")
	harness.Execute(t, p.Leader.Connect(t), "insert into parts select i, repeat('x', i) from generate_series(1, 40) i")
	log := p.Leader.Gate.Chosen()
	set := log[len(log)-1]
	var batch changeset.Batch
	batch.Begin(p.Follower.Applied())
	batch.Set(set.Set.Timestamp, set.Set.Timestamp)
	batch.Payload(set.Set.Payload)
	batch.End(set.Position)

	conn := p.Follower.ConnectAs(t, "barista", "postgres")
	harness.Execute(t, conn, "begin")
	var changes int
	for rest := batch.Bytes(); len(rest) > 0; {
		n := min(7, len(rest))
		var some int
		if err := conn.QueryRow(harness.Context(t), "select barista_apply($1)", rest[:n]).Scan(&some); err != nil {
			t.Fatal(err)
		}
		changes += some
		rest = rest[n:]
	}
	harness.Execute(t, conn, "commit")
	if changes != 40 {
		t.Errorf("%d row changes, not 40", changes)
	}
	if got := p.Follower.Applied(); got != set.Position {
		t.Errorf("applied position %v, not %v", got, set.Position)
	}
	p.Applied = len(log)
	p.Same(t)
}

// A batch on top of another position than its predecessor leaves nothing.
func TestApplyGuard(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table guard (k int primary key)")
	harness.Execute(t, p.Leader.Connect(t), "insert into guard values (1)", "insert into guard values (2)")
	log := p.Leader.Gate.Chosen()
	late := log[len(log)-1]
	var batch changeset.Batch
	batch.Begin(late.Predecessor)
	batch.Set(late.Set.Timestamp, late.Set.Timestamp)
	batch.Payload(late.Set.Payload)
	batch.End(late.Position)
	applyFails(t, p.Follower, "BA002", batch.Bytes())
	p.Sync(t)
	applyFails(t, p.Follower, "BA002", batch.Bytes())
	p.Same(t)
}

// Rows that are missing, or there already, are divergence, and the message
// names table and key.
func TestApplyDivergence(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table odd (k int primary key, v text)", "create table bare (a int, b text)",
		"insert into odd values (1, 'a')", "insert into bare values (1, 'a')")
	harness.Execute(t, p.Leader.Connect(t), "begin", "update odd set v = 'b' where k = 1", "update bare set b = 'b'", "commit")
	log := p.Leader.Gate.Chosen()
	p.Leader.Gate.Hold()

	for _, c := range []struct{ name, sql, want string }{
		{"update", "update odd set v = 'c' where k = 1", "(k)=(1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The same update twice: the second finds no old row in bare.
			set := log[len(log)-1].Set
			var batch changeset.Batch
			batch.Begin(p.Follower.Applied())
			batch.Set(set.Timestamp, set.Timestamp)
			batch.Payload(set.Payload)
			batch.Set(set.Timestamp, set.Timestamp)
			batch.Payload(set.Payload)
			batch.End(p.Follower.Applied() + 1)
			err := applyFails(t, p.Follower, "BA001", batch.Bytes())
			if !strings.Contains(err.Message, "public.bare") || !strings.Contains(err.Detail, "(a, b)=(1, a)") {
				t.Errorf("the error does not name table and row: %s; %s", err.Message, err.Detail)
			}
		})
	}
	t.Run("insert", func(t *testing.T) {
		set := log[len(log)-3].Set // the first row of odd
		var batch changeset.Batch
		batch.Begin(p.Follower.Applied())
		batch.Set(set.Timestamp, set.Timestamp)
		batch.Payload(set.Payload)
		batch.End(p.Follower.Applied() + 1)
		err := applyFails(t, p.Follower, "BA001", batch.Bytes())
		if !strings.Contains(err.Message, "public.odd") || !strings.Contains(err.Detail, "(k)=(1)") {
			t.Errorf("the error does not name table and key: %s; %s", err.Message, err.Detail)
		}
	})
}

// Malformed batches are refused as such, and leave the server as it was.
func TestApplyMalformed(t *testing.T) {
	s := harness.StartServer(t, harness.Options{})
	begin := func() *changeset.Batch {
		var b changeset.Batch
		b.Begin(s.Applied())
		return &b
	}
	for name, part := range map[string][]byte{
		"empty":            {},
		"no beginning":     {'X', 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"unknown type":     append(begin().Bytes(), '?', 0, 0, 0, 0),
		"no end":           begin().Bytes(),
		"message outside":  append(begin().Bytes(), 'I', 0, 0, 0, 4, 0, 0, 0, 1),
		"unknown relation": append(begin().Bytes(), "X\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00I\x00\x00\x00\x04\x00\x00\x00\x01"...),
		"too long":         append(begin().Bytes(), 'X', 0xff, 0xff, 0xff, 0xff),
		"cut relation":     append(begin().Bytes(), "X\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00R\x00\x00\x00\x06\x00\x00\x00\x01ab"...),
	} {
		t.Run(name, func(t *testing.T) { applyFails(t, s, "BA003", part) })
	}
}

// A server survives any bytes: a batch with a few bytes changed, cut or doubled
// is refused or applied, and the next one is heard.
func TestApplySurvivesMutations(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table mut (k int primary key, v text, a int[], j jsonb, n numeric)", "create table mutbare (a text, b point)",
		"select lo_from_bytea(n, repeat('y', 9000)::bytea) from generate_series(7100, 7102, 2) n")
	from := len(p.Leader.Gate.Chosen())
	harness.Execute(t, p.Leader.Connect(t), `begin; insert into mut values (1, 'one', '{1,2}', '{"a": 1}', 1.5), (2, null, null, null, null);
		update mut set v = 'two' where k = 1; update mut set k = 3 where k = 2; insert into mutbare values ('x', '(1,2)');
		update mutbare set a = 'y'; delete from mut where k = 1; commit`,
		"begin; create table mutnew (k serial primary key); insert into mutnew default values; truncate mut; commit",
		"begin; select lo_from_bytea(7101, repeat('x', 5000)::bytea); select lo_put(7100, 5000, 'more'); select lo_truncate(lo_open(7100, 131072), 6000); select lo_unlink(7102); commit")
	conn := p.Follower.ConnectAs(t, "barista", "postgres")
	random := rand.New(rand.NewPCG(1, 2))
	codes := map[string]int{}
	for range 2000 {
		proposal := p.Leader.Gate.Chosen()[from+random.IntN(3)]
		var batch changeset.Batch
		batch.Begin(p.Follower.Applied())
		batch.Set(proposal.Set.Timestamp, proposal.Set.Timestamp)
		batch.Payload(mutate(random, proposal.Set.Payload))
		batch.End(p.Follower.Applied() + 1)
		harness.Execute(t, conn, "begin")
		_, err := conn.Exec(harness.Context(t), "select barista_apply($1)", batch.Bytes())
		var failure *pgconn.PgError
		if err != nil && !errors.As(err, &failure) {
			t.Fatalf("the server did not survive: %v", err)
		}
		if failure != nil {
			codes[failure.Code]++
		}
		harness.Execute(t, conn, "rollback")
	}
	for code, n := range codes {
		if !strings.HasPrefix(code, "BA") {
			t.Errorf("SQLSTATE %s, %d times", code, n)
		}
	}
	t.Log(codes)
	p.Same(t)
}

// mutate changes some bytes, takes some out, or doubles some.
func mutate(random *rand.Rand, payload []byte) []byte {
	b := slices.Clone(payload)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(b))
		end := min(len(b), at+1+random.IntN(20))
		switch random.IntN(4) {
		case 0:
			b[at] = byte(random.IntN(256))
		case 1:
			b[at] ^= 1 << random.IntN(8)
		case 2:
			b = slices.Delete(b, at, end)
		case 3:
			b = slices.Insert(b, at, slices.Clone(b[at:end])...)
		}
	}
	return b
}

// Users' functions in indexes and in types run as the table's owner, not as the
// superuser that applies, and with the writer's usual path.
func TestApplyRunsUsersCodeAsOwner(t *testing.T) {
	p := harness.SharedPair(t)
	p.Run(t,
		"create role code_owner", "create schema code authorization code_owner", "set role code_owner; "+
			"create function code.who(text) returns text language plpgsql immutable as $$begin return current_user || $1; end$$; "+
			"create function code.ok(int) returns bool language plpgsql immutable as $$begin return current_user = 'code_owner'; end$$; "+
			"create domain code.mine as int check (code.ok(value)); create type code.boxed as (m code.mine); "+
			"create table code.t (k int primary key, v text, b code.boxed); create index on code.t (code.who(v)); "+
			"insert into code.t values (1, 'a', row(5)); update code.t set v = 'b', b = row(6)",
	)
	p.Same(t)
	conn := p.Follower.Connect(t)
	var n int
	harness.Execute(t, conn, "set role code_owner", "set enable_seqscan = off")
	if err := conn.QueryRow(harness.Context(t), "select count(*) from code.t where code.who(v) = 'code_ownerb'").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows by the owner's index (%v), not 1", n, err)
	}
}

// Users' functions in indexes and domains find what they call along the
// writer's search_path, whichever it is, and so the entries are the leader's.
func TestApplyAlongWritersPath(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create schema along", "create schema \"Along 2\"",
		"create function along.g(int) returns int language plpgsql immutable as 'begin return $1 + 1; end'",
		"create function \"Along 2\".g(int) returns int language plpgsql immutable as 'begin return $1 + 2; end'",
		"create function public.by_name(int) returns int language plpgsql immutable as 'begin return g($1); end'",
		"set search_path = along, public; create function public.ok(int) returns bool language plpgsql immutable as 'begin return g($1) > 1; end'",
		"create function public.inlined(int) returns int language sql immutable as 'select g($1)'",
		"create domain along.d as int check (public.ok(value))", "create type along.boxed as (d along.d)",
		"set search_path = along, public; create table along.t (k int, b boxed); create index along_g on t (by_name(k)); "+
			"create index inlined_k on t (inlined(k)) where by_name(k) > 0")
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "set search_path = along, public", "insert into t values (1, row(1))",
		"set search_path = \"Along 2\", public", "insert into along.t values (1, row(1)), (5, row(5))",
		"begin", "insert into along.t values (7, row(7)), (8, row(8))",
		"set search_path = along, public", "update t set k = k + 10 where k > 6", "delete from t where k = 18",
		"set search_path = \"Along 2\", public", "update along.t set k = 27 where k = 17",
		"set search_path = along, public", "delete from t where k = 27", "commit",
		"truncate t", "insert into t values (1, row(1))",
		"set search_path = \"Along 2\"", "insert into along.t values (1, row(1))",
		"drop index along.inlined_k") // pg_dump could not read the table with it
	p.Same(t)
	for _, s := range []*harness.Server{p.Leader, p.Follower} {
		conn := s.Connect(t)
		harness.Execute(t, conn, "set enable_seqscan = off")
		for path, want := range map[string]string{"along": "2", `"Along 2"`: "3"} {
			harness.Execute(t, conn, "set search_path = "+path+", public")
			// By the index: one of the two rows is under each value.
			if got := harness.Value(t, conn, "select count(*) from along.t where by_name(k) = "+want); got != "1" {
				t.Errorf("%s rows under %s, not 1", got, want)
			}
		}
	}
}

// Only barista itself applies, and only while the gate is closed.
func TestApplyNeedsClosedGate(t *testing.T) {
	p := harness.SharedPair(t)
	harness.Refused(t, p.Follower.Connect(t), "42501", "select barista_apply('')")
	conn := p.Leader.ConnectAs(t, "barista", "postgres")
	harness.Refused(t, conn, "55000", "select barista_apply('')")
}

// applyFails hands a part to the server and checks the SQLSTATE of its failure,
// and that the applied position is where it was.
func applyFails(t testing.TB, s *harness.Server, sqlstate string, part []byte) *pgconn.PgError {
	t.Helper()
	before := s.Applied()
	err := s.ApplyPart(t, part)
	var failure *pgconn.PgError
	if !errors.As(err, &failure) || failure.Code != sqlstate {
		t.Fatalf("apply: %v, not SQLSTATE %s", err, sqlstate)
	}
	if got := s.Applied(); got != before {
		t.Errorf("a failed batch moved the applied position from %v to %v", before, got)
	}
	return failure
}
