package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestDamagedJournal(t *testing.T) {
	// A node whose journal was damaged in the middle says where, sets it aside, and comes back as a new member by a plain start.
	c := startCluster(t, devcluster.Options{})
	run(t, c.connect(t, 1), ledgerTable)
	l := &ledger{}
	damaged := c.follower(t)
	w := startWriters(t, l, urls(c, c.others(damaged)))
	l.awaitMore(t, 50)
	number := c.memberNumber(t, c.others(damaged)[0], damaged)
	if err := c.Node(damaged).Kill9(); err != nil {
		t.Fatal(err)
	}
	dir := c.Node(damaged).Config.Dir
	file := flip(t, filepath.Join(dir, "journal"))
	c.restart(t, damaged)
	l.awaitMore(t, 50)
	w.stopped()
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
	if again := c.memberNumber(t, damaged, damaged); again == number {
		t.Errorf("n%d is member %v still: it votes from a journal that was damaged", damaged, number)
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.damaged", file)); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "barista.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "segment "+file+": the journal is damaged: the batch at offset ") {
		t.Errorf("the log of n%d does not say where the journal is damaged", damaged)
	}
}

// flip changes a bit in the middle of what a node's first segment holds, and returns the file's name.
func flip(t testing.TB, journal string) string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(journal, "*.wal"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments in %s: %v", journal, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(bytes.TrimRight(content, "\x00"))/2] ^= 4
	if err := os.WriteFile(segments[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(segments[0])
}
