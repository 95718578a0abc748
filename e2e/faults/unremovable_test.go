package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestFileOfADroppedTableCannotBeOpened(t *testing.T) {
	// Where the file of a dropped table cannot be opened PostgreSQL panics behind the commit, and fails in the same way at each start: its node has the data
	// fetched anew by itself and returns.
	c := harness.StartCluster(t, devcluster.Options{})
	leader := c.AwaitLeader(t)
	conn := c.Connect(t, leader)
	harness.Run(t, conn, "CREATE TABLE gone (k int)", "INSERT INTO gone VALUES (1)")
	c.VerifyAll(t)
	k := c.Others(leader)[0]
	file := harness.One[string](t, c.Local(t, k), "SELECT pg_relation_filepath('gone')")
	if err := os.Chmod(filepath.Join(c.Node(k).Config.Dir, "pgdata", file), 0); err != nil {
		t.Fatal(err)
	}
	harness.Run(t, conn, "DROP TABLE gone", "CREATE TABLE after (k int)")
	harness.Await(t, harness.ServeLimit, "the node to return with other data", func(context.Context) error {
		status, report, errs := c.Barista(t, "verify", "--http", c.Node(leader).Config.HTTP)
		if status != 0 {
			return fmt.Errorf("verify: status %d\n%s%s", status, report, errs)
		}
		return nil
	})
}
