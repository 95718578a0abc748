package replicator

import (
	"slices"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// A node whose server has applied everything below an offered floor, but not flushed it, keeps its journal: it takes the floor only when the server
// has flushed. Otherwise a power failure would take what this node has accepted.
func TestFloorWaitsForFlush(t *testing.T) {
	c, leader, others := settled(t, 1)
	n := others[0]
	c.run(1e9, 1)
	c.run(1e9, 0)
	order := n.r.order
	if n.applied() == 0 || n.applied() != order.Last() || n.r.flushedTo >= n.applied() {
		t.Fatalf("node %d has applied to %v of %v and knows %v to be flushed", n.id, n.applied(), order.Last(), n.r.flushedTo)
	}
	// What follows are entries without a position, of which the peer has purged more than it retains.
	floor := paxos.Floor{Index: order.Head() + 5, Greatest: order.Greatest(), Position: uint64(order.Last()), Members: order.Members()}
	offer := func() bool {
		n.r.Step(c.now, Received{From: leader.id, Message: paxos.FloorState{Version: floor.Members.Version, Floor: floor}})
		c.obey(n)
		return slices.ContainsFunc(n.volatile, func(r paxos.Record) bool {
			_, ok := r.(paxos.FloorRecord)
			return ok
		})
	}
	if offer() {
		t.Errorf("node %d drops its journal to a floor at %d, and its server has flushed nothing", n.id, floor.Index)
	}
	n.r.Step(c.now, Flushed{Start: uint64(n.id), Position: n.applied()})
	if !offer() {
		t.Errorf("node %d does not take the floor after a flush", n.id)
	}
}
