package folders

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestDamagedJournals(t *testing.T) {
	// A node whose journal is damaged says where, and comes back by a plain start as a new member. Nothing is lost.
	c := damagedJournals{harness.StartCluster(t, devcluster.Options{}), &harness.Ledger{}}
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	_ = t.Run("found at a start", c.foundAtAStart) &&
		t.Run("found by the leader when it reads for a peer", c.foundByTheLeader)
}

// damagedJournals is the cluster of these tests, and what its writers were told.
type damagedJournals struct {
	*harness.Cluster
	ledger *harness.Ledger
}

// foundAtAStart damages the middle of a follower's journal. The node sets it aside.
func (c damagedJournals) foundAtAStart(t *testing.T) {
	damaged := c.Follower(t)
	w := harness.StartWriters(t, c.ledger, harness.URLs(c.Cluster, c.Others(damaged)))
	c.ledger.AwaitMore(t, 50)
	number := memberNumber(t, c.Cluster, c.Others(damaged)[0], damaged)
	if err := c.Node(damaged).Kill9(); err != nil {
		t.Fatal(err)
	}
	segment, end := lastSegment(t, c.Node(damaged).Config.JournalDir())
	flip(t, segment, end/2)
	c.Restart(t, damaged)
	c.ledger.AwaitMore(t, 50)
	w.Stopped()
	c.comesBack(t, damaged, number)
	if _, err := os.Stat(filepath.Join(c.Node(damaged).Config.Dir, "journal.damaged", filepath.Base(segment))); err != nil {
		t.Error(err)
	}
	if complaints(t, c.Cluster, damaged, segment) == 0 {
		t.Errorf("the log of n%d does not say where its journal is damaged", damaged)
	}
}

// foundByTheLeader damages the leader's journal where it has to read for a peer that is late. It stops, and the others go on without it.
func (c damagedJournals) foundByTheLeader(t *testing.T) {
	late, damaged := c.Follower(t), c.AwaitLeader(t)
	number := memberNumber(t, c.Cluster, damaged, damaged)
	if err := c.Node(late).Kill9(); err != nil {
		t.Fatal(err)
	}
	segment, from := lastSegment(t, c.Node(damaged).Config.JournalDir())
	w := harness.StartWriters(t, c.ledger, harness.URLs(c.Cluster, []int{damaged}))
	c.ledger.AwaitMore(t, 200)
	w.Stopped()
	const places = 25 // not every batch holds what the late one needs
	said, to := complaints(t, c.Cluster, damaged, segment), contentOf(t, segment)
	for k := range places {
		flip(t, segment, from+(to-from)*k/places)
	}
	third := 6 - late - damaged // which the late one could ask as well
	if err := errors.Join(c.Node(third).Kill9(), c.Node(late).Start()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Node(damaged).Ended():
	case <-harness.Limited(t, harness.ServeLimit).Done():
		t.Fatalf("n%d leads on from a damaged journal", damaged)
	}
	if complaints(t, c.Cluster, damaged, segment) == said {
		t.Errorf("the log of n%d does not say where its journal is damaged", damaged)
	}
	if err := c.Node(third).Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitServing(harness.Limited(t, harness.StartLimit), c.Others(damaged)...); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, damaged)
	c.comesBack(t, damaged, number)
}

// comesBack checks that all nodes hold what was acknowledged, and that node k is another member than it was.
func (c damagedJournals) comesBack(t *testing.T, k int, number string) {
	t.Helper()
	c.VerifyAll(t)
	c.ledger.CheckOn(t, c.Cluster, c.All()...)
	if again := memberNumber(t, c.Cluster, k, k); again == number {
		t.Errorf("n%d is member %v still: it votes from a journal that was damaged", k, number)
	}
}

// complaints counts how often the log of node k says that a segment is damaged, and at which offset.
func complaints(t testing.TB, c *harness.Cluster, k int, segment string) int {
	t.Helper()
	log := harness.ReadFile(t, c.Node(k).Config.LogFile())
	return strings.Count(log, "segment "+filepath.Base(segment)+": the journal is damaged: the batch at offset ")
}

// lastSegment returns the last segment of a journal, and where what it holds ends.
func lastSegment(t testing.TB, journal string) (path string, end int) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(journal, "*.wal"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments in %s: %v", journal, err)
	}
	path = slices.Max(segments)
	return path, contentOf(t, path)
}

// contentOf returns where what a segment holds ends: it is made at full length.
func contentOf(t testing.TB, segment string) (end int) {
	t.Helper()
	return len(strings.TrimRight(harness.ReadFile(t, segment), "\x00"))
}

// flip changes a bit of a file.
func flip(t testing.TB, path string, at int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, int64(at)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{b[0] ^ 4}, int64(at)); err != nil {
		t.Fatal(err)
	}
}
