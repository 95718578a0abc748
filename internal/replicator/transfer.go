package replicator

import (
	"fmt"
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// A hand-over walks the way of any orderly end of a leadership, and names who is next. Whoever dies on the way leaves no more than an
// ordinary election behind:
//
//  0. The heir's server shows nearly all that the leader's does: what it lacks is a part of a second's writes, and nothing that takes long by itself
//     (a large transaction, DDL). Else the hand-over is refused, or has to be asked for again: nobody would be served while the heir applies it.
//  1. Transfer. The leader takes on nothing new (drainUntil) and waits, for drainLimit at most, until what it has taken on is chosen. If it
//     dies here, or anywhere below, the others elect one when their promise ends; who waits for an answer is told "unknown".
//  2. DrainGate. The backends that have their answer commit, the closed flag is set, the sessions are ended. If they do not end, the
//     server is killed, and ServerLost goes on with step 3.
//  3. GateClosed. No session of the epoch is left, so the lease is released; the heir campaigns at once.
//  4. If the heir is dead or its server does not run, the others campaign some ticks later (paxos, headStart). If it is elected and cannot open its
//     gate, it gives up like every leader that cannot, but sooner, and hands over in its turn (inheritedLimit).

// memberAlive is how recently a member must have been heard of to count as alive. Members answer heartbeats, of which there is one a tick.
const memberAlive = paxos.Span(500e6)

// transfer begins a hand-over, or refuses it.
func (r *Replicator) transfer(e Transfer) {
	heir := e.To
	if heir == anyone {
		heir = r.mostCaughtUp()
	}
	refusal := r.refuseTransfer(heir)
	done := refusal == "" && !(e.Applied > 0 && r.lacksLong(e.Applied))
	r.out.Replies = append(r.out.Replies, Reply{Ticket: e.Ticket, Done: done, Refusal: refusal})
	if done {
		r.stepDown()
		r.heir = heir
	}
}

// refuseTransfer says why a hand-over cannot be; empty when it can.
func (r *Replicator) refuseTransfer(heir paxos.NodeID) string {
	member, _ := r.paxos.Members().Find(heir)
	p, _ := r.paxos.Progress(heir)
	switch {
	case r.phase != Open || r.paxos.Suspended():
		return refusalNotLeading
	case r.drainUntil != 0:
		return "a hand-over is under way"
	case r.admission.holds():
		return "the membership is being changed; try again in a moment"
	case heir == anyone:
		return "no other voting member is alive and caught up"
	case !member.Voter:
		return "it is not a voting member"
	case heir == r.self():
		return "it leads already"
	case !r.alive(heir):
		return "nothing has been heard of it for " + silence(r.now, p.Heard)
	case !r.near(heir):
		return fmt.Sprintf("it lacks %d entries; try again when it has caught up", r.paxos.ChosenTo()-p.ChosenTo)
	}
	return ""
}

// lacksLong reports whether a server at a position has still to apply what takes long by itself, as far as this leader has proposed it, or is about
// to.
func (r *Replicator) lacksLong(applied changeset.Position) bool {
	return paxos.Index(applied.Index()) < r.proposals.long ||
		slices.ContainsFunc(r.pending.sets, func(s submission) bool { return s.set.Flags&aloneFlags != 0 })
}

// refusalNotLeading is told by a node that is not, or no longer, the leader with an open gate.
const refusalNotLeading = "this node does not lead with an open gate"

// silence writes for how long nothing was heard.
func silence(now, heard paxos.Instant) string {
	if heard <= 0 {
		return "as long as this node leads"
	}
	return fmt.Sprintf("%d ms", now.Since(heard)/1e6)
}

// mostCaughtUp returns the other voter that is alive and lacks least; anyone if there is none.
func (r *Replicator) mostCaughtUp() (best paxos.NodeID) {
	var most paxos.Index
	for _, id := range r.paxos.Members().Voters() {
		p, _ := r.paxos.Progress(id)
		if id != r.self() && r.alive(id) && r.near(id) && (best == anyone || p.ChosenTo > most) {
			best, most = id, p.ChosenTo
		}
	}
	return best
}

// alive reports whether a node was heard of a moment ago.
func (r *Replicator) alive(id paxos.NodeID) bool {
	p, ok := r.paxos.Progress(id)
	return ok && r.now.Since(p.Heard) < memberAlive
}

// near reports whether a node lacks so little that it will have it in a moment.
func (r *Replicator) near(id paxos.NodeID) bool {
	p, ok := r.paxos.Progress(id)
	return ok && p.ChosenTo+paxos.Index(r.cfg.AdmitLag) >= r.paxos.ChosenTo()
}

// handOver gives the lease back when the gate is closed. Only a leader knows who is most caught up.
func (r *Replicator) handOver() {
	if r.heir == anyone && r.paxos.Role() == paxos.Leader {
		r.heir = r.mostCaughtUp()
	}
	r.paxos.Release(r.now, r.heir)
	r.heir = anyone
}
