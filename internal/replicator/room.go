package replicator

import "github.com/baristadb/barista/internal/paxos"

// roomPatience is for how long nobody leads before a node with little room campaigns after all. One that has room has then had time for an election or two, so there
// may be none; and with little room a node serves better than nobody.
const roomPatience = paxos.Span(5e9)

// yields reports whether this node leaves the lead to those that have more room.
func (r *Replicator) yields() bool {
	return r.little != "" && r.now.Since(r.led) < roomPatience
}

// noteLeader notes when there was a leader.
func (r *Replicator) noteLeader() {
	if r.paxos.Leader() != 0 || r.led == 0 {
		r.led = r.now
	}
}
