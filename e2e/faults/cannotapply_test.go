package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestNodeThatCannotApply(t *testing.T) {
	// A node whose server cannot apply says why, is refused as the next leader, and stays a follower when the leader dies: the third node serves.
	// The states of the sequence beside the table can be written all the time.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE noted (id serial PRIMARY KEY, note text)")
	leader := c.AwaitLeader(t)
	broken, healthy := c.Others(leader)[0], c.Others(leader)[1]
	mend := breakTable(t, c, broken, "noted")
	insert := func(k int) {
		t.Helper()
		harness.Run(t, c.Connect(t, k), "INSERT INTO noted (note) VALUES ('by the leader')")
	}
	insert(leader)
	const wrong = "its server cannot apply: "
	harness.Await(t, harness.ServeLimit, "the node to say that it cannot apply", func(ctx context.Context) error {
		for _, n := range c.StatusJSON(t, broken) {
			if n["name"] == c.Node(broken).Config.Name && strings.Contains(fmt.Sprint(n["unfit"]), wrong) {
				return nil
			}
		}
		return fmt.Errorf("it does not say %q", wrong)
	})
	status, out, errs := c.Barista(t, "transfer", "--http", c.Node(leader).Config.HTTP, "--to", c.Node(broken).Config.Name)
	if status != 1 || !strings.Contains(errs, wrong) || !strings.Contains(errs, "No space left on device") {
		t.Errorf("barista transfer to the node: status %d: %s%s", status, out, errs)
	}
	if now := c.AwaitLeader(t); now != leader {
		t.Errorf("n%d leads after a hand-over that was refused by n%d", now, leader)
	}
	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	if now := c.AwaitLeader(t); now != healthy {
		t.Errorf("n%d leads, not n%d", now, healthy)
	}
	insert(healthy)
	mend()
	c.Restart(t, leader)
	c.VerifyAll(t)
}

// breakTable makes node k's server find its disk full whenever it writes to a new table, until the function is called that it returns.
func breakTable(t *testing.T, c *harness.Cluster, k int, table string) (mend func()) {
	t.Helper()
	local := c.Local(t, k)
	path := ""
	harness.Await(t, harness.ServeLimit, "the table to be there", func(ctx context.Context) error {
		return local.QueryRow(ctx, "SELECT pg_relation_filepath($1::text::regclass)", table).Scan(&path)
	})
	path = filepath.Join(c.Node(k).Config.DataDir(), path)
	harness.Run(t, local, "CHECKPOINT") // so that nothing of the file waits to be made durable
	if err := errors.Join(os.Rename(path, path+".away"), os.Symlink("/dev/full", path)); err != nil {
		t.Fatal(err)
	}
	// Those that apply may have the file open.
	harness.Run(t, c.Ours(t, k), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()")
	return func() {
		t.Helper()
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
	}
}
