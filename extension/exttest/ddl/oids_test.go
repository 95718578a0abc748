package ddl

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// kinds makes one object of each kind that the other tests do not make beside temporary tables. %[1]s stands for a name.
var kinds = []string{
	"create schema %[1]s_s create table %[1]s_t (k serial primary key, v text unique, w int generated always as identity, check (k > 0), exclude using hash (v with =)) create view %[1]s_v as select 1 as a create index on %[1]s_t (w)",
	"create type %[1]s_e as enum ('a', 'b', 'c'); alter type %[1]s_e add value 'bb' before 'c'; alter type %[1]s_e add value 'aa' before 'b'; create table %[1]s_e1 (e %[1]s_e, es %[1]s_e[])",
	"create type %[1]s_r as range (subtype = int); create domain %[1]s_d as int check (value > 0); create type %[1]s_c as (a int, b text)",
	"create table %[1]s_p (k int, v text, primary key (k)) partition by range (k); create table %[1]s_p1 partition of %[1]s_p for values from (0) to (10); create index on %[1]s_p (v); create table %[1]s_p2 partition of %[1]s_p default; create table %[1]s_f (k int references %[1]s_p)",
	"create table %[1]s_as as select 1 as a, 'x' as b; create materialized view %[1]s_mv as select * from %[1]s_as; create index on %[1]s_mv (a); refresh materialized view %[1]s_mv",
	"create function %[1]s_f() returns trigger language plpgsql as 'begin return new; end'; create table %[1]s_tg (k int); create trigger tg after insert on %[1]s_tg execute function %[1]s_f(); create rule r as on update to %[1]s_tg do also select 1; create policy p on %[1]s_tg using (true); create statistics %[1]s_st on k, (k + 1) from %[1]s_tg",
	"create table %[1]s_rw (k int primary key, v text); insert into %[1]s_rw values (1, 'a'), (2, 'b'); alter table %[1]s_rw alter k type bigint, add c timestamptz default clock_timestamp(), add unique (v); create index %[1]s_rwi on %[1]s_rw (v); reindex table %[1]s_rw",
	"do $do$begin execute 'create role %[1]s_role'; create temp table if not exists in_do (k int); execute 'alter default privileges for role %[1]s_role grant select on tables to public'; end$do$",
	"select 1 as a into %[1]s_into; create temp view %[1]s_tv as select * from %[1]s_into; create view pg_temp.%[1]s_tw as select 1; create function pg_temp.%[1]s_tf() returns int language sql as 'select 1'; create sequence %[1]s_q owned by %[1]s_into.a",
	"begin; create table %[1]s_gone (k serial primary key); rollback; begin; savepoint s; create table %[1]s_gone (k int); rollback to s; create table %[1]s_stays (k text); commit",
}

// What the leader makes has the same OIDs on a follower, although its other sessions take OIDs in between for temporary tables and values out of line,
// and the follower's for what is local there: on a leader that takes over, too.
func TestOIDsAreTheLeaders(t *testing.T) {
	p := harness.StartPair(t)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "create temp table before (k serial primary key, v text)")
	p.Run(t, "create table large (k serial, v text)", "create extension hstore", "create extension postgres_fdw", "create server srv foreign data wrapper postgres_fdw",
		"create user mapping for public server srv", "create foreign table ft (k int) server srv", "create database other")
	for round := range 3 {
		stop := takeOIDs(t, p.Leader)
		random := rand.New(rand.NewPCG(uint64(round), 1))
		for i := range 20 {
			harness.Execute(t, conn, fmt.Sprintf(kinds[random.IntN(len(kinds))], fmt.Sprintf("o%d_%d", round, i)))
		}
		stop()
		p.SameOIDs(t, "postgres")
		p.SameOIDs(t, "other")
		harness.Execute(t, p.Follower.Connect(t), "vacuum full large", "vacuum full pg_proc", "reindex table large")

		p.Leader.Close()
		p.Follower.Gate.Restart()
		p.Follower.Open(harness.FirstEpoch + uint64(round+1)<<16)
		p = &harness.Pair{Leader: p.Follower, Follower: p.Leader}
		conn = p.Leader.Connect(t)
	}
}

// takeOIDs has two sessions take OIDs from the server's counter, for temporary tables and for values out of line, until stop is called.
func takeOIDs(t *testing.T, s *harness.Server) (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	for _, sql := range []string{
		"create temp table tt (k serial primary key, v text); drop table tt",
		"insert into large (v) select string_agg(md5(random()::text), '') from generate_series(1, 200)",
	} {
		conn := s.Connect(t)
		all.Go(func() { repeat(t, conn, sql, done) })
	}
	return func() {
		close(done)
		all.Wait()
	}
}

func repeat(t *testing.T, conn *pgx.Conn, sql string, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		if _, err := conn.Exec(harness.Context(t), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
			return
		}
	}
}

