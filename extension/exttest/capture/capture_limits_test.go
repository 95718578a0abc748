package capture

import (
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// A session that makes, fills and drops tables does not grow by each of them.
func TestDroppedTablesAreForgotten(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	conn := s.Connect(t)
	for range 50 {
		harness.Execute(t, conn, "create table brief (k int primary key, v text)", "insert into brief values (1, 'a')", "drop table brief")
	}
	known := "select count(*) from pg_backend_memory_contexts where name = 'barista captured relation'"
	if got := harness.Value(t, conn, known); got != "0" && got != "1" {
		t.Errorf("50 dropped tables have left %s entries", got)
	}
}

// A row that is in place here only because its values are stored out of line, and that no follower could put together, is refused.
func TestRowLongerThanMemoryAllows(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{Fixture: `create table part (k int primary key, v text);
		create table whole (a text, b text)`})
	conn := s.Connect(t)
	harness.Execute(t, conn, "insert into part values (1, repeat('x', 536870912))", "insert into part values (2, repeat('x', 536870880))")
	_, err := conn.Exec(harness.Context(t), "insert into whole select p.v, q.v from part p, part q where p.k = 1 and q.k = 2")
	if state := harness.SQLState(err); state != "54000" || !strings.Contains(err.Error(), "a row of") {
		t.Errorf("a row of a gigabyte: %v", err)
	}
	if got := harness.Value(t, conn, "select count(*) from whole"); got != "0" {
		t.Errorf("%s rows", got)
	}
}
