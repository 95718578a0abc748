package objects

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// A database that is made on the leader is made on the follower, of the same
// template, and what is written in it is replicated.
func TestDDLCreateDatabase(t *testing.T) {
	p := harness.StartPair(t)
	in := func(database string, statements ...string) {
		t.Helper()
		conn := p.Leader.ConnectAs(t, "postgres", database)
		harness.Execute(t, conn, statements...)
		conn.Close(harness.Context(t))
		p.Sync(t)
	}
	in("template1", "create table common (k serial primary key, v text)", "insert into common (v) values ('in every database')")
	p.Run(t, "create role db_owner createdb", "create role db_nobody login", "create database shop owner db_owner", "comment on database shop is 'goods'", "alter database shop set work_mem = '8MB'")
	in("shop", "create table goods (k serial primary key, v text)", "insert into goods (v) select 'g' || i from generate_series(1, 10) i",
		"insert into common (v) values ('in shop')", "update common set v = 'changed' where k = 1")
	p.Run(t, `create database "Odd-name" template = template0 encoding 'UTF8' locale 'C' connection limit 20`, "create database copied template shop", "create database if_copy strategy file_copy is_template true",
		"set role db_owner", "create database owned")
	in("Odd-name", "create table only_here (k int)", "insert into only_here values (1)")
	in("copied", "insert into goods (v) values ('more')", "alter table goods add r float8 default random()")
	conn := p.Leader.Connect(t)
	harness.Refused(t, conn, "42P04", "create database shop")
	harness.Refused(t, conn, "3D000", "create database x template nothing")
	harness.Refused(t, conn, "25001", "begin; create database x")
	harness.Execute(t, conn, "rollback")
	harness.Refused(t, p.Leader.ConnectAs(t, "db_nobody", "postgres"), "42501", "create database x")
	for _, sql := range []string{
		"create database x allow_connections false", "create database x oid 70000", "create database x template template0 encoding 'LATIN1'",
		"create database x tablespace other", "create database x template template0 locale 'de_DE.UTF-8'",
	} {
		harness.Refused(t, conn, "0A000", sql)
	}
	reader := p.Follower.ConnectAs(t, "postgres", "shop") // a reader does not hold a follower up
	p.Run(t, "create database again template shop")
	if _, err := reader.Exec(harness.Context(t), "select 1"); err == nil {
		t.Error("a reader of the template is still connected")
	}
	for _, database := range []string{"postgres", "template1", "shop", "Odd-name", "copied", "if_copy", "owned", "again"} {
		harness.CompareDumps(t, p.Leader, p.Follower, "pg_dump", "--schema-only", "--create", "-d", "dbname='"+database+"'")
		harness.CompareDumps(t, p.Leader, p.Follower, "pg_dump", "--data-only", "--inserts", "-d", "dbname='"+database+"'")
	}
}

