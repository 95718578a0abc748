package paxos

import "testing"

// Every node learns from heartbeats what all members durably hold, and a new member, which holds nothing yet, takes it back to nothing.
func TestAllDurableIsTheLeastOfTheMembers(t *testing.T) {
	n := &Node{cfg: Config{ID: 1}, durableTo: 9, peers: map[NodeID]*acquaintance{
		2: {Progress: Progress{DurableTo: 7}}, 3: {Progress: Progress{DurableTo: 8}},
	}}
	n.members = FirstMembership("n1", 1, "a:1").AddLearner("n2", 2, "a:2").AddLearner("n3", 3, "a:3")
	if got := n.leastDurable(); got != 7 {
		t.Errorf("least durable %d, want 7", got)
	}
	n.members = n.members.AddLearner("n4", 4, "a:4")
	if got := n.leastDurable(); got != 0 {
		t.Errorf("least durable %d with a member that was never heard of, want 0", got)
	}
}
