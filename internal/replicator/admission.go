package replicator

import (
	"slices"

	"github.com/baristadb/barista/internal/paxos"
)

// admission leads a new incarnation into the membership, one member entry at a time: the old incarnation of its name is removed, it is
// added as a learner, and it becomes a voter when its journal durably holds every chosen entry below the entry that admits it. A spare stays a
// learner. Whoever dies in between leaves a membership from which the next leader goes on: a name without a member asks
// again, a learner is promoted by any leader.
//
// A member entry may be proposed only when nothing is in flight and a majority holds all that is chosen, so while one is wished for nothing
// else is proposed. If that takes too long the others go on, and the change is tried again later. A change of the voters needs a survey first.
type admission struct {
	wish    change        // nil: none
	until   paxos.Instant // how long proposals are held back for it
	notNow  paxos.Instant // no new wish before
	failed  uint          // wishes given up in a row
	orders  paxos.Instant // no new wish of this node's own before: those of others come first
	survey  survey        // of what is wished for; zero: none is needed, or it has not begun
	surveys uint64        // so far
	refused refused
}

// change is the next step of a membership; it returns the same version when there is nothing to do any more.
type change func(paxos.Membership) paxos.Membership

// holds says that nothing but the wished change is proposed just now.
func (a *admission) holds() bool { return a.wish != nil && (a.survey.Ticket == 0 || a.survey.fine) }

// end ends what is wished for: it was proposed, or will not be.
func (a *admission) end() { a.wish, a.survey = nil, survey{} }

// putOff ends what is wished for until later. Wishes of this node's own come back as soon as they may; after one that is refused, those of others
// have their turn.
func (a *admission) putOff(now paxos.Instant, patience paxos.Span) {
	a.end()
	a.notNow = now.Add(patience)
	a.orders = a.notNow.Add(patience)
}

// wishFor begins a change, unless one is under way or was given up a moment ago.
func (r *Replicator) wishFor(c change) {
	a := &r.admission
	if a.wish == nil && r.now >= a.notNow {
		a.wish, a.until = c, r.now+paxos.Instant(r.cfg.AdmitPatience)
	}
}

// join takes a joiner one step nearer. It is answered with its number as soon as the membership holds it; until then it asks again.
func (r *Replicator) join(e Join) {
	members := r.paxos.Members()
	if m, ok := members.FindName(e.Name, e.Incarnation); ok {
		r.out.Joins = append(r.out.Joins, Joined{Reply: e.Reply, Node: m.Node, Members: members})
		return
	}
	if ordered, ok := members.Ordered(e.Name); ok && !ordered.Expected {
		r.out.Joins = append(r.out.Joins, Joined{Reply: e.Reply, Refusal: e.Name + " was removed from the cluster"})
		return
	}
	r.out.Joins = append(r.out.Joins, Joined{Reply: e.Reply})
	if r.phase != Open || r.paxos.Suspended() {
		return
	}
	for _, m := range members.Members {
		if m.Name == e.Name {
			old := m.Node
			if planted("member change in one step of two") {
				next := members.Remove(old).AddLearner(e.Name, e.Incarnation, e.Address).Promote(members.Next)
				next.Version = members.Version + 1
				r.wishFor(func(paxos.Membership) paxos.Membership { return next })
			}
			r.wishFor(func(m paxos.Membership) paxos.Membership { return m.Remove(old) })
			return
		}
	}
	r.wishFor(func(m paxos.Membership) paxos.Membership {
		if slices.ContainsFunc(m.Members, func(other paxos.Member) bool { return other.Name == e.Name }) {
			return m
		}
		if ordered, ok := m.Ordered(e.Name); ok && ordered.Spare || !ok && e.Spare {
			return m.AddSpare(e.Name, e.Incarnation, e.Address)
		}
		return m.AddLearner(e.Name, e.Incarnation, e.Address)
	})
}

// admit proposes the wished change as soon as Paxos lets it, and looks for a learner to promote, or a dead member to replace.
func (r *Replicator) admit() {
	a := &r.admission
	if r.phase != Open || r.paxos.Suspended() {
		a.end()
		return
	}
	members := r.paxos.Members()
	if a.wish == nil && r.now >= a.orders {
		r.wishOwn(members)
	}
	if a.wish == nil {
		return
	}
	next := a.wish(members)
	if next.Version == members.Version {
		a.end()
		return
	}
	if !r.isSurveyed(members, next) {
		if r.now > a.survey.until {
			a.putOff(r.now, r.cfg.AdmitPatience)
		}
		return
	}
	value := paxos.MemberValue(next)
	value.Epoch = r.epoch
	if _, ok := r.paxos.Propose(r.now, value); ok {
		a.end()
		a.failed = 0
	} else if r.now > a.until {
		a.end()
		a.notNow = r.now + paxos.Instant(r.cfg.AdmitPatience)<<a.failed
		a.failed = min(a.failed+1, 6)
	}
}

// wishOwn wishes for what nobody has to order: that a learner is promoted, or a dead member replaced. What was refused last comes after the other.
func (r *Replicator) wishOwn(members paxos.Membership) {
	learner := r.caughtUp(members)
	dead, spare := r.replacement(members)
	switch {
	case learner != 0 && (dead == 0 || learner != r.admission.refused.voter):
		r.wishFor(func(m paxos.Membership) paxos.Membership { return m.Promote(learner) })
	case dead != 0:
		r.wishFor(func(m paxos.Membership) paxos.Membership { return r.replace(m, dead, spare) })
	}
}

// caughtUp returns a learner that is nearly up to date and no spare; 0 = none.
func (r *Replicator) caughtUp(members paxos.Membership) paxos.NodeID {
	for _, m := range members.Members {
		if !m.Voter && !m.Spare && r.keepsUp(m.Node) {
			return m.Node
		}
	}
	return 0
}

// keepsUp reports whether a learner is alive, and durably holds nearly everything.
func (r *Replicator) keepsUp(id paxos.NodeID) bool {
	p, _ := r.paxos.Progress(id)
	return r.alive(id) && p.DurableTo > 0 && p.DurableTo+paxos.Index(r.cfg.AdmitLag) >= r.paxos.ChosenTo()
}
