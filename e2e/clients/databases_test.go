package clients

import (
	"errors"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

// databases shows that a database that is made through any node is there on all of them, and so are its rows under another leader, and that one that is dropped
// is gone everywhere, also on a node that slept meanwhile, and its name can be used again.
func databases(t *testing.T, c *harness.Cluster) {
	leader := c.AwaitLeader(t)
	conn := c.Connect(t, c.Others(leader)[0])
	harness.Run(t, conn, "CREATE DATABASE shop", "CREATE DATABASE spare TEMPLATE template0")
	inShop := c.ConnectTo(t, leader, "shop")
	harness.Run(t, inShop, "CREATE TABLE goods (k serial PRIMARY KEY, v text)", "INSERT INTO goods (v) SELECT 'g' || i FROM generate_series(1, 100) i",
		"SELECT nextval('goods_k_seq')")
	harness.Run(t, c.ConnectTo(t, c.Others(leader)[1], "spare"), "CREATE TABLE kept AS SELECT 1 AS k")
	c.VerifyAll(t)

	if err := errors.Join(c.Node(leader).Kill9(), c.Node(leader).Kill9Postgres()); err != nil {
		t.Fatal(err)
	}
	c.AwaitLeader(t)
	through := c.Others(leader)[0]
	inShop = c.ConnectTo(t, through, "shop")
	harness.Run(t, inShop, "INSERT INTO goods (v) VALUES ('under another leader')")
	if n := harness.One[int64](t, inShop, "SELECT count(*) FROM goods"); n != 101 {
		t.Errorf("%d goods, not 101", n)
	}
	if err := inShop.Close(harness.Limited(t, harness.QueryLimit)); err != nil {
		t.Error(err)
	}
	conn = c.Connect(t, through)
	harness.Run(t, conn, "DROP DATABASE shop WITH (FORCE)", "CREATE DATABASE shop", "CREATE TABLE afterwards (k int)")
	harness.Run(t, c.ConnectTo(t, through, "shop"), "CREATE TABLE goods (other text)", "INSERT INTO goods VALUES ('new')")

	c.Restart(t, leader)
	c.VerifyAll(t)
	for k := range c.Nodes() {
		local := c.Local(t, k+1)
		if n := harness.One[int64](t, local, "SELECT count(*) FROM pg_database WHERE datname LIKE 'barista%'"); n != 0 {
			t.Errorf("node %d has %d databases that should be gone", k+1, n)
		}
	}
}
