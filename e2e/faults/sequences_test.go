package faults

import (
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

// sequences shows that no value that a client was told comes again under the next leader, though the transaction that drew before it was rolled
// back (T1/T2), that none is further away than after a crash of PostgreSQL, and that serial keys go on without a collision.
func sequences(t *testing.T, c *harness.Cluster) {
	leader := c.AwaitLeader(t)
	conn := c.Connect(t, c.Others(leader)[0])
	harness.Run(t, conn, "CREATE SEQUENCE drawn", "CREATE SEQUENCE stepped INCREMENT 10", "CREATE SEQUENCE cached CACHE 20 INCREMENT 3",
		"CREATE SEQUENCE turning MAXVALUE 1000 CYCLE CACHE 5", "SELECT setval('turning', 995)",
		"CREATE TABLE keyed (k bigserial PRIMARY KEY, v int)",
		"INSERT INTO keyed (v) SELECT g FROM generate_series(1, 40) g")
	const ahead = 32 // values that PostgreSQL writes to its WAL in advance
	steps := map[string]struct{ increment, cache int64 }{"drawn": {1, 1}, "stepped": {10, 1}, "keyed_k_seq": {1, 1}, "cached": {3, 20}, "turning": {1, 5}}
	told := map[string]int64{}
	for sequence := range steps {
		harness.Run(t, conn, "BEGIN", "SELECT nextval('"+sequence+"')", "ROLLBACK")
		for range 40 { // beyond what PostgreSQL logs in advance
			told[sequence] = harness.One[int64](t, conn, "SELECT nextval('"+sequence+"')")
		}
		harness.Run(t, conn, "BEGIN", "SELECT nextval('"+sequence+"')", "ROLLBACK")
		told[sequence] = harness.One[int64](t, conn, "SELECT nextval('"+sequence+"')")
	}
	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	c.AwaitLeader(t)
	conn = c.Connect(t, c.Others(leader)[0])
	for sequence, last := range told {
		if next := harness.One[int64](t, conn, "SELECT nextval('"+sequence+"')"); next <= last || next > last+steps[sequence].increment*(steps[sequence].cache+ahead) {
			t.Errorf("%s: %d was handed out before the failover and %d after it", sequence, last, next)
		}
	}
	harness.Run(t, conn, "INSERT INTO keyed (v) SELECT g FROM generate_series(1, 40) g")
	c.Restart(t, leader)
	c.VerifyAll(t)
}
