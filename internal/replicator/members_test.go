package replicator

import (
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// order has the leader take an event until it is done, while clients write. It returns the refusal, if that is the answer.
func (c *cluster) order(e Event) (refusal string) {
	c.t.Helper()
	for range 50 {
		if leader := c.leader(); leader != nil {
			if reply := c.reply(leader, e); reply.Done || reply.Refusal != "" {
				return reply.Refusal
			}
		}
		c.run(2e8, 1)
	}
	c.t.Fatalf("%+v: there is no end; the membership is %+v", e, c.members())
	return ""
}

// A member is removed for good under load, by one entry; the others go on, and no node of its name may join until that is ordered.
func TestDismissAndExpect(t *testing.T) {
	c, leader, others := settled(t, 11)
	gone := others[0]
	name := c.nameOf(gone)
	if refusal := c.order(Dismiss{Name: name}); refusal != "" {
		t.Fatal(refusal)
	}
	c.run(1e9, 1)
	if !gone.r.Status().Removed {
		t.Error("the node does not know that it was removed")
	}
	if members := c.members(); len(members.Members) != 2 || members.Version != threeVoters().Version+1 {
		t.Errorf("the membership is %+v", members)
	}
	if joined := c.joined(c.leader(), Join{Name: name, Incarnation: 77}); joined.Refusal == "" {
		t.Errorf("a node of a removed name is answered %+v", joined)
	}
	if refusal := c.order(Expect{Name: name}); refusal != "" {
		t.Fatal(refusal)
	}
	if joined := c.joined(c.leader(), Join{Name: name, Incarnation: 77}); joined.Refusal != "" {
		t.Errorf("a node that is expected is answered %+v", joined)
	}
	c.run(3e9, 1)
	if _, ok := c.members().FindName(name, 77); !ok {
		t.Errorf("it has not joined: %+v", c.members())
	}
	for _, again := range []Event{Expect{Name: name}, Expect{Name: c.nameOf(leader)}} {
		if reply := c.reply(c.leader(), again); !reply.Done {
			t.Errorf("%+v: %+v", again, reply)
		}
	}
	c.run(1e9, 0)
	c.check(true)
}

func (c *cluster) nameOf(n *testNode) string {
	m, _ := threeVoters().Find(n.id)
	return m.Name
}

// joined has a node take a Join, and returns its answer.
func (c *cluster) joined(n *testNode, e Join) Joined {
	c.t.Helper()
	n.joins = nil
	n.r.Step(c.now, e)
	c.obey(n)
	if len(n.joins) != 1 {
		c.t.Fatalf("node %d answers %+v", n.id, n.joins)
	}
	return n.joins[0]
}

// What would leave no majority of members that are alive, or would remove the leader, is refused, and so is what means nobody.
func TestDismissalIsRefused(t *testing.T) {
	c, leader, others := settled(t, 12)
	for _, test := range []struct {
		node       *testNode
		name, want string
	}{
		{leader, c.nameOf(leader), "hand over first"},
		{leader, "n9", "no member n9"},
		{others[0], c.nameOf(others[0]), "does not lead"},
	} {
		if reply := c.reply(test.node, Dismiss{Name: test.name}); !strings.Contains(reply.Refusal, test.want) {
			t.Errorf("%s: %+v, want %q", test.name, reply, test.want)
		}
	}
	c.crash(others[0]) // a moment ago: nobody has noticed
	want := "there would be 2 voting members, of which 1 are alive"
	if refusal := c.order(Dismiss{Name: c.nameOf(others[1])}); !strings.Contains(refusal, want) {
		t.Errorf("a living member beside a dead one: %q", refusal)
	}
	if refusal := c.order(Dismiss{Name: c.nameOf(others[0])}); refusal != "" {
		t.Errorf("the dead member: %s", refusal)
	}
	if refusal := c.order(Dismiss{Name: c.nameOf(others[1])}); refusal != "" {
		t.Errorf("the last follower: %s", refusal)
	}
	c.run(1e9, 1)
	if c.leader() != leader {
		t.Error("the last member does not lead")
	}
	c.run(1e9, 0)
	c.check(true)
}

// A leader that dies while it removes a member leaves the old membership or the new one, and the order, given again, is carried out.
func TestLeaderDiesInADismissal(t *testing.T) {
	for seed := range uint64(8) {
		c, leader, others := settled(t, 100+seed)
		name := c.nameOf(others[0])
		c.run(1e8, 2)
		c.reply(leader, Dismiss{Name: name})
		c.run(paxos.Span(seed*2e6), 2)
		c.crash(leader)
		c.run(2e8, 0)
		c.start(leader)
		c.run(5e9, 1)
		if refusal := c.order(Dismiss{Name: name}); refusal != "" && !strings.Contains(refusal, "hand over first") {
			t.Errorf("seed %d: %s", seed, refusal)
		}
		c.run(3e9, 0)
		c.check(true)
	}
}
