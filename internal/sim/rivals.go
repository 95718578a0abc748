package sim

import (
	"errors"
	"fmt"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/rivals"
	"github.com/baristadb/barista/internal/transport"
)

// A second cluster under the same names and secret: what node.meetForeign and the handshakes of transport do, on virtual time. Which node stops, and
// who speaks with whom, is decided by the product's own rules.

// secondInits are the faults of one seed in four, which is not drawn.
var secondInits = []fault{
	{"initialised a second time", (*world).initialiseAgain},
	{"initialised a second time", (*world).initialiseAgain},
}

// rival is the cluster that there is beside the first one, or the one for which a person has decided; nil: there is none.
func (w *world) rival() *cluster {
	for _, c := range w.clusters {
		if c != w.cluster && !c.over {
			return c
		}
	}
	return nil
}

// initialiseAgain empties a machine, or takes one that is no voter, and runs init on it while it reaches nobody who belongs to a cluster. Another one
// without a journal may be with it: then the second cluster grows.
func (w *world) initialiseAgain(m *machine) {
	if w.rival() != nil || !w.mayInitialise(m) {
		return
	}
	apart := []*machine{m}
	if other := pick(w.rand, w.machines...); other != m && w.rand.IntN(2) == 0 {
		if w.plan.size == 5 && w.mayLoseDisk(m) && w.mayLoseDisk(other) { // of five it may be two
			other.replace("loses its disk")
		}
		if other.cluster == nil {
			apart = append(apart, other)
		}
	}
	w.isolate(apart)
	if w.rand.IntN(3) == 0 {
		for _, other := range w.machines { // so that neither grows
			w.cutMachine(other)
		}
	}
	m.initialise()
	for _, c := range w.clients {
		if w.rand.IntN(3) == 0 {
			c.door = m // its application has the address of one node
		}
	}
	w.inStorm(span(w.rand, second, 12*second), w.network.heal)
}

// mayInitialise reports whether the first cluster can do without what a machine holds.
func (w *world) mayInitialise(m *machine) bool {
	if m.cluster == nil {
		return true
	}
	member, known := w.check.agreement.members.FindName(m.name, m.incarnation)
	return !(known && member.Voter) && m.spare || w.mayLoseDisk(m)
}

// isolate cuts machines off from all others, and joins them with each other.
func (w *world) isolate(apart []*machine) {
	w.network.heal()
	side := make([]bool, len(w.machines))
	for _, m := range apart {
		side[m.number] = true
	}
	for a := range w.machines {
		for b := range w.machines {
			w.network.cut[a][b] = side[a] != side[b]
		}
	}
}

// initialise empties the machine's disk and makes a cluster of one on it.
func (m *machine) initialise() {
	w := m.world
	w.figures.Rivals++
	m.leave("is emptied, and initialised a second time")
	members := paxos.FirstMembership(m.name, m.incarnation, m.name)
	floor := paxos.Floor{Members: members}
	m.cluster = w.newCluster(floor)
	m.journal = journal.NewMemory(m.identity(members.Members[0].Node), floor)
	m.server.data = newData()
	m.replaced = true
	m.boot()
	for _, other := range w.machines {
		if p := other.process; p != nil && p.replicator != nil {
			p.dialRivals()
		}
	}
}

// identity is what a process says of itself in a handshake; hello says how many vote, too.
func (p *process) identity() transport.Identity {
	i := transport.Identity{Name: p.machine.name, Incarnation: p.incarnation}
	if p.cluster != nil {
		i.Cluster = p.cluster.id
	}
	return i
}

func (p *process) hello() transport.Identity {
	i := p.identity()
	i.Voters = uint16(len(p.replicator.Status().Members.Voters()))
	return i
}

// Pauses between attempts to reach a peer.
const (
	firstPause = 50 * millisecond
	lastPause  = second
)

// dialRivals keeps dialling all peers as long as there is a second cluster. Streams between members of one cluster stand, or are not modelled.
func (p *process) dialRivals() {
	if p.dialling || p.world.rival() == nil {
		return
	}
	p.dialling = true
	for _, peer := range p.world.machines {
		if peer != p.machine {
			p.dial(peer, firstPause)
		}
	}
}

func (p *process) dial(peer *machine, pause paxos.Span) {
	w := p.world
	w.during(p.life, span(w.rand, pause/2, pause), func() {
		if p.dialling = w.rival() != nil; !p.dialling {
			return
		}
		if peer.cluster != p.cluster {
			p.shakeHands(peer)
		}
		p.dial(peer, min(2*pause, lastPause))
	})
}

