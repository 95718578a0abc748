package replicator

import "github.com/baristadb/barista/internal/paxos"

// stallLimit is for how long a server that has something to apply may apply nothing before its node no longer campaigns: its disk is full,
// for example, or one long statement is under way. Elected, it could not open its gate.
const stallLimit = paxos.Span(10e9)

// stall watches the server of a follower.
type stall struct {
	done  paxos.Index   // what it showed when it last moved
	since paxos.Instant // when that was
}

// setElectable keeps a node from campaigning whose server could not serve soon. It goes on voting.
func (r *Replicator) setElectable() {
	behind := uint64(r.order.Head()) - min(uint64(r.order.Head()), uint64(r.cursor.done()))
	r.paxos.SetElectable(r.server == serverUp && r.phase != Closing && r.now >= r.notBefore &&
		behind <= uint64(r.cfg.ElectableLag) && !r.stalled(behind))
}

// stalled reports whether the server has long stood still with something to apply. One that waits at a mark does not count.
func (r *Replicator) stalled(behind uint64) bool {
	done := r.cursor.done()
	if behind == 0 || done != r.stall.done || r.phase != Following || r.cursor.mark != nil {
		r.stall = stall{done: done, since: r.now}
	}
	return r.now.Since(r.stall.since) >= stallLimit
}
