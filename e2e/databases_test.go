package e2e

import (
	"errors"
	"testing"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestDatabases(t *testing.T) {
	// A database that is made through any node is there on all of them, and so are its rows under another leader; one that is dropped is
	// gone everywhere, also on a node that slept meanwhile, and its name can be used again.
	c := startCluster(t, devcluster.Options{})
	leader := c.leader(t)
	conn := c.connect(t, c.others(leader)[0])
	run(t, conn, "CREATE DATABASE shop", "CREATE DATABASE spare TEMPLATE template0")
	inShop := c.connectTo(t, leader, "shop")
	run(t, inShop, "CREATE TABLE goods (k serial PRIMARY KEY, v text)", "INSERT INTO goods (v) SELECT 'g' || i FROM generate_series(1, 100) i",
		"SELECT nextval('goods_k_seq')")
	run(t, c.connectTo(t, c.others(leader)[1], "spare"), "CREATE TABLE kept AS SELECT 1 AS k")
	c.verifyAll(t)

	if err := errors.Join(c.Node(leader).Kill9(), c.Node(leader).Kill9Postgres()); err != nil {
		t.Fatal(err)
	}
	c.leader(t)
	through := c.others(leader)[0]
	inShop = c.connectTo(t, through, "shop")
	run(t, inShop, "INSERT INTO goods (v) VALUES ('under another leader')")
	if n := one[int64](t, inShop, "SELECT count(*) FROM goods"); n != 101 {
		t.Errorf("%d goods, not 101", n)
	}
	if err := inShop.Close(limited(t, queryLimit)); err != nil {
		t.Error(err)
	}
	conn = c.connect(t, through)
	run(t, conn, "DROP DATABASE shop WITH (FORCE)", "CREATE DATABASE shop", "CREATE TABLE afterwards (k int)")
	run(t, c.connectTo(t, through, "shop"), "CREATE TABLE goods (other text)", "INSERT INTO goods VALUES ('new')")

	c.restart(t, leader)
	c.verifyAll(t)
	for k := range c.Nodes() {
		local := c.local(t, k+1)
		if n := one[int64](t, local, "SELECT count(*) FROM pg_database WHERE datname LIKE 'barista%'"); n != 0 {
			t.Errorf("node %d has %d databases that should be gone", k+1, n)
		}
	}
}
