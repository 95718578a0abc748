package replicator

import (
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// settled returns a cluster in which a node leads, with a log that all nodes hold.
func settled(t *testing.T, seed uint64) (c *cluster, leader *testNode, others []*testNode) {
	t.Helper()
	c = newCluster(t, seed)
	c.run(6e9, 1)
	c.run(1e9, 0)
	leader = c.leader()
	if leader == nil {
		t.Fatal("nobody leads")
	}
	for _, n := range c.nodes[1:] {
		if n != leader {
			others = append(others, n)
		}
	}
	return c, leader, others
}

// reply has a node take an event and returns its only answer.
func (c *cluster) reply(n *testNode, e Event) Reply {
	c.t.Helper()
	n.replies = nil
	n.r.Step(c.now, e)
	c.obey(n)
	if len(n.replies) != 1 {
		c.t.Fatalf("node %d answers %+v to %+v", n.id, n.replies, e)
	}
	return n.replies[0]
}

// A leader that is asked to hand over to a node is followed by that one, long before an election would begin, and nobody's write is lost.
func TestTransfer(t *testing.T) {
	for seed := range uint64(10) {
		c, leader, others := settled(t, seed)
		c.run(1e8, 3)
		heir := others[seed%2]
		if reply := c.reply(leader, Transfer{To: heir.id, Ticket: 7}); reply != (Reply{Ticket: 7, Done: true}) {
			t.Fatalf("the answer is %+v", reply)
		}
		began := c.now
		for c.leader() != heir && c.now < began+3e9 {
			c.run(1e7, 1)
		}
		if took := c.now.Since(began); took > 600e6 {
			t.Errorf("seed %d: node %d leads %d ms later: %v", seed, heir.id, took/1e6, c.leader() == heir)
		}
		c.run(2e9, 1)
		c.run(2e9, 0)
		c.check(true)
	}
}

// Without a name the most caught-up node follows.
func TestTransferToTheMostCaughtUp(t *testing.T) {
	c, leader, others := settled(t, 2)
	c.cut[others[0].id] = true
	c.run(2e8, 3)
	if reply := c.reply(leader, Transfer{}); !reply.Done {
		t.Fatalf("the answer is %+v", reply)
	}
	c.run(1e9, 1)
	if c.leader() != others[1] {
		t.Error("the other node does not lead")
	}
	c.heal()
	c.run(4e9, 0)
	c.check(true)
}

// A heir that dies in the middle of the hand-over does not leave the cluster without a leader for longer than an ordinary election.
func TestTransferToANodeThatDies(t *testing.T) {
	c, leader, others := settled(t, 4)
	if reply := c.reply(leader, Transfer{To: others[0].id}); !reply.Done {
		t.Fatalf("the answer is %+v", reply)
	}
	c.crash(others[0])
	began := c.now
	for c.leader() == nil && c.now < began+5e9 {
		c.run(1e7, 1)
	}
	if took := c.now.Since(began); took > 2e9 {
		t.Errorf("somebody leads %d ms later", took/1e6)
	}
	c.heal()
	c.run(4e9, 0)
	c.check(true)
}

// A heir whose server stands still is elected, cannot open its gate, and soon hands over in its turn.
func TestTransferToANodeWhoseServerHangs(t *testing.T) {
	c, leader, others := settled(t, 6)
	others[0].stuck = true
	c.run(3e8, 3)
	if reply := c.reply(leader, Transfer{To: others[0].id}); !reply.Done {
		t.Fatalf("the answer is %+v", reply)
	}
	c.run(1e9, 1)
	if others[0].r.phase != Opening {
		t.Fatalf("the heir is %v", others[0].r.phase)
	}
	began := c.now
	for c.leader() == nil && c.now < began+10e9 {
		c.run(1e7, 1)
	}
	if took := c.now.Since(began); took > 3e9 {
		t.Errorf("somebody leads %d ms later", took/1e6)
	}
	others[0].stuck = false
	c.run(5e9, 0)
	c.check(true)
}

// What cannot be handed over is refused with the reason, and the leader leads on.
func TestTransferIsRefused(t *testing.T) {
	c, leader, others := settled(t, 5)
	c.crash(others[0])
	c.run(1e9, 1)
	for _, test := range []struct {
		node *testNode
		to   paxos.NodeID
		want string
	}{
		{others[1], leader.id, "does not lead"},
		{leader, leader.id, "leads already"},
		{leader, others[0].id, "nothing has been heard of it"},
		{leader, 9, "not a voting member"},
	} {
		reply := c.reply(test.node, Transfer{To: test.to})
		if reply.Done || !strings.Contains(reply.Refusal, test.want) {
			t.Errorf("node %d, to %d: %+v, want %q", test.node.id, test.to, reply, test.want)
		}
	}
	c.cut[others[1].id] = true
	c.run(6e8, 0)
	if reply := c.reply(leader, Transfer{}); !strings.Contains(reply.Refusal, "no other voting member") {
		t.Errorf("with nobody to hand over to: %+v", reply)
	}
	clear(c.cut)
	c.run(1e9, 1)
	if c.leader() != leader {
		t.Error("the leader does not lead on")
	}
}
