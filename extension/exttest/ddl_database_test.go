package exttest

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
)

// A database that is made on the leader is made on the follower, of the same
// template, and what is written in it is replicated.
func TestDDLCreateDatabase(t *testing.T) {
	p := startPair(t)
	in := func(database string, statements ...string) {
		t.Helper()
		conn := p.leader.connectAs(t, "postgres", database)
		execute(t, conn, statements...)
		conn.Close(testContext(t))
		p.sync(t)
	}
	in("template1", "create table common (k serial primary key, v text)", "insert into common (v) values ('in every database')")
	p.run(t, "create role db_owner createdb", "create role db_nobody login", "create database shop owner db_owner", "comment on database shop is 'goods'", "alter database shop set work_mem = '8MB'")
	in("shop", "create table goods (k serial primary key, v text)", "insert into goods (v) select 'g' || i from generate_series(1, 10) i",
		"insert into common (v) values ('in shop')", "update common set v = 'changed' where k = 1")
	p.run(t, `create database "Odd-name" template = template0 encoding 'UTF8' locale 'C' connection limit 20`, "create database copied template shop", "create database if_copy strategy file_copy is_template true",
		"set role db_owner", "create database owned")
	in("Odd-name", "create table only_here (k int)", "insert into only_here values (1)")
	in("copied", "insert into goods (v) values ('more')", "alter table goods add r float8 default random()")
	conn := p.leader.connect(t)
	refused(t, conn, "42P04", "create database shop")
	refused(t, conn, "3D000", "create database x template nothing")
	refused(t, conn, "25001", "begin; create database x")
	execute(t, conn, "rollback")
	refused(t, p.leader.connectAs(t, "db_nobody", "postgres"), "42501", "create database x")
	for _, sql := range []string{
		"create database x allow_connections false", "create database x oid 70000", "create database x template template0 encoding 'LATIN1'",
		"create database x tablespace other", "create database x template template0 locale 'de_DE.UTF-8'",
	} {
		refused(t, conn, "0A000", sql)
	}
	reader := p.follower.connectAs(t, "postgres", "shop") // a reader does not hold a follower up
	p.run(t, "create database again template shop")
	if _, err := reader.Exec(testContext(t), "select 1"); err == nil {
		t.Error("a reader of the template is still connected")
	}
	for _, database := range []string{"postgres", "template1", "shop", "Odd-name", "copied", "if_copy", "owned", "again"} {
		compareDumps(t, p.leader, p.follower, "pg_dump", "--schema-only", "--create", "-d", "dbname='"+database+"'")
		compareDumps(t, p.leader, p.follower, "pg_dump", "--data-only", "--inserts", "-d", "dbname='"+database+"'")
	}
}

