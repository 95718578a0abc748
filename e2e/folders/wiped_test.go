package folders

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestWipedNode(t *testing.T) {
	// A node that lost everything but its configuration is not initialised beside the cluster that it belonged to. It comes back by a plain start, as a new
	// member with all data, and can lead.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	wiped := c.AwaitLeader(t)
	w := harness.StartWriters(t, l, harness.URLs(c, c.Others(wiped)))
	l.AwaitMore(t, 50)
	number := memberNumber(t, c, c.Others(wiped)[0], wiped)
	if err := c.Node(wiped).Kill9(); err != nil {
		t.Fatal(err)
	}
	harness.Wipe(t, c.Node(wiped).Config.Dir)
	l.AwaitMore(t, 50)
	if status, _, errs := c.Barista(t, "init", "--config", c.Node(wiped).ConfigFile()); status != 2 ||
		!strings.Contains(errs, "holds the same secret and belongs to a cluster") {
		t.Fatalf("init: %d, %s", status, errs)
	}
	c.Restart(t, wiped)
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
	if again := memberNumber(t, c, wiped, wiped); again == number {
		t.Errorf("n%d is member %v still: its new incarnation has the old one's vote", wiped, number)
	}
	if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP, "--to", c.Node(wiped).Config.Name); status != 0 {
		t.Fatalf("n%d cannot lead: %s", wiped, errs)
	}
	w = harness.StartWriters(t, l, harness.URLs(c, c.All()))
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}

// memberNumber is the number of node k in the membership that node asked knows.
func memberNumber(t testing.TB, c *harness.Cluster, asked, k int) string {
	t.Helper()
	for _, n := range c.StatusJSON(t, asked) {
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
