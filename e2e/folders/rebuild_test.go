package folders

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

// rebuiltLine is what a node says when it has the data of its server fetched anew.
const rebuiltLine = "the data of the server are fetched anew from a peer"

// awaitRebuilt waits until node k has said that its data are fetched anew, all nodes serve, and nothing is left of the old ones.
func awaitRebuilt(t testing.TB, c *harness.Cluster, k int) {
	t.Helper()
	dir := c.Node(k).Config.Dir
	harness.Await(t, harness.StartLimit, "the data are fetched anew", func(context.Context) error {
		log, err := os.ReadFile(filepath.Join(dir, "barista.log"))
		if err == nil && !strings.Contains(string(log), rebuiltLine) {
			err = errors.New("nothing of it in the log")
		}
		return err
	})
	c.Ready(t)
	harness.Await(t, harness.ServeLimit, "the old data go", func(context.Context) error {
		left, err := filepath.Glob(filepath.Join(dir, "pgdata?*"))
		if err == nil && len(left) > 0 {
			err = errors.New(strings.Join(left, ", "))
		}
		return err
	})
}

func TestServerThatDoesNotStart(t *testing.T) {
	// A server that fails in the same way at each start gets the data of a peer, by itself and under load; its node stays the member that it was, and a
	// second one that needs the same at once gets it afterwards.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	leader := c.AwaitLeader(t)
	w := harness.StartWriters(t, l, harness.URLs(c, []int{leader}))
	l.AwaitMore(t, 50)
	numbers := map[int]any{}
	for _, k := range c.Others(leader) {
		numbers[k] = memberNumber(t, c, leader, k)
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
		awaitRebuilt(t, c, k)
		if again := memberNumber(t, c, leader, k); again != numbers[k] {
			t.Errorf("n%d was member %v and is %v", k, numbers[k], again)
		}
	}
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}

func TestDamagedPage(t *testing.T) {
	// A follower that meets a damaged page when it applies gets the data of a peer, by itself and under load. It has no room for both, so the old data
	// go first: both others hold everything.
	const damaged = 3
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		if cfg.Name == "n3" {
			cfg.MinFree = 1 << 60
		}
	}})
	conn := c.Connect(t, 1)
	harness.Run(t, conn, harness.LedgerTable, "CREATE TABLE menu (n int PRIMARY KEY, price int)", "INSERT INTO menu SELECT n, 1 FROM generate_series(1, 1000) n")
	l := &harness.Ledger{}
	w := harness.StartWriters(t, l, harness.URLs(c, c.Others(damaged)))
	l.AwaitMore(t, 50)
	harness.Await(t, harness.ServeLimit, "the follower has the rows", func(context.Context) error {
		if harness.One[int](t, c.Local(t, damaged), "SELECT count(*) FROM menu") != 1000 {
			return errors.New("not yet")
		}
		return nil
	})
	file := harness.One[string](t, c.Ours(t, damaged), "SELECT pg_relation_filepath('menu')")
	harness.Run(t, c.Ours(t, damaged), "CHECKPOINT")
	if err := c.Node(damaged).Kill9(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(c.Node(damaged).Config.DataDir(), file), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("spilt milk"), 4000); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Node(damaged).Start(); err != nil {
		t.Fatal(err)
	}
	c.Ready(t)
	harness.Run(t, c.Connect(t, c.Others(damaged)[0]), "UPDATE menu SET price = 2")
	awaitRebuilt(t, c, damaged)
	if log, err := os.ReadFile(c.Node(damaged).Config.LogFile()); err != nil || !strings.Contains(string(log), "the old data of the server go before the copy is made") {
		t.Errorf("the log does not say that the old data go first (%v)", err)
	}
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}
