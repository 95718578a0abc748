package e2e

import (
	"testing"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestSequencesOverAFailover(t *testing.T) {
	// No value that a client was told comes again under the next leader, though the transaction that drew before it was rolled
	// back (T1/T2), and serial keys go on without a collision.
	c := startCluster(t, devcluster.Options{})
	leader := c.leader(t)
	conn := c.connect(t, c.others(leader)[0])
	run(t, conn, "CREATE SEQUENCE drawn", "CREATE SEQUENCE stepped INCREMENT 10",
		"CREATE TABLE keyed (k bigserial PRIMARY KEY, v int)",
		"INSERT INTO keyed (v) SELECT g FROM generate_series(1, 40) g")
	told := map[string]int64{}
	for _, sequence := range []string{"drawn", "stepped", "keyed_k_seq"} {
		run(t, conn, "BEGIN", "SELECT nextval('"+sequence+"')", "ROLLBACK")
		for range 40 { // beyond what PostgreSQL logs in advance
			told[sequence] = one[int64](t, conn, "SELECT nextval('"+sequence+"')")
		}
		run(t, conn, "BEGIN", "SELECT nextval('"+sequence+"')", "ROLLBACK")
		told[sequence] = one[int64](t, conn, "SELECT nextval('"+sequence+"')")
	}
	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	c.leader(t)
	conn = c.connect(t, c.others(leader)[0])
	for sequence, last := range told {
		if next := one[int64](t, conn, "SELECT nextval('"+sequence+"')"); next <= last {
			t.Errorf("%s: %d was handed out before the failover and %d after it", sequence, last, next)
		}
	}
	run(t, conn, "INSERT INTO keyed (v) SELECT g FROM generate_series(1, 40) g")
	c.restart(t, leader)
	c.verifyAll(t)
}
