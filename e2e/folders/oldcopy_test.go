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

func TestOldCopiesOfFolders(t *testing.T) {
	// Nothing that was acknowledged is lost by a node on whose folder an older copy was put back.
	c := oldCopies{harness.StartCluster(t, devcluster.Options{}), &harness.Ledger{}}
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	_ = t.Run("of a stopped node", func(t *testing.T) { c.one(t, false) }) &&
		t.Run("of a running node", func(t *testing.T) { c.one(t, true) }) &&
		t.Run("most at once", c.most)
}

// oldCopies is the cluster of these tests, and what its writers were told.
type oldCopies struct {
	*harness.Cluster
	ledger *harness.Ledger
}

// one puts an old copy back on the folder of one node. It votes no more: it comes back by a plain start as a new incarnation. Of what was acknowledged
// since, with the help of its votes and without the third node, nothing is lost, though the leader of then dies.
func (c oldCopies) one(t *testing.T, running bool) {
	old, leader := c.Follower(t), c.AwaitLeader(t)
	third := 6 - old - leader
	number := memberNumber(t, c.Cluster, leader, old)
	if !running {
		if err := c.Node(old).Stop(harness.Limited(t, harness.StartLimit)); err != nil {
			t.Fatal(err)
		}
	}
	dir := copyFolder(t, c.Cluster, old)
	if !running {
		c.Restart(t, old)
	}
	if err := c.Node(third).Kill9(); err != nil {
		t.Fatal(err)
	}
	w := harness.StartWriters(t, c.ledger, harness.URLs(c.Cluster, []int{leader}))
	c.ledger.AwaitMore(t, 1000)
	w.Stopped()
	if err := c.Node(old).Kill9(); err != nil {
		t.Fatal(err)
	}
	putBack(t, c.Cluster, old, dir)
	if err := errors.Join(c.Node(old).Start(), c.Node(third).Start()); err != nil {
		t.Fatal(err)
	}
	c.Ready(t)
	if again := memberNumber(t, c.Cluster, leader, old); again == number {
		t.Errorf("n%d is member %v still", old, number)
	}
	aside := filepath.Join(c.Node(old).Config.Dir, "journal.outdated")
	if _, err := os.Stat(aside); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(aside); err != nil { // the next of these stories looks for its own
		t.Error(err)
	}
	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitServing(harness.Limited(t, harness.StartLimit), c.Others(leader)...); err != nil {
		t.Fatal(err)
	}
	c.ledger.CheckOn(t, c.Cluster, c.Others(leader)...)
	c.Restart(t, leader)
	c.VerifyAll(t)
	c.ledger.CheckOn(t, c.Cluster, c.All()...)
}

// most puts old copies back on the folders of two nodes. Nobody serves, the status says why, and an operator decides. While a leader serves, or of a node
// that lacks nothing, a pardon is refused.
func (c oldCopies) most(t *testing.T) {
	whole := c.AwaitLeader(t)
	dirs := map[int]string{}
	for _, k := range c.Others(whole) {
		dirs[k] = copyFolder(t, c.Cluster, k)
	}
	w := harness.StartWriters(t, c.ledger, harness.URLs(c.Cluster, []int{whole}))
	c.ledger.AwaitMore(t, 500)
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
		putBack(t, c.Cluster, k, dir)
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
	c.Ready(t)
	c.VerifyAll(t)
	c.ledger.CheckOn(t, c.Cluster, c.All()...) // the whole one was among those who went on
}
