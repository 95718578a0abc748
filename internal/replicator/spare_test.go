package replicator

import (
	"fmt"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// withSpare is three voters and a spare, node 4.
func withSpare() paxos.Membership { return threeVoters().AddSpare("n4", 4, "a:4") }

// A spare keeps up without a vote, and takes the place of a member that has been dead for long enough, and not earlier.
func TestSpareReplacesADeadMember(t *testing.T) {
	c := newClusterOf(t, 21, withSpare(), Config{ReplaceDead: 5e9})
	c.run(8e9, 1)
	leader := c.leader()
	if leader == nil || c.members().Version != withSpare().Version {
		t.Fatalf("leader %v, membership %+v", leader, c.members())
	}
	dead, other := c.nodes[1], c.nodes[2]
	for _, n := range c.nodes[1:4] {
		if n != leader {
			dead, other = n, dead
		}
	}
	if other == leader || other == dead {
		other = c.nodes[6-leader.id-dead.id]
	}
	c.crash(dead)
	c.run(4e9, 1)
	if c.members().Version != withSpare().Version {
		t.Fatalf("the membership has changed before its time: %+v", c.members())
	}
	c.run(3e9, 1)
	members := c.members()
	spare, _ := members.Find(4)
	if _, ok := members.Find(dead.id); ok || !spare.Voter || spare.Spare || len(members.Voters()) != 3 {
		t.Fatalf("the membership is %+v", members)
	}
	if ordered, ok := members.Ordered(fmt.Sprintf("n%d", dead.id)); !ok || ordered.Expected {
		t.Error("a node of the dead member's name may join by itself")
	}
	c.crash(other)
	before := len(c.acked)
	c.run(3e9, 1)
	if len(c.acked) == before {
		t.Error("the spare does not count: nothing is acknowledged when another member dies")
	}
	c.start(other)
	c.start(dead) // with its old journal: it disturbs nobody
	c.run(8e9, 1)
	if after := c.members(); after.Version != members.Version {
		t.Errorf("the membership has changed to %+v", after)
	}
	c.run(2e9, 0)
	c.check(true)
}

// Without a time after which a member is dead no spare is recruited.
func TestSpareIsNotRecruitedByDefault(t *testing.T) {
	c := newClusterOf(t, 22, withSpare(), Config{})
	c.run(8e9, 1)
	for _, n := range c.nodes[1:4] {
		if n != c.leader() {
			c.crash(n)
			break
		}
	}
	c.run(20e9, 0)
	if c.members().Version != withSpare().Version {
		t.Errorf("the membership has changed: %+v", c.members())
	}
}

// A spare is recruited by an order, too.
func TestSpareIsRecruitedByOrder(t *testing.T) {
	c := newClusterOf(t, 23, withSpare(), Config{})
	c.run(8e9, 1)
	if refusal := c.order(Expect{Name: "n4"}); refusal != "" {
		t.Fatal(refusal)
	}
	c.run(3e9, 1)
	if spare, _ := c.members().Find(4); !spare.Voter {
		t.Errorf("the membership is %+v", c.members())
	}
	c.run(1e9, 0)
	c.check(true)
}
