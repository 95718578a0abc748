package replicator

import "github.com/baristadb/barista/internal/paxos"

// purge puts the journal's floor up.
type purge struct {
	floor paxos.Index // the last floor asked for
}

// flushed finds the highest floor that is allowed. Never above what the own server has flushed: its commits are asynchronous, and
// only the log can apply them again. Below that, it waits for the slowest member, unless the journal outgrows the retention limit: then the
// late member gets a base backup. The largest chunked set does not count: it cannot be dropped in part, so without that allowance a member
// that is some seconds behind would lose its way at the end of every set that is larger than the limit. Nor does it wait while the
// order keeps more of sequences than memory is meant for.
func (r *Replicator) flushed(e Flushed) {
	if e.Start != r.start {
		return
	}
	r.flushedTo = max(r.flushedTo, e.Position)
	limit := paxos.Index(e.Position.Index())
	if limit > 0 {
		limit-- // the entry at a position may hold change sets after it
	}
	if e.Pinned > 0 {
		limit = min(limit, e.Pinned-1)
	}
	if e.JournalBytes < r.cfg.Retention+r.order.largestSet() && !r.order.sequences.long() {
		limit = min(limit, r.paxos.AllDurable())
	}
	limit = min(limit, r.paxos.DurableTo())
	if r.cursor.active && r.cursor.next > 0 {
		limit = min(limit, r.cursor.next-1)
	}
	if planted("purge of what no server has flushed") {
		limit = r.paxos.DurableTo()
	}
	floor, ok := r.order.FloorBelow(limit)
	if !ok || floor.Index <= r.purge.floor {
		return
	}
	r.purge.floor = floor.Index
	r.order.Trim(floor)
	r.out.Purge = &floor
}
