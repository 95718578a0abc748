package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestTheLeaderGoes(t *testing.T) {
	// Whatever of the leader is killed or stands still, and when it hands over, writers go on through the others, each was told the truth, and the
	// node is a follower afterwards.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	dies := func(kill func(*devcluster.Node) error) func(*testing.T, *harness.Cluster, *harness.Ledger) {
		return func(t *testing.T, c *harness.Cluster, l *harness.Ledger) { leaderDies(t, c, l, kill) }
	}
	for _, scenario := range []struct {
		name string
		goes func(*testing.T, *harness.Cluster, *harness.Ledger)
	}{
		{"its barista and postgres are killed", dies(func(n *devcluster.Node) error { return errors.Join(n.Kill9(), n.Kill9Postgres()) })},
		{"its barista is killed", dies((*devcluster.Node).Kill9)},
		{"its postgres is killed", dies((*devcluster.Node).Kill9Postgres)},
		{"its postgres hangs", dies(hangPostgres)},
		{"its barista is paused", leaderIsPaused},
		{"it hands over", leaderHandsOver},
	} {
		if !t.Run(scenario.name, func(t *testing.T) { scenario.goes(t, c, l) }) {
			return // the next one needs a whole cluster
		}
	}
}

func leaderDies(t *testing.T, c *harness.Cluster, l *harness.Ledger, kill func(*devcluster.Node) error) {
	leader := c.AwaitLeader(t)
	survivors := c.Others(leader)
	w := harness.StartWriters(t, l, harness.URLs(c, survivors))
	l.AwaitMore(t, 100)
	if err := kill(c.Node(leader)); err != nil {
		t.Fatal(err)
	}
	first := l.AwaitMore(t, 1)
	t.Logf("n%d was killed; the first write was acknowledged %v later", leader, first)
	l.AwaitMore(t, 200)
	w.Stopped()
	c.Verify(t, survivors[0], survivors...)
	l.CheckOn(t, c, survivors...)
	c.Restart(t, leader)
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}

// hangPostgres stops every process of the node's server where it stands.
func hangPostgres(node *devcluster.Node) error {
	postmaster, err := node.PostmasterPID()
	if err != nil {
		return err
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	failed := syscall.Kill(postmaster, syscall.SIGSTOP)
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		var pid, parent int
		var state string
		_, rest, _ := strings.Cut(string(text), ") ") // a name may hold anything
		if _, err := fmt.Sscan(rest, &state, &parent); err != nil || parent != postmaster {
			continue
		}
		if _, err := fmt.Sscan(string(text), &pid); err == nil {
			failed = errors.Join(failed, syscall.Kill(pid, syscall.SIGSTOP))
		}
	}
	return failed
}
