package folders

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestDamagedJournal(t *testing.T) {
	// A node whose journal was damaged in the middle says where, sets it aside, and comes back as a new member by a plain start.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	damaged := c.Follower(t)
	w := harness.StartWriters(t, l, harness.URLs(c, c.Others(damaged)))
	l.AwaitMore(t, 50)
	number := memberNumber(t, c, c.Others(damaged)[0], damaged)
	if err := c.Node(damaged).Kill9(); err != nil {
		t.Fatal(err)
	}
	dir := c.Node(damaged).Config.Dir
	file := flip(t, filepath.Join(dir, "journal"), 1, 2)
	c.Restart(t, damaged)
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
	if again := memberNumber(t, c, damaged, damaged); again == number {
		t.Errorf("n%d is member %v still: it votes from a journal that was damaged", damaged, number)
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.damaged", file)); err != nil {
		t.Error(err)
	}
	saysWhere(t, c, damaged, file)
}

func TestJournalDamagedUnderTheLeader(t *testing.T) {
	// A leader that finds its journal damaged when it reads for a peer stops and says where. The others go on without it, and a plain start
	// brings it back as a new member.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	late, damaged := c.Follower(t), c.AwaitLeader(t)
	number := memberNumber(t, c, damaged, damaged)
	if err := c.Node(late).Kill9(); err != nil {
		t.Fatal(err)
	}
	w := harness.StartWriters(t, l, harness.URLs(c, []int{damaged}))
	l.AwaitMore(t, 200)
	w.Stopped()
	var file string
	for part := 25; part < 50; part++ { // not every batch holds what the late one needs
		file = flip(t, filepath.Join(c.Node(damaged).Config.Dir, "journal"), part, 50)
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
	saysWhere(t, c, damaged, file)
	if err := c.Node(third).Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitServing(harness.Limited(t, harness.StartLimit), c.Others(damaged)...); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, damaged)
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
	if again := memberNumber(t, c, damaged, damaged); again == number {
		t.Errorf("n%d is member %v still", damaged, number)
	}
}

// saysWhere checks that the log of node k names the damaged file and an offset.
func saysWhere(t testing.TB, c *harness.Cluster, k int, file string) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(c.Node(k).Config.Dir, "barista.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "segment "+file+": the journal is damaged: the batch at offset ") {
		t.Errorf("the log of n%d does not say where its journal is damaged", k)
	}
}

// flip changes a bit at some part of what the first segment of a journal holds, and returns the file's name.
func flip(t testing.TB, journal string, part, of int) string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(journal, "*.wal"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments in %s: %v", journal, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	at := len(bytes.TrimRight(content, "\x00")) * part / of
	f, err := os.OpenFile(segments[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{content[at] ^ 4}, int64(at)); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(segments[0])
}
