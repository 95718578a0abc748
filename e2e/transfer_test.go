package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestTransfer(t *testing.T) {
	// Leadership is handed over under load, to whom it is meant for and without an election; every writer is told the truth. A node that cannot
	// take over is refused, and the leader leads on.
	c := startCluster(t, devcluster.Options{})
	run(t, c.connect(t, 1), ledgerTable)
	l := &ledger{}
	w := startWriters(t, l, urls(c, c.all()))
	for _, args := range [][]string{nil, {"--to"}} {
		l.awaitMore(t, 50)
		from := c.leader(t)
		to := c.others(from)[0]
		if args != nil {
			args = append(args, c.Node(to).Config.Name)
		}
		status, out, errs := c.barista(t, append([]string{"transfer", "--http", c.Node(1).Config.HTTP}, args...)...)
		if status != 0 {
			t.Fatalf("barista transfer: status %d: %s", status, errs)
		}
		first := l.awaitMore(t, 1)
		t.Logf("%s; the next write was acknowledged %v later", strings.TrimSpace(out), first)
		leader := c.leader(t)
		if leader == from || args != nil && leader != to {
			t.Errorf("n%d handed over, %v, and n%d leads", from, args, leader)
		}
		if !strings.HasPrefix(out, fmt.Sprintf("n%d leads; it took over from n%d in ", leader, from)) {
			t.Errorf("barista transfer says %q", out)
		}
	}
	l.awaitMore(t, 50)
	leader := c.leader(t)
	stuck := c.others(leader)[1]
	if err := c.Node(stuck).Pause(); err != nil {
		t.Fatal(err)
	}
	status, _, errs := c.barista(t, "transfer", "--http", c.Node(leader).Config.HTTP, "--to", c.Node(stuck).Config.Name)
	if status != 1 || !strings.Contains(errs, "does not answer") {
		t.Errorf("to a node that stands still: status %d: %s", status, errs)
	}
	l.awaitMore(t, 50)
	if now := c.leader(t); now != leader {
		t.Errorf("n%d leads after a hand-over that was refused by n%d", now, leader)
	}
	if err := c.Node(stuck).Continue(); err != nil {
		t.Fatal(err)
	}
	w.stopped()
	t.Logf("%d writes were acknowledged, %d refused, %d unknown", l.counted(acknowledged), l.counted(refused), l.counted(unknown))
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
}
