package sim

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/replicator"
)

// rooms are the faults of one seed in four, which is not drawn: the other seeds mean what they meant before there were any.
var rooms = []fault{
	{"disk full", (*world).fill},
	{"disk full", (*world).fill},
	{"data damaged", (*world).damage},
	{"data damaged", (*world).damage},
	{"disk cramped", (*world).cramp},
	{"killed in a recovery", func(_ *world, m *machine) {
		if m.server.recovering { // in the middle of its first recovery
			m.crashProcess("barista is killed in a first recovery")
		}
	}},
}

// fill leaves little room on a machine's disk for a while, or none at all.
func (w *world) fill(m *machine) {
	if m.little {
		return
	}
	w.figures.Filled++
	m.little, m.packed = true, w.rand.IntN(2) == 0
	m.tellRoom()
	w.after(span(w.rand, second, 25*second), m.makeRoom)
}

// makeRoom gives the disk room again.
func (m *machine) makeRoom() {
	if m.little {
		m.little, m.packed = false, false
		m.tellRoom()
	}
}

// tellRoom is the watcher of the disks.
func (m *machine) tellRoom() {
	p := m.process
	if p == nil || p.replicator == nil {
		return
	}
	room := replicator.Room{}
	if m.little {
		room.Little = "little is free"
	}
	p.post(room)
}

// lookAtRoom tells a process how its disk is when it starts, and has it hand over as long as there is little room and somebody has more.
func (p *process) lookAtRoom() {
	if p.machine.little {
		p.machine.tellRoom()
	}
	var look func()
	look = func() {
		if s := p.replicator.Status(); p.machine.little && s.Phase == replicator.Open && !s.Suspended {
			p.leaveLead()
		}
		p.world.during(p.life, span(p.world.rand, second, 3*second), look)
	}
	p.world.during(p.life, second, look)
}

// leaveLead hands over to the first that says it could lead.
func (p *process) leaveLead() {
	for _, m := range p.replicator.Status().Members.Members {
		if !m.Voter || m.Name == p.machine.name {
			continue
		}
		p.call(p.world.machineNamed(m.Name), func(at *process, back func(func())) {
			if s := at.replicator.Status(); s.Unfit == "" {
				back(func() { p.post(replicator.Transfer{To: at.id, Applied: s.Applied}) })
			}
		})
	}
}

// needsRoom reports whether a journal would have to begin a segment that it has no room for.
func (p *process) needsRoom() bool { return p.machine.packed && p.world.rand.IntN(4) == 0 }

// cannotApply is the code with which a server fails to apply a batch that has a change set; empty if it can.
func (r *run) cannotApply(b *replicator.Batch) string {
	switch m := r.server.machine; {
	case b.Position == changeset.Position(b.Predecessor):
		return ""
	case r.server.data.damaged:
		return damagedCode
	case m.packed || r.server.fails(b):
		return "53100"
	}
	return ""
}
