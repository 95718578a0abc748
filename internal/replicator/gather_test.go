package replicator

import (
	"testing"

	"github.com/baristadb/barista/internal/changeset"
)

// A follower applies a write that comes alone at once, many that follow each other in a few local transactions, and none of them late.
func TestFollowerGathers(t *testing.T) {
	c := newClusterOf(t, 1, threeVoters(), Config{ApplyBatchSets: 512})
	c.run(8e9, 0)
	leader := c.leader()
	if leader == nil {
		t.Fatal("nobody leads")
	}
	follower := c.nodes[1]
	if follower == leader {
		follower = c.nodes[2]
	}
	write := func() {
		c.counter++
		leader.request++
		set := changeset.ChangeSet{ID: changeset.MakeID(1, c.counter), Database: "postgres"}
		leader.inflight[leader.request] = set.ID
		leader.r.Step(c.now, Submitted{Backend: 1, Request: leader.request, Epoch: leader.epoch, Set: &set})
	}
	write()
	before := follower.handed
	for limit := c.now.Add(1e9); follower.r.order.Last() == 0 && c.now < limit; {
		c.run(1e6, 0)
	}
	if follower.handed != before+1 {
		t.Fatalf("a write that came alone and is known to be chosen was handed out %d times", follower.handed-before)
	}

	c.run(2e8, 0)
	before, head := follower.handed, follower.r.order.Head()
	for range 200 { // milliseconds
		write()
		c.run(1e6, 0)
	}
	entries, batches := int(follower.r.order.Head()-head), follower.handed-before
	t.Logf("%d entries were applied in %d local transactions", entries, batches)
	if batches < 10 || batches > 22 || entries < batches+batches/2 {
		t.Errorf("%d entries in 200 ms were handed out in %d batches; every 10 ms one was to be expected", entries, batches)
	}
	for limit := c.now.Add(2e8); len(follower.committed) < int(c.counter) && c.now < limit; {
		c.run(1e6, 0)
	}
	if n := len(follower.committed); n != int(c.counter) {
		t.Errorf("%d of %d sets were applied 200 ms after the last", n, c.counter)
	}
}