// shakeHands is one handshake. Each side learns who the other is when that has proved the secret, the dialler first; either may never come to it.
func (p *process) shakeHands(peer *machine) {
	w, mine := p.world, p.hello()
	hop := func(from, to *machine, life *life, do func()) {
		w.after(w.hop(), func() {
			if w.network.joined(from, to) {
				w.live(life, do)
			}
		})
	}
	at := peer.process
	if at == nil || at.replicator == nil {
		return
	}
	hop(p.machine, peer, at.life, func() {
		theirs := at.hello()
		hop(peer, p.machine, p.life, func() {
			p.meets(mine.Check(theirs, transport.PurposePaxos))
			hop(p.machine, peer, at.life, func() {
				at.meets(theirs.Check(mine, transport.PurposePaxos))
				w.haveMet(p, at)
			})
		})
	})
}

// noteLimit is how long a node takes to note that it has stopped, at most.
const noteLimit = 50 * millisecond

// meets is the end of a handshake: if the peer belongs to another cluster, one of the two stops.
func (p *process) meets(refusal error) {
	another, ok := errors.AsType[*transport.AnotherCluster](refusal)
	if !ok {
		return
	}
	w, m := p.world, p.machine
	own := rivals.Side{Cluster: another.Self.Cluster, Voters: int(another.Self.Voters)}
	other := rivals.Side{Cluster: another.Peer.Cluster, Voters: int(another.Peer.Voters)}
	if p.rivals.Meet(own, other) != rivals.Stops {
		return
	}
	w.figures.Stopped++
	why := fmt.Sprintf("%s belongs to another cluster, of %d voters; this one has %d", another.Peer.Name, other.Voters, own.Voters)
	w.note(m.name, "stops for another cluster", uint64(own.Voters), uint64(other.Voters))
	if own.Voters > other.Voters {
		w.violated("rivals", "%s stops: %s", m.name, why)
	}
	p.post(replicator.Retire{Why: why})
	w.during(p.life, span(w.rand, 0, noteLimit), func() { m.stopped = why })
	if w.plan.rivals {
		w.inStorm(span(w.rand, second, 30*second), w.decide)
		w.inStorm(span(w.rand, 2*second, 6*second), func() {
			if w.rival() != nil && m.process == p && w.rand.IntN(2) == 0 {
				w.cutMachine(m)
				p.machine.crashProcess("is killed, and starts again where it meets nobody")
			}
		})
	}
}

// stayRetired has a node that stopped for another cluster begin as it ended.
func (p *process) stayRetired() {
	if p.machine.stopped == "" || planted(servesAgain) {
		return
	}
	p.rivals.Stop()
	p.replicator.Step(p.machine.now(), replicator.Retire{Why: p.machine.stopped})
}

// decide is a person who finds out which cluster is the right one, empties the nodes of the other, and starts those of this one again that had stopped.
// Where nodes of one alone have stopped it is the other; else chance says which, of those that a majority is left of.
func (w *world) decide() {
	rival := w.rival()
	if rival == nil { // a handshake may have ended after the decision
		w.startStopped()
		return
	}
	right, wrong := w.cluster, rival
	if !rival.hasStopped() || w.cluster.hasStopped() && rival.hasMajority() && w.rand.IntN(2) == 0 {
		right, wrong = rival, w.cluster
	}
	if !right.hasStopped() && !wrong.hasStopped() || !right.hasMajority() {
		return
	}
	w.figures.Decided++
	w.note("", "a person decides", uint64(right.id[15]))
	wrong.end()
	w.cluster, w.check = right, right.check
	for _, m := range w.machines {
		if m.cluster == wrong {
			m.leave("is emptied by a person")
			m.replaced = true
		}
	}
	w.startStopped()
	w.growing = w.growing || right == rival
	w.membersChanged(right.check.agreement.members)
}

// startStopped is a person who starts nodes again that had stopped for a cluster that is gone.
func (w *world) startStopped() {
	for _, m := range w.machines {
		if m.stopped != "" {
			m.stopped = ""
			m.crashProcess("is started again by a person")
		}
	}
}

// hasStopped reports whether any of a cluster's nodes has noted that it stopped.
func (c *cluster) hasStopped() bool {
	for _, m := range c.world.machines {
		if m.cluster == c && m.stopped != "" {
			return true
		}
	}
	return false
}

// hasMajority reports whether most of a cluster's voters are on machines that have their disks.
func (c *cluster) hasMajority() bool {
	members, there := c.check.agreement.members, 0
	for _, m := range c.world.machines {
		if member, ok := members.FindName(m.name, m.incarnation); ok && member.Voter && m.cluster == c {
			there++
		}
	}
	return there >= members.Quorum()
}
