package replicator

import (
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// committedAt is the body of an entry of change sets with these commit times.
func committedAt(times ...int64) []byte {
	sets := make([]changeset.ChangeSet, len(times))
	for k, at := range times {
		sets[k] = changeset.ChangeSet{ID: changeset.MakeID(1, uint64(at)), Database: "postgres", Committed: at}
	}
	return changeset.AppendChangeSets(nil, sets)
}

// Commit times are the clock's, but each is above all before it, also those of leaders whose clocks were ahead.
func TestCommitTimesIncrease(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	log.choose(ballot(1, 1), paxos.KindChangeSets, committedAt(1000, 1001))
	r := &Replicator{order: log.order}
	for _, step := range []struct{ arrived, want int64 }{{2000, 2000}, {2000, 2001}, {1990, 2002}, {5000, 5000}, {4999, 5001}} {
		taken := []submission{{arrived: step.arrived}}
		r.stamp(taken)
		if got := taken[0].set.Committed; got != step.want {
			t.Errorf("arrived at %d: committed at %d, want %d", step.arrived, got, step.want)
		}
	}
	behind := &Replicator{order: log.order} // another leader, whose clock is behind
	taken := []submission{{arrived: 10}, {arrived: 11}}
	behind.stamp(taken)
	if taken[0].set.Committed != 1002 || taken[1].set.Committed != 1003 {
		t.Errorf("committed at %d and %d", taken[0].set.Committed, taken[1].set.Committed)
	}
}

// What is void has no commit time; a floor carries the greatest that stands at or below it; entries of old journals count too.
func TestCommitTimesOfTheOrder(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(2, 1), paxos.KindEpochOpen, nil)
	log.choose(ballot(1, 2), paxos.KindChangeSets, committedAt(9000)) // void
	old := changeset.AppendChangeSet([]byte{0, 0, 0, 1}, changeset.ChangeSet{ID: changeset.MakeID(1, 1), Database: "postgres", Timestamp: 70})
	if placed := log.choose(ballot(2, 1), paxos.KindOldSets, old); placed.Kind != paxos.KindChangeSets || placed.Sets[0].Committed != 70 {
		t.Errorf("an old entry is placed as %v, committed at %d", placed.Kind, placed.Sets[0].Committed)
	}
	for at := int64(100); log.order.Head() < 3*checkpointEvery; at++ {
		log.choose(ballot(2, 1), paxos.KindChangeSets, committedAt(at))
	}
	floor, ok := log.order.FloorBelow(2*checkpointEvery + 1)
	if want := int64(floor.Index) + 96; !ok || floor.CommitTime != want { // entry 4 was committed at 100
		t.Errorf("the floor at %d has commit time %d, want %d", floor.Index, floor.CommitTime, want)
	}
	if again := NewOrder(floor); again.lastTime != floor.CommitTime {
		t.Errorf("an order from there begins at %d", again.lastTime)
	}
}

// A server that keeps commit times gets a transaction for each change set.
func TestOneTransactionEach(t *testing.T) {
	c := newCluster(t, 1)
	for _, n := range c.nodes[1:] {
		n.r.Step(c.now, ServerStarted{Start: 7, KeepsTimes: n.id == 2})
	}
	if one, many := c.nodes[2].r.applyLimit(), c.nodes[3].r.applyLimit(); one != 1 || many != c.cfg.ApplyBatchSets {
		t.Errorf("%d and %d sets in a transaction", one, many)
	}
}
