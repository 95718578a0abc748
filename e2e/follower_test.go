package e2e

import (
	"strings"
	"testing"
)

func TestNobodyWritesOnAFollower(t *testing.T) {
	// On a follower's own socket a superuser too cannot commit a change, however the transaction is begun.
	c := sharedCluster(t)
	run(t, c.connect(t, 1), "CREATE TABLE guarded (k serial PRIMARY KEY, v text); INSERT INTO guarded (v) VALUES ('as it was')")
	c.verifyAll(t)
	for _, begin := range []struct{ name, before, in string }{
		{"plainly", "", ""},
		{"by a session setting", "SET default_transaction_read_only = off", ""},
		{"read write", "", "SET TRANSACTION READ WRITE"},
		{"as a replica", "SET session_replication_role = replica", ""},
		{"by transaction_read_only", "", "SET transaction_read_only = off"},
	} {
		t.Run(begin.name, func(t *testing.T) {
			conn := c.local(t, c.follower(t))
			if begin.before != "" {
				run(t, conn, begin.before)
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
					_, err := conn.Exec(limited(t, queryLimit), statement)
					if got := code(err); !refusedAs(got, statement) {
						t.Errorf("%s: %s, want 25006", statement, got)
					}
					continue
				}
				run(t, conn, "BEGIN")
				_, err := conn.Exec(limited(t, queryLimit), begin.in)
				if err == nil {
					_, err = conn.Exec(limited(t, queryLimit), statement)
				}
				if err == nil {
					_, err = conn.Exec(limited(t, queryLimit), "COMMIT")
				}
				if got := code(err); !refusedAs(got, statement) {
					t.Errorf("%s; %s: %s, want 25006", begin.in, statement, got)
				}
				run(t, conn, "ROLLBACK")
			}
			if v := one[string](t, conn, "SELECT v FROM guarded"); v != "as it was" {
				t.Errorf("the row is %q", v)
			}
		})
	}
	c.verifyAll(t)
}

// refusedAs reports whether a statement was refused with the right SQLSTATE: some are supported on no node.
func refusedAs(sqlstate, statement string) bool {
	nowhere := strings.Contains(statement, "pg_replication_origin")
	return sqlstate == "25006" || nowhere && sqlstate == "0A000"
}
