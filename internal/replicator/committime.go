package replicator

import "github.com/baristadb/barista/internal/changeset"

// Commit times are given out where the order is: by the leader, when it puts change sets into an entry. Whoever reads rows by the commit times
// of their transactions, and goes on after the last one seen, misses none: a later position has a later time, whatever clocks say, and
// whoever leads. They are the clock's where it is ahead of the order.

// stamp gives each set of an entry its commit time.
func (r *Replicator) stamp(taken []submission) {
	for k := range taken {
		s := &taken[k]
		r.lastTime = max(s.arrived, r.lastTime+1, r.order.lastTime+1)
		if planted("commit times from the clock alone") {
			r.lastTime = s.arrived
		}
		s.set.Committed = r.lastTime
	}
}

// noteTimes keeps the greatest commit time of the order. That of an old entry is any: it was not given out in order.
func (o *Order) noteTimes(sets []changeset.ChangeSet) {
	for k := range sets {
		o.lastTime = max(o.lastTime, sets[k].Committed)
	}
}

// applyLimit is how many change sets the server applies in one local transaction. One that keeps commit times needs a transaction for each.
func (r *Replicator) applyLimit() int {
	if r.keepsTimes {
		return 1
	}
	return r.cfg.ApplyBatchSets
}
