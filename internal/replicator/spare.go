package replicator

import "github.com/baristadb/barista/internal/paxos"

// A spare takes the place of a member that has been dead for Config.ReplaceDead:
//
//  1. One member entry dismisses the dead member and makes the spare an ordinary learner. Only one node loses its vote by that, and none
//     gets one. It is proposed like every member entry only when nothing is in flight, every lower index is chosen, and a majority of those
//     who stay durably holds all of it; so they are alive. If the leader dies before that entry is chosen, nothing has happened, and the
//     next leader counts from the opening of its own gate.
//  2. The learner is promoted when it durably holds everything, as any other is, and by any leader: that a member is missing stands in the
//     log. If the learner dies before that, it is itself a dead member that is no spare.
//
// The dead member cannot come back by itself. If it was only cut off, its journal is worth nothing any more, for its place is taken.

// replacement returns a member that is dead, and a spare to replace it; 0 = there is nothing to do.
func (r *Replicator) replacement(members paxos.Membership) (dead, spare paxos.NodeID) {
	if r.cfg.ReplaceDead == 0 {
		return 0, 0
	}
	for _, m := range members.Members {
		switch {
		case m.Spare && (spare == 0 || r.durable(m.Node) > r.durable(spare)) && r.keepsUp(m.Node):
			spare = m.Node
		case !m.Spare && dead == 0 && r.isDead(m.Node):
			dead = m.Node
		}
	}
	if dead == 0 || spare == 0 || r.replace(members, dead, spare).Version == members.Version {
		return 0, 0
	}
	return dead, spare
}

// replace returns the next membership, or the same one when that is no longer right.
func (r *Replicator) replace(m paxos.Membership, dead, spare paxos.NodeID) paxos.Membership {
	next := m.Replace(dead, spare)
	if !r.isDead(dead) || !r.keepsUp(spare) || r.countAlive(next) < next.Quorum() {
		return m
	}
	return next
}

// isDead reports whether nothing was heard of a member for as long as makes it dead. Before its own gate was open this leader
// need not have heard anything.
func (r *Replicator) isDead(id paxos.NodeID) bool {
	p, _ := r.paxos.Progress(id)
	return id != r.self() && r.now.Since(max(p.Heard, r.openAt)) >= r.cfg.ReplaceDead
}

func (r *Replicator) durable(id paxos.NodeID) paxos.Index {
	p, _ := r.paxos.Progress(id)
	return p.DurableTo
}
