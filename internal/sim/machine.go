package sim

import (
	"fmt"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// A machine is what a node runs on: power, a clock, a disk with journal and data folder. Its barista process, and the server that is that
// process's child, come and go.
type machine struct {
	world  *world
	number int // from 0
	name   string
	clock  clock
	power  *life

	incarnation uint64
	cluster     *cluster        // that the journal belongs to; nil: there is none
	journal     *journal.Memory // nil: the disk is empty
	server      *server
	process     *process    // nil: barista does not run
	downUntil   moment      // it is not started again before
	spare       bool        // it wants to be a spare
	replaced    bool        // its disk was lost, and it is not known to be a voter again
	outdated    bool        // its disk is an older copy; it counts as replaced, too
	misreads    paxos.Index // where its log holds another entry than those of others; 0: nowhere
	knows       paxos.Index // up to here its disk knows what is chosen
	cramped     bool        // its disk has no room for a copy beside the data
	little      bool        // there is little room on its disk
	packed      bool        // there is none at all
	disowned    bool        // its disk says that it is an older copy
	stopped     string      // why its node stopped for another cluster, as its disk says; empty: it did not
}

// identity of the incarnation that runs on the machine now.
func (m *machine) identity(id paxos.NodeID) paxos.IdentityRecord {
	return paxos.IdentityRecord{Cluster: m.cluster.id, Name: m.name, Incarnation: m.incarnation, Node: id}
}

func (m *machine) now() paxos.Instant { return m.clock.read(m.world.now) }

// boot gives the machine power, and starts barista.
func (m *machine) boot() {
	m.power = &life{}
	m.clock = m.world.bootClock()
	m.startProcess()
}

// crash takes the power away: the process is gone in the middle of what it does, and what was not synced is lost.
func (m *machine) crash(why string) {
	if m.power.over {
		return
	}
	m.world.note(m.name, why)
	m.power.over = true
	m.killProcess()
	m.restartLater(m.boot)
}

// restartLater lets something start again after some time, unless another start comes before.
func (m *machine) restartLater(start func()) {
	w := m.world
	m.downUntil = w.now.add(span(w.rand, 50*millisecond, 2*w.plan.restartAfter))
	due := m.downUntil
	w.at(due, func() {
		if m.process == nil && m.downUntil == due {
			start()
		}
	})
}

// killProcess ends barista and, with it, its server.
func (m *machine) killProcess() {
	p := m.process
	if p == nil {
		return
	}
	m.process = nil
	p.life.over = true
	m.server.kill()
	p.loseWrites()
	for _, c := range m.world.clients {
		c.lost(m)
	}
}

// crashProcess kills barista alone; the machine and its clock go on.
func (m *machine) crashProcess(why string) {
	if m.process == nil {
		return
	}
	m.world.note(m.name, why)
	m.killProcess()
	m.restartLater(m.startProcess)
}

// replace loses the machine's disk. It has to join as a new incarnation.
func (m *machine) replace(why string) {
	before := m.journal
	m.leave(why)
	m.replaced = true
	if planted(amnesiacVotes) && before != nil {
		m.journal, m.incarnation = journal.NewMemory(before.Identity(), m.world.firstFloor), before.Identity().Incarnation
		m.cluster = m.world.cluster
	}
}

// leave ends the machine's incarnation: its disk is emptied before it is started again.
func (m *machine) leave(why string) {
	m.world.note(m.name, why)
	m.power.over = true
	m.killProcess()
	m.server.data, m.server.kept, m.server.brokenUntil = nil, nil, 0
	m.stopped = ""
	m.forgetJournal()
	m.restartLater(m.boot)
}

// forgetJournal makes the machine join as a new incarnation.
func (m *machine) forgetJournal() {
	m.journal, m.cluster, m.outdated, m.disowned = nil, nil, false, false
	m.incarnation = m.world.newIncarnation()
}

// startProcess starts barista: as a member if there is a journal, else as a joiner.
func (m *machine) startProcess() {
	if m.process != nil || m.power.over {
		return
	}
	m.world.note(m.name, "starts")
	p := &process{world: m.world, machine: m, incarnation: m.incarnation, life: &life{within: m.power}}
	m.process = p
	if m.journal == nil {
		p.join()
	} else {
		p.restore(paxos.Membership{})
	}
}

// revive starts whatever of the machine does not run, or stands still.
func (m *machine) revive() {
	m.downUntil = 0
	if m.power.over {
		m.boot()
	} else {
		m.power.pausedUntil = 0
		m.startProcess()
	}
	if m.process != nil {
		m.process.life.pausedUntil = 0
		m.process.dieIn = 0
	}
	if m.server.run != nil {
		m.server.run.life.pausedUntil = 0
	}
	m.server.brokenUntil = 0
	m.makeRoom()
}

func (m *machine) String() string {
	if m.process == nil || m.process.replicator == nil {
		return m.name + " down"
	}
	s := m.process.replicator.Status()
	return fmt.Sprintf("%s node %d %v %v leader %d index %d applied %v", m.name, m.process.id, s.Role, s.Phase, s.Leader, s.Index, s.Applied)
}
