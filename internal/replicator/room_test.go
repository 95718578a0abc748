package replicator

import (
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// A node with little room leaves the lead to one that has more, and says why; where nobody has more one of them leads, and stays the leader.
func TestLittleRoom(t *testing.T) {
	for seed := range uint64(5) {
		c, leader, others := settled(t, seed)
		full, roomy := others[0], others[1]
		full.r.Step(c.now, Room{Little: "1MiB is free"})
		c.run(1e9, 1)
		if unfit := full.r.Status().Unfit; unfit != "there is little room: 1MiB is free" {
			t.Errorf("seed %d: the node is unfit: %q", seed, unfit)
		}
		c.crash(leader)
		for began := c.now; c.now < began+4e9; c.run(1e8, 1) {
			if full.r.paxos.Role() != paxos.Follower {
				t.Fatalf("seed %d: the node with little room is %v", seed, full.r.paxos.Role())
			}
		}
		if c.leader() != roomy {
			t.Fatalf("seed %d: the node with room does not lead", seed)
		}
		roomy.r.Step(c.now, Room{Little: "2MiB are free"})
		epoch := roomy.epoch
		c.run(20e9, 1)
		if c.leader() != roomy || roomy.epoch != epoch {
			t.Errorf("seed %d: where nobody has room the leader does not stay", seed)
		}
		c.heal()
		leader.r.Step(c.now, Room{Little: "3MiB are free"})
		c.run(2e9, 1)
		c.crash(roomy)
		for began := c.now; c.leader() == nil; c.run(1e8, 1) {
			if c.now > began+12e9 {
				t.Fatalf("seed %d: nobody leads where nobody has room", seed)
			}
		}
		c.heal()
		for _, n := range c.nodes[1:] {
			n.r.Step(c.now, Room{})
		}
		c.run(4e9, 0)
		c.check(true)
	}
}