// Where the OIDs for what is replicated end they begin anew, and those in use are passed over; so it is with those for what is local.
func TestOIDsGoAround(t *testing.T) {
	// The last of each: 0x3FFFFFFF and 0xFFFFFFFF. Some of the first are in use, by table early and what belongs to it.
	fixture := harness.Options{Fixture: "create table early (k int primary key, v text);\n\nselect pg_replication_origin_create('barista_oids');\n\nselect pg_replication_origin_advance('barista_oids', '0/3FFFEFF0');\n\n", NextOID: 0xFFEFFFF8}
	p := &harness.Pair{Leader: harness.StartServer(t, fixture), Follower: harness.StartServer(t, fixture)}
	p.Leader.Open(harness.FirstEpoch)
	conn := p.Leader.Connect(t)
	for i := range 10 {
		harness.Execute(t, conn, fmt.Sprintf("create temp table tt%d (k serial primary key, v text)", i), fmt.Sprintf("create table t%d (k serial primary key, v text)", i))
	}
	p.Same(t)
	for query, want := range map[string]string{
		"select count(*) > 0 from pg_class where relname ~ '^t[0-9]$' and oid > 1073741800 and oid < 1073741824": "true",
		"select count(*) > 0 from pg_class where relname ~ '^t[0-9]$' and oid < 100000":                          "true",
		"select count(*) from pg_class where relname ~ '^tt[0-9]$' and oid < 1073741824":                         "0",
		"select count(*) > 0 from pg_class where relname ~ '^tt[0-9]$' and oid < 1073800000":                     "true",
	} {
		if got := harness.Value(t, conn, query); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
}

// A follower's files that belong to nothing are not in the way of what the leader chooses: those of its own leadership's transactions that were
// not agreed on, and of a replay that failed.
func TestOIDsOfAbandonedFiles(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table first (k int)")
	conn := p.Follower.Connect(t)
	p.Leader.Close()
	p.Follower.Open(harness.FirstEpoch + 1<<16)
	// More OIDs than the next leader passes over.
	harness.Execute(t, conn, "do $$begin for i in 1..300 loop execute format('create table lost%s (k serial primary key, v text)', i); end loop; raise 'refused'; exception when raise_exception then end$$")
	p.Follower.Close()
	p.Leader.Open(harness.FirstEpoch + 2<<16)
	p.Run(t, "create table kept (k serial primary key, v text)", "insert into kept (v) values ('a')", "create database kept")
	p.SameOIDs(t, "postgres")
	// What a checkpoint would remove is not the new file.
	harness.Execute(t, p.Follower.Connect(t), "checkpoint")
	p.Same(t)
}

// An OID that a follower has in use for something else does not stop it: what is made has another one there, and the server's log says so.
func TestOIDsInUse(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table first (k int)")
	p.Leader.Close()
	p.Follower.Open(harness.FirstEpoch + 1<<16)
	// Only when the view is there, it shows that it is temporary: until then it could be one of those that all nodes make.
	harness.Execute(t, p.Follower.Connect(t), "create temp table tt (k int)", "create view tv as select * from tt")
	p.Follower.Close()
	p.Leader.Open(harness.FirstEpoch + 2<<16)
	p.Run(t, "create view second as select 2 as b", "insert into first values (1)")
	if log := p.Follower.Logged(); !strings.Contains(log, "objects that CREATE VIEW has made have other OIDs here") {
		t.Errorf("the follower's log does not say so:\n%s", log)
	}
	const oid = "select 'second'::regclass::oid"
	if a, b := harness.Value(t, p.Leader.Connect(t), oid), harness.Value(t, p.Follower.Connect(t), oid); a == b {
		t.Errorf("both have the OID %s", a)
	}
	p.Run(t, "create or replace view second as select 2 as b, 3 as c", "drop view second", "create table third (k serial primary key)", "insert into third values (1)")
	p.Same(t)
}

// altered returns a copy of a proposal with the OIDs of its statements changed.
func altered(t *testing.T, from *harness.Proposal, change func(*changeset.OIDs)) *harness.Proposal {
	var w changeset.Writer
	for _, m := range harness.MessagesOf(t, from) {
		if statement, ok := m.(changeset.Statement); ok {
			change(&statement.OIDs)
			m = statement
		}
		w.Write(m)
	}
	changed := *from
	changed.Set.Payload = w.Payload()
	return &changed
}

// Statements of version 0.1.0 bring no OIDs, and run. Where objects have other OIDs since, later statements run too, and give what they make the leader's.
// OIDs that no leader gives are refused.
func TestOIDsOfOldStatements(t *testing.T) {
	p := harness.StartPair(t)
	conn := p.Leader.Connect(t)
	harness.Execute(t, conn, "create temp table before (k int)", "create table old (k serial primary key, v text); create index on old (v)")
	for _, proposal := range p.Leader.Gate.Chosen() {
		p.Follower.Apply(t, altered(t, proposal, func(oids *changeset.OIDs) { *oids = changeset.OIDs{} }))
		p.Applied++
	}
	const oid = "select 'old'::regclass::oid"
	if a, b := harness.Value(t, conn, oid), harness.Value(t, p.Follower.Connect(t), oid); a == b {
		t.Errorf("both have the OID %s", a)
	}
	p.Run(t, "alter table old add w int unique, alter v type varchar, add r int references old", "create view made as select * from old", "insert into old (v) values ('x')")
	harness.CompareDumps(t, p.Leader, p.Follower, "pg_dump", "-d", "postgres")
	harness.SameAnswer(t, p, "select 'made'::regclass::oid, 'old_w_key'::regclass::oid, 'old_v_idx'::regclass::oid")

	harness.Execute(t, conn, "create table refused (k int)")
	last := p.Leader.Gate.Chosen()[p.Applied]
	for what, change := range map[string]func(*changeset.OIDs){
		"next of initdb":     func(oids *changeset.OIDs) { oids.Next = 5 },
		"next that is local": func(oids *changeset.OIDs) { oids.Next = 1 << 30 },
		"object of initdb":   func(oids *changeset.OIDs) { oids.Objects[0].OID = 1259 },
		"object is local":    func(oids *changeset.OIDs) { oids.Objects[0].OID = 1 << 31 },
		"no such catalog":    func(oids *changeset.OIDs) { oids.Objects[0].Catalog = 16384 },
	} {
		if err := p.Follower.TryApply(t, altered(t, last, change)); harness.SQLState(err) != "BA003" {
			t.Errorf("%s: %v, not BA003", what, err)
		}
	}
	p.Run(t, "insert into refused values (1)")
}

// Temporary tables that functions of a statement make, and tables that they have clustered, have none of the OIDs that the statement's own objects have.
func TestOIDsBesideFunctions(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create table clustered (k int primary key, v text)", "cluster clustered using clustered_pkey",
		"create function v() returns int language plpgsql as $$begin create temp table made (k serial primary key, v text); cluster clustered; reindex table clustered; drop table made; return 1; end$$",
		"create function c() returns int language plpgsql immutable as $$begin return v(); end$$",
		"create table p (k int, v text) partition by range (k)", "create index on p (v)")
	p.Run(t, "create table of_constant as select c() as k, 'v' as v", "create table of_rows as select v() as k, 'v' as v", "create table p1 partition of p for values from (v()) to (10)")
	p.Same(t)
}

