package capture

import (
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
)

// VACUUM flushes the WAL before it begins, also when the last record ends where a page of the WAL does.
func TestVacuumAtTheEndOfAPage(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	conn := s.Connect(t)
	const at = "(pg_current_wal_insert_lsn() - '0/0') % 8192"
	harness.Execute(t, conn, "create table t (v int)",
		`create function fill() returns numeric language plpgsql as $$
		declare before pg_lsn; beside int; rest int;
		begin
			loop
				before := pg_current_wal_insert_lsn();
				perform pg_logical_emit_message(false, '', repeat('x', 1000));
				beside := pg_current_wal_insert_lsn() - before - 1000;
				rest := 8192 - (pg_current_wal_insert_lsn() - '0/0') % 8192;
				continue when beside > 100 or rest < 1400; -- a page began in between, or is full
				perform pg_logical_emit_message(false, '', repeat('x', rest - beside));
				exit when (pg_current_wal_insert_lsn() - '0/0') % 8192 = 24;
			end loop;
			return `+at+`;
		end $$`)
	for range 3 {
		if got := harness.Value(t, conn, "select fill()"); got != "24" {
			t.Fatalf("the WAL ends at %s of its page, not behind the header", got)
		}
		harness.Execute(t, conn, "vacuum t")
	}
}
