package clients

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestNobodySubscribes(t *testing.T) {
	// A publication is there for pg_dump and for what is made of the schema; a PostgreSQL outside that subscribes to it is refused by
	// every node, leader or follower, and leaves nothing behind: neither through a front door nor on a node's own socket does WAL leave that a
	// subscriber could follow from one leader to the next.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, 1)
	harness.Run(t, conn, "CREATE TABLE published (k int PRIMARY KEY)", "CREATE PUBLICATION p FOR TABLE published", "INSERT INTO published VALUES (1)")
	subscriber := harness.ConnectTo(t, harness.StartPlain(t, map[string]string{"wal_level": "logical"}))
	harness.Run(t, subscriber, "CREATE TABLE published (k int PRIMARY KEY)")
	for _, k := range c.All() {
		host, port, _ := strings.Cut(c.Node(k).Config.PG, ":")
		for _, door := range []struct{ where, want string }{
			{fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres", host, port), "replication connections are not supported"},
			{c.LocalURL(k), "logical decoding requires wal_level >= logical"},
		} {
			_, err := subscriber.Exec(harness.Limited(t, harness.QueryLimit), fmt.Sprintf("CREATE SUBSCRIPTION s CONNECTION '%s' PUBLICATION p", door.where))
			if err == nil || !strings.Contains(err.Error(), door.want) {
				t.Errorf("a subscription to %s: %v, want %q", door.where, err, door.want)
			}
		}
		if n := harness.One[int](t, c.Local(t, k), "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'"); n != 0 {
			t.Errorf("n%d has %d logical slots", k, n)
		}
	}
	harness.Run(t, conn, "INSERT INTO published VALUES (2)")
	c.VerifyAll(t)
	harness.Run(t, conn, "DROP PUBLICATION p", "DROP TABLE published")
}
