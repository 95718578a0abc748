package sim

import (
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A diskCopy is a machine's disk as it was at some moment: the snapshot of a virtual machine, or what somebody copied.
type diskCopy struct {
	incarnation uint64
	journal     *journal.Memory
	data        *data
}

// copyDisk copies what would survive a loss of power now; nil if there is nothing whole.
func (m *machine) copyDisk() *diskCopy {
	if m.journal == nil || m.server.data == nil || m.isOutside() {
		return nil
	}
	from := m.journal
	if m.process != nil && m.process.journal != nil {
		from = m.process.journal
	}
	data := m.server.data.copy()
	data.forget(m.server.data.flushed)
	data.flushed = len(data.commits)
	return &diskCopy{m.incarnation, from.Copy(), data}
}

// putBackCopy is the story of a node that forgets: a copy of its disk is made, it goes on for some time, and then the copy is put in its place.
func (w *world) putBackCopy(m *machine) { w.putBackLater(m, m.copyDisk()) }

// putBackCopyOfStopped is the same with a copy of a node that was stopped for it.
func (w *world) putBackCopyOfStopped(m *machine) {
	if m.process == nil {
		return
	}
	m.crash("is stopped for a copy")
	w.putBackLater(m, m.copyDisk())
}

func (w *world) putBackLater(m *machine, c *diskCopy) {
	if c == nil {
		return
	}
	limit := w.now.add(15 * second)
	var look func()
	look = func() {
		switch {
		case m.incarnation != c.incarnation || w.now > limit:
		case w.mayLoseDisk(m) && w.isMissed(m, c):
			m.putBack(c)
		default:
			w.inStorm(100*millisecond, look)
		}
	}
	w.inStorm(span(w.rand, 100*millisecond, 8*second), look)
}

// votes is how many voters the copy knows of.
func (c *diskCopy) votes() int {
	order := replicator.NewOrder(c.journal.Floor())
	err := c.journal.Scan(func(e paxos.Entry) error {
		_, err := order.Place(e)
		return err
	})
	if err != nil {
		panic("sim: a copy of a journal cannot be read: " + err.Error())
	}
	return len(order.Members().Voters())
}

// isMissed reports whether every other machine has on its disk that the node has done more than is in a copy of its own. If one had not, and all others
// were away when the node is back, nobody could tell.
func (w *world) isMissed(m *machine, c *diskCopy) bool {
	if c.votes() < 2 {
		return false // of a time when it was alone: it would ask nobody, if it could not hear them
	}
	next := c.journal.Life().Begin(0)
	for _, other := range w.machines {
		if other == m {
			continue
		}
		missed := false
		for _, seen := range other.journal.Sightings() {
			missed = missed || seen.Node == c.journal.Identity().Node && !next.Remembers(seen)
		}
		if !missed {
			return false
		}
	}
	return true
}

// putBack replaces the machine's disk by an older copy of it.
func (m *machine) putBack(c *diskCopy) {
	m.world.figures.OldCopies++
	m.world.note(m.name, "an old copy of its disk is put back", uint64(c.journal.ChosenTo()))
	if !m.power.over {
		m.crash("is stopped, and gets an old copy of its disk")
	}
	m.journal, m.server.data = c.journal, c.data
	m.replaced, m.outdated = true, true
}

// rejoin asks to join as a new incarnation, while this one goes on without a vote.
func (p *process) rejoin(why *paxos.Disowned) {
	p.world.note(p.machine.name, "is disowned by", uint64(why.By))
	if !p.machine.outdated {
		p.world.violated("homecoming", "%s is disowned and has forgotten nothing: %+v", p.machine.name, *why)
	}
	p.rejoiner = &process{world: p.world, machine: p.machine, cluster: p.cluster, incarnation: p.world.newIncarnation(), life: &life{within: p.life}}
	p.rejoiner.join()
}

// takePlace ends the process that was disowned, and its server and data; this one goes on on the machine.
func (p *process) takePlace() {
	m := p.machine
	old := m.process
	p.life.within = m.power // no longer the other one's
	m.killProcess()
	old.rejoiner = nil
	m.process, m.server.data = p, nil
	m.forgetJournal()
	m.incarnation = p.incarnation
}