// DROP DATABASE takes a database away everywhere, at once or not at all, and its
// name and its owner are free.
func TestDDLDropDatabase(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create role drop_owner createdb login", "create database dropped owner drop_owner", "alter database dropped set work_mem = '8MB'",
		"comment on database dropped is 'x'", "grant connect on database dropped to drop_owner", "create database mine is_template true", "create database other")
	user := p.Leader.ConnectAs(t, "postgres", "dropped")
	harness.Execute(t, user, "create table t (k serial primary key)", "insert into t default values")
	p.Sync(t)
	conn := p.Leader.Connect(t)
	before := len(p.Leader.Gate.Chosen())
	harness.Refused(t, conn, "55006", "drop database dropped")
	harness.Refused(t, conn, "25001", "select 1; drop database dropped with (force)")
	harness.Refused(t, conn, "3D000", "drop database nothing")
	harness.Execute(t, conn, "drop database if exists nothing")
	harness.Refused(t, conn, "42809", "drop database mine")
	harness.Refused(t, conn, "0A000", "drop database template1")
	harness.Refused(t, conn, "0A000", "drop database postgres")
	harness.Refused(t, user, "55006", "drop database dropped")
	harness.Refused(t, p.Leader.ConnectAs(t, "drop_owner", "postgres"), "42501", "drop database other")
	harness.Execute(t, conn, "begin")
	harness.Refused(t, conn, "25001", "drop database other")
	harness.Execute(t, conn, "rollback")
	harness.Refused(t, conn, "0A000", "create database barista_dropped_1")
	if n := len(p.Leader.Gate.Chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
	reader := p.Follower.ConnectAs(t, "postgres", "dropped") // does not hold the follower up
	p.Run(t, "drop database dropped with (force)", "drop role drop_owner")
	for _, c := range []struct {
		name string
		err  error
	}{
		{"a session of the leader", func() error { _, err := user.Exec(harness.Context(t), "select 1"); return err }()},
		{"a reader of the follower", func() error { _, err := reader.Exec(harness.Context(t), "select 1"); return err }()},
	} {
		if c.err == nil {
			t.Errorf("%s is still connected", c.name)
		}
	}
	p.Run(t, "create database dropped", "drop database other")
	harness.Refused(t, p.Leader.ConnectAs(t, "postgres", "dropped"), "42P01", "select * from t")
	rest := "select count(*) from pg_database where datname like 'barista_dropped_%' and not datallowconn"
	if got := harness.Answer(t, p.Follower.Connect(t), rest); got != "1" {
		t.Errorf("%s databases wait to be swept away, not 1", got)
	}
	if err := p.Follower.Cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-p.Follower.Done // between the two steps
	p.Follower.Restart(t, harness.Options{})
	var limit changeset.Batch // what a node begins with; a sweep in front of it would take an id
	limit.Begin(p.Follower.Applied())
	limit.IDLimit(1 << 17)
	limit.End(p.Follower.Applied())
	if err := p.Follower.ApplyPart(t, limit.Bytes()); err != nil {
		t.Fatal(err)
	}
	p.Run(t, "create table after (k int)") // the follower sweeps when it applies
	names := "select array_agg(datname order by datname) from pg_database"
	for _, s := range []*harness.Server{p.Leader, p.Follower} {
		if got := harness.Answer(t, s.Connect(t), names); got != "[dropped mine postgres template0 template1]" {
			t.Errorf("databases %s", got)
		}
	}
	last := p.Leader.Gate.Chosen()
	told := 0
	for _, proposal := range last {
		for _, m := range harness.MessagesOf(t, proposal) {
			if d, ok := m.(changeset.DroppedDatabase); ok {
				told++
				t.Log(fmt.Sprint(d))
			}
		}
	}
	if told != 2 {
		t.Errorf("%d databases were told of, not 2", told)
	}
	p.Same(t)
}

// A DROP DATABASE that is not agreed on leaves the database as it was.
func TestDDLDropDatabaseRefused(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	conn := s.Connect(t)
	harness.Execute(t, conn, "create database kept")
	inside := s.ConnectAs(t, "postgres", "kept")
	harness.Execute(t, inside, "create table t (k int)", "insert into t values (1)")
	inside.Close(harness.Context(t))
	s.Gate.Hold()
	drop := harness.Begin(t, conn, "drop database kept")
	s.Gate.Next(t).Refuse("40001", "this node stopped leading")
	if state := drop.Wait(); state != "40001" {
		t.Errorf("SQLSTATE %q, not 40001", state)
	}
	s.Gate.Release()
	if n := harness.Answer(t, s.ConnectAs(t, "postgres", "kept"), "select count(*) from t"); n != "1" {
		t.Errorf("%s rows, not 1", n)
	}
}

