package e2e

import (
	"errors"
	"fmt"
	"testing"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestAllNodesAreKilledAtOnce(t *testing.T) {
	// When all nodes are killed at once under load and started again, they elect a leader, go on, and have lost nothing.
	c := startCluster(t, devcluster.Options{})
	run(t, c.connect(t, 1), ledgerTable)
	l := &ledger{}
	w := startWriters(t, l, urls(c, c.all()))
	l.awaitMore(t, 100)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx := limited(t, startLimit)
	if err := errors.Join(c.Start(ctx), c.WaitReady(ctx)); err != nil {
		t.Fatal(err)
	}
	l.awaitMore(t, 100)
	w.stopped()
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
}

func TestWipedNode(t *testing.T) {
	// A node that lost everything but its configuration comes back by a plain start, as a new member with all data, and can lead.
	c := startCluster(t, devcluster.Options{})
	run(t, c.connect(t, 1), ledgerTable)
	l := &ledger{}
	wiped := c.leader(t)
	w := startWriters(t, l, urls(c, c.others(wiped)))
	l.awaitMore(t, 50)
	number := memberNumber(t, c, c.others(wiped)[0], wiped)
	if err := c.Node(wiped).Kill9(); err != nil {
		t.Fatal(err)
	}
	wipe(t, c.Node(wiped).Config.Dir)
	l.awaitMore(t, 50)
	c.restart(t, wiped)
	l.awaitMore(t, 50)
	w.stopped()
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
	if again := memberNumber(t, c, wiped, wiped); again == number {
		t.Errorf("n%d is member %v still: its new incarnation has the old one's vote", wiped, number)
	}
	if status, _, errs := c.barista(t, "transfer", "--http", c.Node(1).Config.HTTP, "--to", c.Node(wiped).Config.Name); status != 0 {
		t.Fatalf("n%d cannot lead: %s", wiped, errs)
	}
	w = startWriters(t, l, urls(c, c.all()))
	l.awaitMore(t, 50)
	w.stopped()
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
}

// memberNumber is the number of node k in the membership that node asked knows.
func memberNumber(t testing.TB, c *cluster, asked, k int) string {
	t.Helper()
	for _, n := range c.statusJSON(t, asked) {
		members, _ := n["members"].([]any)
		for _, m := range members {
			if member := m.(map[string]any); member["name"] == c.Node(k).Config.Name {
				return fmt.Sprint(member["node"])
			}
		}
	}
	t.Fatalf("n%d is in no membership", k)
	return ""
}
