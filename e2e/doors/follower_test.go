package doors

import (
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestNobodyWritesOnAFollower(t *testing.T) {
	// On a follower's own socket a superuser too cannot commit a change, however the transaction is begun.
	c := harness.SharedCluster(t)
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE guarded (k serial PRIMARY KEY, v text); INSERT INTO guarded (v) VALUES ('as it was')")
	c.VerifyAll(t)
	for _, begin := range []struct{ name, before, in string }{
		{"plainly", "", ""},
		{"by a session setting", "SET default_transaction_read_only = off", ""},
		{"read write", "", "SET TRANSACTION READ WRITE"},
		{"as a replica", "SET session_replication_role = replica", ""},
		{"by transaction_read_only", "", "SET transaction_read_only = off"},
	} {
		t.Run(begin.name, func(t *testing.T) {
			conn := c.Local(t, c.Follower(t))
			if begin.before != "" {
				harness.Run(t, conn, begin.before)
			}
			for _, statement := range []string{
				"INSERT INTO guarded (k, v) VALUES (7, 'changed')",
				"UPDATE guarded SET v = 'changed'",
				"DELETE FROM guarded",
				"TRUNCATE guarded",
				"CREATE TABLE unguarded (k int)",
				"DROP TABLE guarded",
				"ALTER TABLE guarded ADD c int",
				"SELECT nextval('guarded_k_seq')",
				"SELECT setval('guarded_k_seq', 100)",
				"COPY guarded FROM PROGRAM 'echo 9'",
				"CREATE ROLE unguarded",
				"SELECT lo_create(4711)",
				"SELECT lo_put(4711, 0, 'changed')",
				"SELECT lo_unlink(4711)",
				"DO $$ BEGIN INSERT INTO guarded (k, v) VALUES (8, 'changed'); COMMIT; END $$",
				"SELECT pg_replication_origin_create('unguarded')",
			} {
				if begin.in == "" {
					_, err := conn.Exec(harness.Limited(t, harness.QueryLimit), statement)
					if got := harness.Code(err); !refusedAs(got, statement) {
						t.Errorf("%s: %s, want 25006", statement, got)
					}
					continue
				}
				harness.Run(t, conn, "BEGIN")
				_, err := conn.Exec(harness.Limited(t, harness.QueryLimit), begin.in)
				if err == nil {
					_, err = conn.Exec(harness.Limited(t, harness.QueryLimit), statement)
				}
				if err == nil {
					_, err = conn.Exec(harness.Limited(t, harness.QueryLimit), "COMMIT")
				}
				if got := harness.Code(err); !refusedAs(got, statement) {
					t.Errorf("%s; %s: %s, want 25006", begin.in, statement, got)
				}
				harness.Run(t, conn, "ROLLBACK")
			}
			if v := harness.One[string](t, conn, "SELECT v FROM guarded"); v != "as it was" {
				t.Errorf("the row is %q", v)
			}
		})
	}
	c.VerifyAll(t)
}

// refusedAs reports whether a statement was refused with the right SQLSTATE: some are supported on no node.
func refusedAs(sqlstate, statement string) bool {
	nowhere := strings.Contains(statement, "pg_replication_origin")
	return sqlstate == "25006" || nowhere && sqlstate == "0A000"
}
