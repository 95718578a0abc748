package replicator

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
)

// What an operator orders about the membership is one member entry, like any other change. The asker asks again until it is so: the
// answer is read from the membership, never from what this leader remembers, so that an order survives the leader that took it.

// expect lets a node of a name join, or recruits a spare.
func (r *Replicator) expect(e Expect) {
	members := r.paxos.Members()
	member, present := memberNamed(members, e.Name)
	ordered, known := members.Ordered(e.Name)
	switch refusal := r.refuseChange(); {
	case refusal != "":
		r.reply(e.Ticket, Reply{Refusal: refusal})
	case present && e.Spare && !member.Spare:
		r.reply(e.Ticket, Reply{Refusal: e.Name + " is a member and no spare: remove it first"})
	case present && member.Spare == e.Spare, !present && ordered == paxos.Name{Name: e.Name, Expected: true, Spare: e.Spare}:
		r.reply(e.Ticket, Reply{Done: true})
	case present:
		r.wishFor(func(m paxos.Membership) paxos.Membership { return m.Recruit(member.Node) })
		r.reply(e.Ticket, Reply{})
	case len(members.Names) >= paxos.MaxNames && !known:
		r.reply(e.Ticket, Reply{Refusal: fmt.Sprintf("%d names are known, which is the most", paxos.MaxNames)})
	default:
		r.wishFor(func(m paxos.Membership) paxos.Membership {
			if e.Spare {
				return m.ExpectSpare(e.Name)
			}
			return m.Expect(e.Name)
		})
		r.reply(e.Ticket, Reply{})
	}
}

// dismiss removes a member for good, or lets a node that was expected join no more.
func (r *Replicator) dismiss(e Dismiss) {
	members := r.paxos.Members()
	member, present := memberNamed(members, e.Name)
	ordered, known := members.Ordered(e.Name)
	refusal := r.refuseChange()
	if refusal == "" && present {
		refusal = r.refuseDismissal(members, member)
	}
	if refusal == "" && present && member.Voter {
		refusal = r.refusedChange(member.Node)
	}
	switch {
	case refusal != "":
		r.reply(e.Ticket, Reply{Refusal: refusal})
	case present && member.Voter && !r.stands(e.Name):
		r.reply(e.Ticket, Reply{})
	case present:
		r.wishFor(func(m paxos.Membership) paxos.Membership {
			if r.refuseDismissal(m, member) != "" {
				return m // somebody died while it waited
			}
			return m.Dismiss(member.Node)
		})
		r.reply(e.Ticket, Reply{})
	case known && !ordered.Expected:
		r.reply(e.Ticket, Reply{Done: true})
	case known:
		r.wishFor(func(m paxos.Membership) paxos.Membership { return m.Bar(e.Name) })
		r.reply(e.Ticket, Reply{})
	default:
		r.reply(e.Ticket, Reply{Refusal: fmt.Sprintf("there is no member %s", e.Name)})
	}
}

// standing is an order to dismiss a voter that is looked at for some time before anything is proposed.
type standing struct {
	name        string
	since, last paxos.Instant // when it came first, and last
}

// stands reports whether an order has been repeated for long enough: a member that was dead when it came no longer counts as alive then, and
// what is left is known to be a majority.
func (r *Replicator) stands(name string) bool {
	s := &r.standing
	if s.name != name || r.now.Since(s.last) > 2*memberAlive {
		*s = standing{name: name, since: r.now}
	}
	s.last = r.now
	return r.now.Since(s.since) >= memberAlive
}

func (r *Replicator) reply(ticket uint64, reply Reply) {
	reply.Ticket = ticket
	r.out.Replies = append(r.out.Replies, reply)
}

// refuseChange says why this node cannot change the membership now; empty when it can.
func (r *Replicator) refuseChange() string {
	if r.phase != Open || r.paxos.Suspended() || r.drainUntil != 0 {
		return refusalNotLeading
	}
	return ""
}

// refuseDismissal says why a member must stay; empty when it need not.
func (r *Replicator) refuseDismissal(members paxos.Membership, member paxos.Member) string {
	next := members.Remove(member.Node)
	switch alive := r.countAlive(next); {
	case member.Node == r.self():
		return member.Name + " leads: it has to hand over first"
	case len(next.Voters()) == 0:
		return member.Name + " is the last voting member"
	case member.Voter && alive < next.Quorum():
		return fmt.Sprintf("without %s there would be %d voting members, of which %d are alive: no majority",
			member.Name, len(next.Voters()), alive)
	}
	return ""
}

// countAlive counts the voters of a membership that are alive, this node included.
func (r *Replicator) countAlive(m paxos.Membership) (alive int) {
	for _, id := range m.Voters() {
		if id == r.self() || r.alive(id) {
			alive++
		}
	}
	return alive
}

// self is this node's number, while it leads.
func (r *Replicator) self() paxos.NodeID { return r.paxos.Ballot().Node() }

func memberNamed(m paxos.Membership, name string) (paxos.Member, bool) {
	for _, member := range m.Members {
		if member.Name == name {
			return member, true
		}
	}
	return paxos.Member{}, false
}