// A database that is renamed is renamed on the follower, whoever reads there; what was written before and after is where it belongs, also
// when two databases swap their names.
func TestDDLRenameDatabase(t *testing.T) {
	p := harness.StartPair(t)
	in := func(database string, statements ...string) {
		t.Helper()
		conn := p.Leader.ConnectAs(t, "postgres", database)
		harness.Execute(t, conn, statements...)
		conn.Close(harness.Context(t))
		p.Sync(t)
	}
	p.Run(t, "create role rename_owner createdb login", "create role rename_nobody login", "create database shop owner rename_owner", "create database spare")
	in("shop", "create table goods (k serial primary key, v text)", "insert into goods (v) values ('shop')")
	in("spare", "create table goods (k serial primary key, v text)", "insert into goods (v) values ('spare')")
	conn := p.Leader.Connect(t)
	before := len(p.Leader.Gate.Chosen())
	for _, c := range []struct{ state, sql string }{
		{"0A000", "alter database postgres rename to x"}, {"0A000", "alter database template1 rename to x"},
		{"0A000", "alter database shop rename to barista_dropped_1"}, {"3D000", "alter database nothing rename to x"},
		{"42P04", "alter database shop rename to spare"},
	} {
		harness.Refused(t, conn, c.state, c.sql)
	}
	harness.Refused(t, p.Leader.ConnectAs(t, "rename_nobody", "postgres"), "42501", "alter database shop rename to x")
	user := p.Leader.ConnectAs(t, "postgres", "shop")
	harness.Refused(t, user, "0A000", "alter database shop rename to x") // the current one
	harness.Refused(t, conn, "55006", "alter database shop rename to x")
	user.Close(harness.Context(t))
	harness.Execute(t, conn, "create table many (v text)")
	harness.Refused(t, conn, "0A000", "begin; alter database shop rename to x; insert into many select repeat('x', 1000) from generate_series(1, 6000)")
	harness.Execute(t, conn, "rollback")
	harness.Refused(t, conn, "0A000", "begin; insert into many select repeat('x', 1000) from generate_series(1, 6000); alter database shop rename to x")
	harness.Execute(t, conn, "rollback", "begin", "savepoint a", "alter database shop rename to x", "rollback to a",
		"insert into many select repeat('x', 1000) from generate_series(1, 6000)", "rollback", "begin", "alter database shop rename to x", "rollback")
	if n := len(p.Leader.Gate.Chosen()) - before; n != 1 {
		t.Errorf("%d proposals, not 1", n)
	}
	p.Sync(t)

	reader := p.Follower.ConnectAs(t, "postgres", "shop") // does not hold the follower up
	p.Run(t, "set role rename_owner", "alter database shop rename to store", "reset role")
	if _, err := reader.Exec(harness.Context(t), "select 1"); err == nil {
		t.Error("a reader of the follower is still connected")
	}
	in("store", "insert into goods (v) values ('store')")
	p.Run(t, "begin", "alter database store rename to between", "comment on database between is 'on its way'", "create table beside (k int)",
		"alter database spare rename to store", "alter database between rename to spare", "commit")
	in("spare", "insert into goods (v) values ('was shop')")
	in("store", "insert into goods (v) values ('was spare')")
	for database, want := range map[string]string{"spare": "[shop store was shop]", "store": "[spare was spare]"} {
		for _, s := range []*harness.Server{p.Leader, p.Follower} {
			if got := harness.Answer(t, s.ConnectAs(t, "postgres", database), "select array_agg(v order by k) from goods"); got != want {
				t.Errorf("%s holds %s, not %s", database, got, want)
			}
		}
		harness.CompareDumps(t, p.Leader, p.Follower, "pg_dump", "--schema-only", "--create", "-d", "dbname='"+database+"'")
	}
	p.Same(t)
}

// An ALTER DATABASE ... RENAME that is not agreed on leaves the name as it was.
func TestDDLRenameDatabaseRefused(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	conn := s.Connect(t)
	harness.Execute(t, conn, "create database kept")
	s.Gate.Hold()
	rename := harness.Begin(t, conn, "alter database kept rename to other")
	s.Gate.Next(t).Refuse("40001", "this node stopped leading")
	if state := rename.Wait(); state != "40001" {
		t.Errorf("SQLSTATE %q, not 40001", state)
	}
	s.Gate.Release()
	if n := harness.Answer(t, s.ConnectAs(t, "postgres", "kept"), "select count(*) from pg_database where datname = 'other'"); n != "0" {
		t.Error("it has its new name")
	}
}

// That indexes are built anew for a new version of a collation is a matter of each server, as building them is. What an event trigger
// writes meanwhile is replicated.
func TestDDLCollationVersionIsLocal(t *testing.T) {
	p := harness.StartPair(t)
	p.Run(t, "create schema ver", `create collation ver.c (locale = 'C.UTF-8')`, "create table ver.log (tag text)",
		"create function ver.note() returns event_trigger language plpgsql as $$begin insert into ver.log values (tg_tag); end$$")
	conn, before := p.Leader.Connect(t), len(p.Leader.Gate.Chosen())
	harness.Execute(t, conn, "alter collation ver.c refresh version", "begin; alter collation ver.c refresh version; alter database postgres refresh collation version; commit")
	if n := len(p.Leader.Gate.Chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
	p.Run(t, "create event trigger note on ddl_command_end execute function ver.note()", "alter collation ver.c refresh version")
	if got := harness.Value(t, p.Follower.Connect(t), "select array_agg(tag) from ver.log"); got != "{\"ALTER COLLATION\"}" {
		t.Errorf("the follower's log holds %s", got)
	}
	p.Same(t)
}

// What stays where it is, and what is a matter of each server, passes no gate.
func TestDDLDatabaseLocal(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	conn := s.Connect(t)
	harness.Execute(t, conn, "create database shop")
	before := len(s.Gate.Chosen())
	harness.Execute(t, conn, "alter database shop set tablespace pg_default", "alter database shop refresh collation version", "alter database postgres refresh collation version")
	harness.Refused(t, conn, "0A000", "alter database shop set tablespace elsewhere")
	if n := len(s.Gate.Chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
}