// A session that has the server go without the catalogs' indexes could not choose OIDs: its schema changes are refused.
func TestOIDsWithoutIndexes(t *testing.T) {
	conn := harness.SharedLeader(t).Connect(t, "ignore_system_indexes", "on")
	harness.Execute(t, conn, "create temp table tt (k serial primary key, v text)")
	harness.Refused(t, conn, "0A000", "create table t (k serial primary key, v text)")
}

// A file that a statement takes from its table belongs to that until the commit, also if a new object is to have its number.
func TestOIDOfAFileThatIsTaken(t *testing.T) {
	const fixture = "create table early (a int, b int, c int);\n\ninsert into early values (1, 1, 1);\n\nselect pg_replication_origin_create('barista_oids');\n\nselect pg_replication_origin_advance('barista_oids', '0/3FFFF000');\n\n"
	p := &harness.Pair{Leader: harness.StartServer(t, harness.Options{Fixture: fixture}), Follower: harness.StartServer(t, harness.Options{Fixture: fixture + "vacuum full early;\n\n"})}
	p.Leader.Open(harness.FirstEpoch)
	p.Run(t, "create function f(i int) returns int language plpgsql immutable as $$begin if session_user = 'barista_nobody' then raise 'not here'; end if; return i; end$$")
	file := harness.Value(t, p.Follower.Connect(t), "select pg_relation_filenode('early')::text")
	// So many OIDs (labels have even ones) that the next statement's are around the file's number.
	labels := harness.Value(t, p.Leader.Connect(t), "select string_agg(quote_literal(i), ', ') from generate_series('f'::regproc::oid::int + 16, "+file+", 2) i")
	p.Run(t, "create type many as enum ("+labels+")")
	harness.Execute(t, p.Leader.Connect(t), `alter table early add x timestamptz default clock_timestamp(), add unique (a), add unique (b), add unique (c), add unique (a, b), add unique (b, a), add unique (a, c),
		add unique (c, a), add unique (b, c), add unique (c, b), add unique (a, b, c), add unique (c, b, a), add unique (b, a, c), add unique (c, a, b), add exclude using btree (a with =) where (f(1) = 1)`)
	last := p.Leader.Gate.Chosen()[p.Applied]
	given := false
	statement := harness.Recorded(t, p, p.Applied)[0]
	for _, object := range statement.OIDs.Objects {
		given = given || object.Catalog == 1259 && fmt.Sprint(object.OID) == file
	}
	if !given {
		t.Fatalf("none of %v is a table or an index %s", statement.OIDs, file)
	}
	if err := p.Follower.TryApply(t, last); harness.SQLState(err) != "BA001" {
		t.Errorf("apply: %v", err)
	}
	if rows := harness.Value(t, p.Follower.Connect(t), "select count(*) from early"); rows != "1" {
		t.Errorf("%s rows are left", rows)
	}
}
