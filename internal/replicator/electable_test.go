package replicator

import "testing"

// A node whose server has long applied nothing, though there is something to apply, does not campaign; it does when the server goes on.
func TestStalledServerKeepsItsNodeFromCampaigning(t *testing.T) {
	c := newCluster(t, 3)
	c.run(6e9, 1)
	leader := c.leader()
	if leader == nil {
		t.Fatal("nobody leads")
	}
	var others []*testNode
	for _, n := range c.nodes[1:] {
		if n != leader {
			n.stuck = true
			others = append(others, n)
		}
	}
	c.run(12e9, 1)
	c.crash(leader)
	c.run(8e9, 1)
	for _, n := range others {
		if n.r.phase != Following {
			t.Errorf("node %d is %v with a server that stands still", n.id, n.r.phase)
		}
	}
	others[0].stuck = false
	c.run(6e9, 1)
	if c.leader() != others[0] {
		t.Errorf("the node whose server goes on does not lead: %+v", others[0].r.Status())
	}
	others[1].stuck = false
	c.heal()
	c.run(8e9, 0)
	c.check(true)
}
