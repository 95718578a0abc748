package folders

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/devcluster"
)

// copied are the parts of a node's folder of which the tests make copies.
var copied = []string{"journal", "pgdata"}

// copyFolder copies a node's folder, whether it runs or not, as rsync or the snapshot of a disk would.
func copyFolder(t *testing.T, c *harness.Cluster, k int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "copy")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, part := range copied {
		// Files of a running server may go while it reads them; that is what such copies are.
		status, _, stderr := harness.RunProgram(t, harness.StartLimit, "cp", "-a", filepath.Join(c.Node(k).Config.Dir, part), dir)
		if status != 0 && !strings.Contains(stderr, "No such file") {
			t.Fatalf("cp: %s", stderr)
		}
	}
	return dir
}

// putBack replaces a stopped node's folder by a copy.
func putBack(t *testing.T, c *harness.Cluster, k int, dir string) {
	t.Helper()
	for _, part := range copied {
		place := filepath.Join(c.Node(k).Config.Dir, part)
		harness.Wipe(t, place)
		harness.Tool(t, "cp", "-a", filepath.Join(dir, part), filepath.Dir(place))
	}
}

func TestOldCopyOfAFolder(t *testing.T) {
	// A node on whose folder an old copy was put back, of the stopped node or of the running one, votes no more: it comes back by a plain start as a
	// new incarnation. Of what was acknowledged since, with the help of its votes and without the third node, nothing is lost, though the
	// leader of then dies.
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running=%t", running), func(t *testing.T) {
			c := harness.StartCluster(t, devcluster.Options{})
			harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
			old, leader := c.Follower(t), c.AwaitLeader(t)
			third := 6 - old - leader
			number := memberNumber(t, c, leader, old)
			if !running {
				if err := c.Node(old).Stop(harness.Limited(t, harness.StartLimit)); err != nil {
					t.Fatal(err)
				}
			}
			dir := copyFolder(t, c, old)
			if !running {
				c.Restart(t, old)
			}
			if err := c.Node(third).Kill9(); err != nil {
				t.Fatal(err)
			}
			l := &harness.Ledger{}
			w := harness.StartWriters(t, l, harness.URLs(c, []int{leader}))
			l.AwaitMore(t, 1000)
			w.Stopped()
			if err := c.Node(old).Kill9(); err != nil {
				t.Fatal(err)
			}
			putBack(t, c, old, dir)
			if err := errors.Join(c.Node(old).Start(), c.Node(third).Start()); err != nil {
				t.Fatal(err)
			}
			if err := c.WaitReady(harness.Limited(t, harness.StartLimit)); err != nil {
				t.Fatal(err)
			}
			if again := memberNumber(t, c, leader, old); again == number {
				t.Errorf("n%d is member %v still", old, number)
			}
			if _, err := os.Stat(filepath.Join(c.Node(old).Config.Dir, "journal.outdated")); err != nil {
				t.Error(err)
			}
			if err := c.Node(leader).Kill9(); err != nil {
				t.Fatal(err)
			}
			if err := c.WaitServing(harness.Limited(t, harness.StartLimit), c.Others(leader)...); err != nil {
				t.Fatal(err)
			}
			l.CheckOn(t, c, c.Others(leader)...)
			c.Restart(t, leader)
			c.VerifyAll(t)
			l.CheckOn(t, c, c.All()...)
		})
	}
}

func TestAllWithLessWaitForAnOperator(t *testing.T) {
	// Where a majority came back with older folders nobody serves, the status says why, and an operator decides. While a leader serves, or of a node that
	// lacks nothing, a pardon is refused.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	whole := c.AwaitLeader(t)
	dirs := map[int]string{}
	for _, k := range c.Others(whole) {
		dirs[k] = copyFolder(t, c, k)
	}
	l := &harness.Ledger{}
	w := harness.StartWriters(t, l, harness.URLs(c, []int{whole}))
	l.AwaitMore(t, 500)
	w.Stopped()
	c.VerifyAll(t) // and so much later each knows on its disk what it has seen of the others
	if status, _, stderr := c.Barista(t, "members", "pardon", "--http", c.Node(whole).Config.HTTP, c.Node(whole).Config.Name); status != 1 ||
		!strings.Contains(stderr, "was not found to be an older copy") {
		t.Errorf("a pardon of a whole node: %d, %s", status, stderr)
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	for k, dir := range dirs {
		putBack(t, c, k, dir)
	}
	for _, k := range c.All() {
		if err := c.Node(k).Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range c.Others(whole) {
		harness.Await(t, harness.StartLimit, "it says that its folder is old", func(ctx context.Context) error {
			own, err := harness.OwnStatus(ctx, "http://"+c.Node(k).Config.HTTP+"/status")
			if err == nil && (own.Role != admin.Stopped || own.Reason != admin.Outdated || !strings.Contains(own.Detail, "older copy")) {
				err = fmt.Errorf("%+v", own)
			}
			return err
		})
	}
	if c.Leader(harness.Limited(t, harness.StartLimit)) != 0 {
		t.Fatal("somebody leads")
	}
	pardoned := c.Others(whole)[0]
	if status, stdout, stderr := c.Barista(t, "members", "pardon", "--http", c.Node(pardoned).Config.HTTP, c.Node(pardoned).Config.Name); status != 0 ||
		!strings.Contains(stdout, "votes again") {
		t.Fatalf("members pardon: %d, %s%s", status, stdout, stderr)
	}
	if err := c.WaitReady(harness.Limited(t, harness.StartLimit)); err != nil {
		t.Fatal(err)
	}
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...) // the whole one was among those who went on
}
