package sim

import (
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

// A joiner is a process without a journal, or what a process keeps of the joiners that ask it.
type joiner struct {
	asked   uint64
	waiting map[uint64]*process // by the number of the request
}

// joinEvery is how often a joiner asks.
const joinEvery = 200 * millisecond

// join asks all peers, again and again, until the leader among them has admitted this node.
func (p *process) join() {
	if p.replicator != nil {
		return
	}
	for _, peer := range p.world.machines {
		if peer != p.machine {
			p.world.after(p.world.hop(), func() { p.askToJoin(peer) })
		}
	}
	p.world.during(p.life, joinEvery, p.join)
}

// askToJoin is the request, at the peer.
func (p *process) askToJoin(peer *machine) {
	at := peer.process
	if at == nil || at.replicator == nil || !p.world.network.joined(p.machine, peer) {
		return
	}
	if s := at.replicator.Status(); s.Phase != replicator.Open || s.Suspended {
		return
	}
	if !planted(joinsAny) && p.identity().Check(at.identity(), transport.PurposeControl) != nil {
		return
	}
	at.joiner.asked++
	if at.joiner.waiting == nil {
		at.joiner.waiting = make(map[uint64]*process)
	}
	at.joiner.waiting[at.joiner.asked] = p
	at.post(replicator.Join{
		Name: p.machine.name, Incarnation: p.incarnation, Address: p.machine.name, Reply: at.joiner.asked, Spare: p.machine.spare,
	})
}

// answerJoiner takes the replicator's answer to the joiner, with the floor from which that has to learn.
func (p *process) answerJoiner(joined replicator.Joined) {
	asker := p.joiner.waiting[joined.Reply]
	delete(p.joiner.waiting, joined.Reply)
	if asker == nil || joined.Node == 0 || !p.world.network.joined(p.machine, asker.machine) {
		return
	}
	floor := p.journal.Floor()
	p.world.during(asker.life, p.world.hop(), func() { asker.begin(p.cluster, joined, floor) })
}

// begin makes the journal of a node that was admitted.
func (p *process) begin(in *cluster, joined replicator.Joined, floor paxos.Floor) {
	if p.replicator != nil {
		return
	}
	if p.cluster != nil && p.cluster != in {
		p.world.violated("rivals", "%s leaves its journal for another cluster, with nobody's leave of its own", p.machine.name)
	}
	p.world.note(p.machine.name, "is admitted", uint64(joined.Node), uint64(floor.Index))
	p.world.figures.Joins++
	if p.machine.process != p {
		p.takePlace()
	}
	p.machine.cluster = in
	p.machine.journal = journal.NewMemory(p.machine.identity(joined.Node), floor)
	p.restore(joined.Members)
}
