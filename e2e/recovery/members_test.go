package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

// members runs barista members with some arguments at node k, and returns what it says.
func members(t testing.TB, c *harness.Cluster, k int, args ...string) (status int, out, errs string) {
	t.Helper()
	return c.Barista(t, append(append([]string{"members"}, args...), "--http", c.Node(k).Config.HTTP)...)
}

// mustMembers is members for what has to work.
func mustMembers(t testing.TB, c *harness.Cluster, k int, args ...string) string {
	t.Helper()
	status, out, errs := members(t, c, k, args...)
	if status != 0 {
		t.Fatalf("barista members %s: status %d: %s", strings.Join(args, " "), status, errs)
	}
	return out
}

// standing is what node k says that another is: voter, learner, spare, expected or removed; empty if it does not know it.
func standing(t testing.TB, c *harness.Cluster, k int, other *devcluster.Node) string {
	t.Helper()
	for line := range strings.Lines(mustMembers(t, c, k, "list")) {
		if fields := strings.Fields(line); fields[0] == other.Config.Name {
			return fields[1]
		}
	}
	return ""
}

// awaitStanding waits until node k says that another has a standing.
func awaitStanding(t testing.TB, c *harness.Cluster, k int, other *devcluster.Node, want string) {
	t.Helper()
	harness.Await(t, harness.StartLimit, other.Config.Name+" is to be a "+want, func(context.Context) error {
		if got := standing(t, c, k, other); got != want {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
}

// endsRemoved waits until a node has ended, and fails the test unless it says that it was removed.
func endsRemoved(t testing.TB, node *devcluster.Node) {
	t.Helper()
	select {
	case <-node.Ended():
	case <-time.After(harness.ServeLimit):
		t.Fatalf("%s still runs", node.Config.Name)
	}
	if fate := node.Fate(); fate == nil || !strings.Contains(fate.Error(), node.Config.Name+" was removed from the cluster") {
		t.Errorf("%s has ended: %v", node.Config.Name, fate)
	}
}

func TestMembers(t *testing.T) {
	// Under load a node that no configuration knows is added, the leader is removed, and then a dead member; what would leave no majority is
	// refused. Those that were removed stop and do not come back by themselves; nothing is lost.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	fourth, err := c.Add(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := fourth.Start(); err != nil {
		t.Fatal(err)
	}
	if standing := standing(t, c, 2, fourth); standing != "" {
		t.Errorf("a node that nobody knows is %q", standing)
	}
	mustMembers(t, c, 2, "add", fourth.Config.Name)
	awaitStanding(t, c, 2, fourth, "voter")
	c.Ready(t)

	leader := c.AwaitLeader(t)
	stay := c.Others(leader)
	w := harness.StartWriters(t, l, harness.URLs(c, stay))
	l.AwaitMore(t, 50)
	mustMembers(t, c, leader, "remove", c.Node(leader).Config.Name)
	t.Logf("the first write without n%d was acknowledged %v later", leader, l.AwaitMore(t, 1))
	endsRemoved(t, c.Node(leader))
	l.AwaitMore(t, 50)

	next := c.AwaitLeader(t)
	followers := slices.DeleteFunc(slices.Clone(stay), func(k int) bool { return k == next })
	dead, needed := followers[0], followers[1]
	if err := c.Node(dead).Kill9(); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := members(t, c, needed, "remove", "n99"); status != 1 || !strings.Contains(errs, "no member n99") {
		t.Errorf("a stranger: status %d, %s", status, errs)
	}
	if status, _, errs := members(t, c, needed, "remove", c.Node(needed).Config.Name); status != 1 || !strings.Contains(errs, "no majority") {
		t.Fatalf("n%d, without which there is no majority: status %d, %s", needed, status, errs)
	}
	mustMembers(t, c, next, "remove", c.Node(dead).Config.Name)
	if err := c.Node(dead).Start(); err != nil {
		t.Fatal(err)
	}
	endsRemoved(t, c.Node(dead))
	l.AwaitMore(t, 50)
	w.Stopped()
	c.Verify(t, next, next, needed)
	l.CheckOn(t, c, next, needed)
}

func TestSpare(t *testing.T) {
	// A spare keeps up, and takes the place of a member that stays dead; then the cluster survives the loss of another one. The dead member does
	// not come back by itself.
	const patience = 4 * time.Second
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) { cfg.ReplaceDeadAfter = patience }})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	spare, err := c.Add(func(cfg *config.Config) { cfg.Spare = true })
	if err != nil {
		t.Fatal(err)
	}
	mustMembers(t, c, 1, "add", "--spare", spare.Config.Name)
	if err := spare.Start(); err != nil {
		t.Fatal(err)
	}
	awaitStanding(t, c, 1, spare, "spare")
	c.Ready(t)
	leader := c.AwaitLeader(t)
	var followers []int
	for k := 1; k <= 3; k++ {
		if k != leader {
			followers = append(followers, k)
		}
	}
	w := harness.StartWriters(t, l, harness.URLs(c, []int{leader, 4}))
	l.AwaitMore(t, 50)
	killed := time.Now()
	if err := c.Node(followers[0]).Kill9(); err != nil {
		t.Fatal(err)
	}
	awaitStanding(t, c, leader, spare, "voter")
	if took := time.Since(killed); took < patience {
		t.Errorf("the spare was recruited after %v", took)
	} else {
		t.Logf("the spare votes %v after the death of n%d", took, followers[0])
	}
	if standing := standing(t, c, leader, c.Node(followers[0])); standing != "removed" {
		t.Errorf("the dead member is %q", standing)
	}
	if err := c.Node(followers[1]).Kill9(); err != nil {
		t.Fatal(err)
	}
	l.AwaitMore(t, 100)
	if err := c.Node(followers[0]).Start(); err != nil {
		t.Fatal(err)
	}
	endsRemoved(t, c.Node(followers[0]))
	w.Stopped()
	c.Verify(t, leader, leader, 4)
	l.CheckOn(t, c, leader, 4)
}
