package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

// leaderHandsOver shows that leadership is handed over under load, to whom it is meant for and without an election, and that every writer is told the truth.
// A node that cannot take over is refused, and the leader leads on; one that is behind is waited for, but not for long.
func leaderHandsOver(t *testing.T, c *harness.Cluster, l *harness.Ledger) {
	w := harness.StartWriters(t, l, harness.URLs(c, c.All()))
	for _, args := range [][]string{nil, {"--to"}} {
		l.AwaitMore(t, 50)
		from := c.AwaitLeader(t)
		to := c.Others(from)[0]
		if args != nil {
			args = append(args, c.Node(to).Config.Name)
		}
		status, out, errs := c.Barista(t, append([]string{"transfer", "--http", c.Node(1).Config.HTTP}, args...)...)
		if status != 0 {
			t.Fatalf("barista transfer: status %d: %s", status, errs)
		}
		first := l.AwaitMore(t, 1)
		t.Logf("%s; the next write was acknowledged %v later", strings.TrimSpace(out), first)
		leader := c.AwaitLeader(t)
		if leader == from || args != nil && leader != to {
			t.Errorf("n%d handed over, %v, and n%d leads", from, args, leader)
		}
		if !strings.HasPrefix(out, fmt.Sprintf("n%d leads; it took over from n%d in ", leader, from)) {
			t.Errorf("barista transfer says %q", out)
		}
	}
	l.AwaitMore(t, 50)
	leader := c.AwaitLeader(t)
	stuck := c.Others(leader)[1]
	if err := c.Node(stuck).Pause(); err != nil {
		t.Fatal(err)
	}
	status, _, errs := c.Barista(t, "transfer", "--http", c.Node(leader).Config.HTTP, "--to", c.Node(stuck).Config.Name)
	if status != 1 || !strings.Contains(errs, "does not answer") {
		t.Errorf("to a node that stands still: status %d: %s", status, errs)
	}
	l.AwaitMore(t, 50)
	if now := c.AwaitLeader(t); now != leader {
		t.Errorf("n%d leads after a hand-over that was refused by n%d", now, leader)
	}
	if err := c.Node(stuck).Continue(); err != nil {
		t.Fatal(err)
	}
	behind := c.Others(leader)[0]
	locker := c.Local(t, behind)
	harness.Run(t, locker, "BEGIN", "LOCK TABLE written IN SHARE MODE") // apply waits for it
	l.AwaitMore(t, 50)
	transfer := func() (int, string) {
		status, _, errs := c.Barista(t, "transfer", "--http", c.Node(leader).Config.HTTP, "--to", c.Node(behind).Config.Name)
		return status, errs
	}
	if status, errs := transfer(); status != 1 || !strings.Contains(errs, "entries; try again when it has caught up") {
		t.Errorf("to a node that is behind: status %d: %s", status, errs)
	}
	l.AwaitMore(t, 50)
	if now := c.AwaitLeader(t); now != leader {
		t.Errorf("n%d leads after a hand-over that was refused to n%d", now, behind)
	}
	harness.Run(t, locker, "COMMIT")
	if status, errs := transfer(); status != 0 {
		t.Errorf("to a node that catches up: status %d: %s", status, errs)
	}
	if now := c.AwaitLeader(t); now != behind {
		t.Errorf("n%d leads, not n%d", now, behind)
	}
	l.AwaitMore(t, 50)
	w.Stopped()
	t.Logf("%d writes were acknowledged, %d refused, %d unknown", l.Counted(harness.Acknowledged), l.Counted(harness.Refused), l.Counted(harness.Unknown))
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}