// DROP DATABASE takes a database away everywhere, at once or not at all, and its
// name and its owner are free.
func TestDDLDropDatabase(t *testing.T) {
	p := startPair(t)
	p.run(t, "create role drop_owner createdb login", "create database dropped owner drop_owner", "alter database dropped set work_mem = '8MB'",
		"comment on database dropped is 'x'", "grant connect on database dropped to drop_owner", "create database mine is_template true", "create database other")
	user := p.leader.connectAs(t, "postgres", "dropped")
	execute(t, user, "create table t (k serial primary key)", "insert into t default values")
	p.sync(t)
	conn := p.leader.connect(t)
	before := len(p.leader.gate.chosen())
	refused(t, conn, "55006", "drop database dropped")
	refused(t, conn, "25001", "select 1; drop database dropped with (force)")
	refused(t, conn, "3D000", "drop database nothing")
	execute(t, conn, "drop database if exists nothing")
	refused(t, conn, "42809", "drop database mine")
	refused(t, conn, "0A000", "drop database template1")
	refused(t, conn, "0A000", "drop database postgres")
	refused(t, user, "55006", "drop database dropped")
	refused(t, p.leader.connectAs(t, "drop_owner", "postgres"), "42501", "drop database other")
	execute(t, conn, "begin")
	refused(t, conn, "25001", "drop database other")
	execute(t, conn, "rollback")
	refused(t, conn, "0A000", "create database barista_dropped_1")
	if n := len(p.leader.gate.chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
	reader := p.follower.connectAs(t, "postgres", "dropped") // does not hold the follower up
	p.run(t, "drop database dropped with (force)", "drop role drop_owner")
	for _, c := range []struct {
		name string
		err  error
	}{
		{"a session of the leader", func() error { _, err := user.Exec(testContext(t), "select 1"); return err }()},
		{"a reader of the follower", func() error { _, err := reader.Exec(testContext(t), "select 1"); return err }()},
	} {
		if c.err == nil {
			t.Errorf("%s is still connected", c.name)
		}
	}
	p.run(t, "create database dropped", "drop database other")
	refused(t, p.leader.connectAs(t, "postgres", "dropped"), "42P01", "select * from t")
	rest := "select count(*) from pg_database where datname like 'barista_dropped_%' and not datallowconn"
	if got := answer(t, p.follower.connect(t), rest); got != "1" {
		t.Errorf("%s databases wait to be swept away, not 1", got)
	}
	if err := p.follower.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-p.follower.done // between the two steps
	p.follower.restart(t, options{})
	p.run(t, "create table after (k int)") // the follower sweeps when it applies
	names := "select array_agg(datname order by datname) from pg_database"
	for _, s := range []*server{p.leader, p.follower} {
		if got := answer(t, s.connect(t), names); got != "[dropped mine postgres template0 template1]" {
			t.Errorf("databases %s", got)
		}
	}
	last := p.leader.gate.chosen()
	told := 0
	for _, proposal := range last {
		for _, m := range messagesOf(t, proposal) {
			if d, ok := m.(changeset.DroppedDatabase); ok {
				told++
				t.Log(fmt.Sprint(d))
			}
		}
	}
	if told != 2 {
		t.Errorf("%d databases were told of, not 2", told)
	}
	p.same(t)
}

// A DROP DATABASE that is not agreed on leaves the database as it was.
func TestDDLDropDatabaseRefused(t *testing.T) {
	s := startLeader(t, options{})
	conn := s.connect(t)
	execute(t, conn, "create database kept")
	inside := s.connectAs(t, "postgres", "kept")
	execute(t, inside, "create table t (k int)", "insert into t values (1)")
	inside.Close(testContext(t))
	s.gate.hold()
	drop := begin(t, conn, "drop database kept")
	s.gate.next(t).refuse("40001", "this node stopped leading")
	if state := drop.wait(); state != "40001" {
		t.Errorf("SQLSTATE %q, not 40001", state)
	}
	s.gate.release()
	if n := answer(t, s.connectAs(t, "postgres", "kept"), "select count(*) from t"); n != "1" {
		t.Errorf("%s rows, not 1", n)
	}
}

// A database that is renamed is renamed on the follower, whoever reads there; what was written before and after is where it belongs, also
// when two databases swap their names.
func TestDDLRenameDatabase(t *testing.T) {
	p := startPair(t)
	in := func(database string, statements ...string) {
		t.Helper()
		conn := p.leader.connectAs(t, "postgres", database)
		execute(t, conn, statements...)
		conn.Close(testContext(t))
		p.sync(t)
	}
	p.run(t, "create role rename_owner createdb login", "create role rename_nobody login", "create database shop owner rename_owner", "create database spare")
	in("shop", "create table goods (k serial primary key, v text)", "insert into goods (v) values ('shop')")
	in("spare", "create table goods (k serial primary key, v text)", "insert into goods (v) values ('spare')")
	conn := p.leader.connect(t)
	before := len(p.leader.gate.chosen())
	for _, c := range []struct{ state, sql string }{
		{"0A000", "alter database postgres rename to x"}, {"0A000", "alter database template1 rename to x"},
		{"0A000", "alter database shop rename to barista_dropped_1"}, {"3D000", "alter database nothing rename to x"},
		{"42P04", "alter database shop rename to spare"},
	} {
		refused(t, conn, c.state, c.sql)
	}
	refused(t, p.leader.connectAs(t, "rename_nobody", "postgres"), "42501", "alter database shop rename to x")
	user := p.leader.connectAs(t, "postgres", "shop")
	refused(t, user, "0A000", "alter database shop rename to x") // the current one
	refused(t, conn, "55006", "alter database shop rename to x")
	user.Close(testContext(t))
	execute(t, conn, "create table many (v text)")
	refused(t, conn, "0A000", "begin; alter database shop rename to x; insert into many select repeat('x', 1000) from generate_series(1, 6000)")
	execute(t, conn, "rollback")
	refused(t, conn, "0A000", "begin; insert into many select repeat('x', 1000) from generate_series(1, 6000); alter database shop rename to x")
	execute(t, conn, "rollback", "begin", "savepoint a", "alter database shop rename to x", "rollback to a",
		"insert into many select repeat('x', 1000) from generate_series(1, 6000)", "rollback", "begin", "alter database shop rename to x", "rollback")
	if n := len(p.leader.gate.chosen()) - before; n != 1 {
		t.Errorf("%d proposals, not 1", n)
	}
	p.sync(t)

	reader := p.follower.connectAs(t, "postgres", "shop") // does not hold the follower up
	p.run(t, "set role rename_owner", "alter database shop rename to store", "reset role")
	if _, err := reader.Exec(testContext(t), "select 1"); err == nil {
		t.Error("a reader of the follower is still connected")
	}
	in("store", "insert into goods (v) values ('store')")
	p.run(t, "begin", "alter database store rename to between", "comment on database between is 'on its way'", "create table beside (k int)",
		"alter database spare rename to store", "alter database between rename to spare", "commit")
	in("spare", "insert into goods (v) values ('was shop')")
	in("store", "insert into goods (v) values ('was spare')")
	for database, want := range map[string]string{"spare": "[shop store was shop]", "store": "[spare was spare]"} {
		for _, s := range []*server{p.leader, p.follower} {
			if got := answer(t, s.connectAs(t, "postgres", database), "select array_agg(v order by k) from goods"); got != want {
				t.Errorf("%s holds %s, not %s", database, got, want)
			}
		}
		compareDumps(t, p.leader, p.follower, "pg_dump", "--schema-only", "--create", "-d", "dbname='"+database+"'")
	}
	p.same(t)
}

// An ALTER DATABASE ... RENAME that is not agreed on leaves the name as it was.
func TestDDLRenameDatabaseRefused(t *testing.T) {
	s := startLeader(t, options{})
	conn := s.connect(t)
	execute(t, conn, "create database kept")
	s.gate.hold()
	rename := begin(t, conn, "alter database kept rename to other")
	s.gate.next(t).refuse("40001", "this node stopped leading")
	if state := rename.wait(); state != "40001" {
		t.Errorf("SQLSTATE %q, not 40001", state)
	}
	s.gate.release()
	if n := answer(t, s.connectAs(t, "postgres", "kept"), "select count(*) from pg_database where datname = 'other'"); n != "0" {
		t.Error("it has its new name")
	}
}

// That indexes are built anew for a new version of a collation is a matter of each server, as building them is. What an event trigger
// writes meanwhile is replicated.
func TestDDLCollationVersionIsLocal(t *testing.T) {
	p := startPair(t)
	p.run(t, "create schema ver", `create collation ver.c (locale = 'C.UTF-8')`, "create table ver.log (tag text)",
		"create function ver.note() returns event_trigger language plpgsql as $$begin insert into ver.log values (tg_tag); end$$")
	conn, before := p.leader.connect(t), len(p.leader.gate.chosen())
	execute(t, conn, "alter collation ver.c refresh version", "begin; alter collation ver.c refresh version; alter database postgres refresh collation version; commit")
	if n := len(p.leader.gate.chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
	p.run(t, "create event trigger note on ddl_command_end execute function ver.note()", "alter collation ver.c refresh version")
	if got := value(t, p.follower.connect(t), "select array_agg(tag) from ver.log"); got != "{\"ALTER COLLATION\"}" {
		t.Errorf("the follower's log holds %s", got)
	}
	p.same(t)
}

// What stays where it is, and what is a matter of each server, passes no gate.
func TestDDLDatabaseLocal(t *testing.T) {
	s := startLeader(t, options{})
	conn := s.connect(t)
	execute(t, conn, "create database shop")
	before := len(s.gate.chosen())
	execute(t, conn, "alter database shop set tablespace pg_default", "alter database shop refresh collation version", "alter database postgres refresh collation version")
	refused(t, conn, "0A000", "alter database shop set tablespace elsewhere")
	if n := len(s.gate.chosen()) - before; n != 0 {
		t.Errorf("%d proposals", n)
	}
}
