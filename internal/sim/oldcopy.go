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
		case w.mayLoseDisk(m) && len(w.whoMiss(m, c)) == len(w.machines)-1:
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

// putBackAfterOutage is the story in which not everybody knows what was forgotten: all power fails, and one machine comes back with a disk of a moment
// before. Those who know are away at first, and the node counts as if it had forgotten nothing.
func (w *world) putBackAfterOutage(m *machine) {
	c := m.copyDisk()
	if c == nil {
		return
	}
	limit := w.now.add(2 * second)
	var look func()
	look = func() {
		switch {
		case m.incarnation != c.incarnation || w.now > limit:
		case w.isHalfKnown(m, c):
			w.outage(m, c)
		default:
			w.inStorm(10*millisecond, look)
		}
	}
	look()
}

// isHalfKnown reports whether a copy may be put back, and only some would miss what it lacks.
func (w *world) isHalfKnown(m *machine, c *diskCopy) bool {
	if !w.mayLoseDisk(m) {
		return false
	}
	know := len(w.whoMiss(m, c))
	return 0 < know && know < len(w.machines)-1 && w.isHarmless(m, c)
}

func (w *world) outage(m *machine, c *diskCopy) {
	for _, other := range w.machines {
		other.crash("loses power with all others")
	}
	if !w.isHalfKnown(m, c) { // what was being written is there
		return
	}
	w.figures.Unknowing++
	know := w.whoMiss(m, c)
	m.putBack(c)
	for _, other := range know {
		other.awayUntil(min(w.now.add(span(w.rand, second, 8*second)), moment(w.plan.storm)+1))
	}
}

// awayUntil starts a machine that has no power at a moment, and not before.
func (m *machine) awayUntil(at moment) {
	m.downUntil = at
	m.world.at(at, func() {
		if m.process == nil && m.downUntil == at {
			m.boot()
		}
	})
}

// whoMiss are the other machines that have on their disks that the node has done more than is in a copy of its own. If the others were alone with it when
// it is back, nobody could tell.
func (w *world) whoMiss(m *machine, c *diskCopy) (know []*machine) {
	if c.votes() < 2 {
		return nil // of a time when it was alone: it would ask nobody, if it could not hear them
	}
	next := c.journal.Life().Begin(0)
	for _, other := range w.machines {
		if other == m || other.journal == nil {
			continue
		}
		for _, seen := range other.journal.Sightings() {
			if seen.Node == c.journal.Identity().Node && !next.Remembers(seen) {
				know = append(know, other)
				break
			}
		}
	}
	return know
}

// isHarmless reports whether nobody would miss what a machine's acceptor forgets: every other one is bound to as much. (If one is not, and those who know
// are away, what was chosen with its help is lost: so many faults at once are more than a cluster survives.)
func (w *world) isHarmless(m *machine, c *diskCopy) bool {
	for _, other := range w.machines {
		if other == m {
			continue
		}
		if other.journal.Promised() < m.journal.Promised() || other.journal.ChosenTo() < m.journal.ChosenTo() {
			return false
		}
		accepted := make(map[paxos.Index]paxos.Ballot)
		for _, e := range other.journal.Accepted() {
			accepted[e.Index] = e.Ballot
		}
		for _, e := range m.journal.Accepted() {
			if e.Index > other.journal.ChosenTo() && accepted[e.Index] < e.Ballot {
				return false
			}
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
	m := p.machine
	p.world.during(p.life, span(p.world.rand, 0, noteLimit), func() { m.disowned = true })
	if who, known := p.knows(why.By); known && p.world.rand.IntN(2) == 0 {
		p.world.leaveDisowned(p, p.world.machineNamed(who.Name))
	}
}

// leaveDisowned has a disowned node start again when the one who knows what it has forgotten is away.
func (w *world) leaveDisowned(p *process, who *machine) {
	w.inStorm(span(w.rand, 0, 500*millisecond), func() {
		if p.machine.process != p || who.power.over {
			return
		}
		w.figures.Restarted++
		who.crash("is away, and only it knows what another has forgotten")
		who.awayUntil(min(w.now.add(span(w.rand, second, 10*second)), moment(w.plan.storm)+1))
		p.machine.crashProcess("is killed, and was disowned")
	})
}

// isSure: a node that was found to have forgotten votes takes part in nothing, whoever is away when it is started again.
func (p *process) isSure(how string) {
	if p.disowned {
		p.world.violated("homecoming", "%s %s, and was disowned before it was started", p.machine.name, how)
	}
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
