package folders

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

// rebuiltLine is what a node says when it has the data of its server fetched anew.
const rebuiltLine = "the data of the server are fetched anew from a peer"

// rebuilt counts how often node k has said that its data are fetched anew.
func rebuilt(t testing.TB, c *harness.Cluster, k int) int {
	t.Helper()
	return strings.Count(harness.ReadFile(t, c.Node(k).Config.LogFile()), rebuiltLine)
}

// awaitRebuilt waits until node k has said once more than before that its data are fetched anew, all nodes serve, and nothing is left of the old ones.
func awaitRebuilt(t testing.TB, c *harness.Cluster, k, before int) {
	t.Helper()
	harness.Await(t, harness.StartLimit, "the data are fetched anew", func(context.Context) error {
		if rebuilt(t, c, k) == before {
			return errors.New("nothing of it in the log")
		}
		return nil
	})
	c.Ready(t)
	harness.Await(t, harness.ServeLimit, "the old data go", func(context.Context) error {
		left, err := filepath.Glob(filepath.Join(c.Node(k).Config.Dir, "pgdata?*"))
		if err == nil && len(left) > 0 {
			err = errors.New(strings.Join(left, ", "))
		}
		return err
	})
}

func TestDataFetchedAnew(t *testing.T) {
	// A server whose data are damaged gets those of a peer, by itself and under load.
	c := damagedServers{harness.StartCluster(t, devcluster.Options{}), &harness.Ledger{}}
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	_ = t.Run("two servers that do not start", c.twoThatDoNotStart) &&
		t.Run("a damaged page", c.damagedPage)
}

// damagedServers is the cluster of these tests, and what its writers were told.
type damagedServers struct {
	*harness.Cluster
	ledger *harness.Ledger
}

// write has clients write through some nodes. The end ends that, and compares all nodes.
func (c damagedServers) write(t *testing.T, through ...int) (end func()) {
	t.Helper()
	w := harness.StartWriters(t, c.ledger, harness.URLs(c.Cluster, through))
	c.ledger.AwaitMore(t, 50)
	return func() {
		t.Helper()
		c.ledger.AwaitMore(t, 50)
		w.Stopped()
		c.VerifyAll(t)
		c.ledger.CheckOn(t, c.Cluster, c.All()...)
	}
}

// twoThatDoNotStart damages the servers of both followers, which fail in the same way at each start. One after the other gets the data; their nodes stay the
// members that they were.
func (c damagedServers) twoThatDoNotStart(t *testing.T) {
	leader := c.AwaitLeader(t)
	end := c.write(t, leader)
	numbers := map[int]string{}
	for _, k := range c.Others(leader) {
		numbers[k] = memberNumber(t, c.Cluster, leader, k)
	}
	for _, k := range c.Others(leader) {
		if err := c.Node(k).Kill9(); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(c.Node(k).Config.DataDir(), "global", "pg_control"), 100); err != nil {
			t.Fatal(err)
		}
		if err := c.Node(k).Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range c.Others(leader) {
		awaitRebuilt(t, c.Cluster, k, 0)
		if again := memberNumber(t, c.Cluster, leader, k); again != numbers[k] {
			t.Errorf("n%d was member %v and is %v", k, numbers[k], again)
		}
	}
	end()
}

// damagedPage damages a page of a follower's table, which it meets when it applies. It has no room for both the old data and the new, so the old ones
// go first: both others hold everything.
func (c damagedServers) damagedPage(t *testing.T) {
	damaged := c.Follower(t)
	node := c.Node(damaged)
	conn := c.Connect(t, 1)
	harness.Run(t, conn, "CREATE TABLE menu (n int PRIMARY KEY, price int)", "INSERT INTO menu SELECT n, 1 FROM generate_series(1, 1000) n")
	end := c.write(t, c.Others(damaged)...)
	harness.Await(t, harness.ServeLimit, "the follower has the rows", func(context.Context) error {
		if harness.One[int](t, c.Local(t, damaged), "SELECT count(*) FROM menu") != 1000 {
			return errors.New("not yet")
		}
		return nil
	})
	file := harness.One[string](t, c.Ours(t, damaged), "SELECT pg_relation_filepath('menu')")
	harness.Run(t, c.Ours(t, damaged), "CHECKPOINT")
	before := rebuilt(t, c.Cluster, damaged)
	if err := node.Kill9(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(node.Config.DataDir(), file), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("spilt milk"), 4000); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	node.Config.MinFree = 1 << 60
	if err := node.WriteConfig(); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, damaged)
	harness.Run(t, c.Connect(t, c.Others(damaged)[0]), "UPDATE menu SET price = 2")
	awaitRebuilt(t, c.Cluster, damaged, before)
	if !strings.Contains(harness.ReadFile(t, node.Config.LogFile()), "the old data of the server go before the copy is made") {
		t.Error("the log does not say that the old data go first")
	}
	end()
}
