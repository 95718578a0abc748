package sim

import (
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// orderEvery is how often an operator's order is repeated, as the command does until it is so.
const orderEvery = 200 * millisecond

// order has an operator give an order to whoever leads, for some time.
func (w *world) order(limit paxos.Span, event replicator.Event) {
	end := w.now.add(limit)
	var give func()
	give = func() {
		if leader := w.leading(); leader != nil {
			leader.process.post(event)
		}
		if w.now < end && !w.calm {
			w.after(orderEvery, give)
		}
	}
	give()
}

// ordering are the faults of a run in which operators change the membership.
var ordering = []fault{
	{"member dismissed", func(w *world, m *machine) { w.order(span(w.rand, second, 5*second), replicator.Dismiss{Name: m.name}) }},
	{"member expected", func(w *world, m *machine) { w.order(span(w.rand, second, 5*second), replicator.Expect{Name: m.name}) }},
	{"machine away", (*world).switchOff},
}

// switchOff takes a machine away for so long that a spare takes its place.
func (w *world) switchOff(m *machine) {
	m.crash("is switched off for long")
	m.downUntil = min(w.now.add(span(w.rand, 5*second, 40*second)), moment(w.plan.storm))
	w.at(m.downUntil, func() {
		if m.process == nil {
			m.boot()
		}
	})
}

// restaff has the operator let every machine in again that was removed, when the storm is over.
func (w *world) restaff() {
	leader := w.leading()
	for _, m := range w.machines {
		ordered, known := w.check.agreement.members.Ordered(m.name)
		if leader != nil && known && !ordered.Expected {
			leader.process.post(replicator.Expect{Name: m.name})
		}
	}
	w.after(orderEvery, w.restaff)
}

const (
	doubtAfter = 3 * second // without a leader a node asks whether it is still a member
	doubtEvery = 2 * second
)

// doubt asks the peers, as long as this node hears of no leader, who the members are. Nobody listens any more to what a removed one says about
// agreement; and one that was away for long may not know the leader, nor anybody who speaks to it.
func (p *process) doubt(heard moment) {
	w := p.world
	if p.parting {
		return
	}
	if p.replicator.Status().Leader != 0 {
		heard = w.now
	}
	if w.now >= heard.add(doubtAfter) {
		for _, peer := range w.machines {
			members := p.askMembers(peer)
			_, member := members.Find(p.id)
			if !member && p.id < members.Next {
				p.part(members)
				return
			}
			if member && members.Version > p.met.Version {
				p.met = members
			}
		}
	}
	w.during(p.life, doubtEvery, func() { p.doubt(heard) })
}

// askMembers is the membership that a peer has on its disk; of version 0 if it cannot be asked.
func (p *process) askMembers(peer *machine) paxos.Membership {
	at, network := peer.process, &p.world.network
	if at == nil || at == p || at.cluster != p.cluster || at.replicator == nil || !network.joined(peer, p.machine) || !network.joined(p.machine, peer) {
		return paxos.Membership{}
	}
	return at.replicator.Status().Durable
}
