package sim

import (
	"math/rand/v2"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A fault is something that happens to a cluster, mostly to one machine.
type fault struct {
	name   string
	strike func(w *world, m *machine)
}

// common are those of every run: what ends faults, and what only makes more happen at once.
var common = []fault{
	{"network heals", func(w *world, _ *machine) { w.network.heal() }},
	{"network is as before", func(w *world, _ *machine) {
		w.network.loss, w.network.double, w.network.delay = w.plan.lossPercent, w.plan.doublePercent, w.plan.delay
	}},
	{"marks", onProcess(func(w *world, p *process) {
		for range 1 + w.rand.IntN(3) {
			p.post(replicator.MarkRequested{ID: w.newMark()})
		}
	})},
	{"crowd", func(w *world, _ *machine) { w.crowd() }},
}

// perhaps are those of which a run has some.
var perhaps = []fault{
	{"power fails", func(_ *world, m *machine) { m.crash("loses power") }},
	{"all power fails", func(w *world, _ *machine) {
		for _, m := range w.machines {
			m.crash("loses power with all others")
		}
	}},
	{"machine pauses", func(w *world, m *machine) { m.power.pausedUntil = w.pauseEnd() }},
	{"disk lost", func(w *world, m *machine) {
		if w.mayLoseDisk(m) {
			m.replace("loses its disk")
		}
	}},
	{"barista pauses", onProcess(func(w *world, p *process) { p.life.pausedUntil = w.pauseEnd() })},
	{"barista killed", onProcess(func(_ *world, p *process) { p.machine.crashProcess("barista is killed") })},
	{"death between", onProcess(func(w *world, p *process) { p.dieIn = 1 + w.rand.IntN(40) })},
	{"death elected", onProcess((*world).dieElected)},
	{"sync fails", onProcess(func(_ *world, p *process) { p.writer.fails = true })},
	{"disk slow", onProcess((*world).slowDisk)},
	{"server dies", func(_ *world, m *machine) { m.server.crash("the server dies") }},
	{"server hangs", onRun(func(w *world, r *run) { r.life.pausedUntil = w.pauseEnd() })},
	{"server closes its gate", onRun(func(_ *world, r *run) { r.failGate() })},
	{"machine cut", (*world).cutMachine},
	{"cluster torn", (*world).tear},
	{"one-way cut", (*world).cutOneWay},
	{"network worse", (*world).worsen},
	{"step down", onProcess(func(_ *world, p *process) { p.post(replicator.StepDown{}) })},
	{"hand-over", onProcess(func(w *world, p *process) {
		p.post(replicator.Transfer{To: pick(w.rand, append(p.cluster.check.agreement.members.Voters(), 0)...)})
	})},
	{"old copy of a running node", (*world).putBackCopy},
	{"old copy of a stopped node", (*world).putBackCopyOfStopped},
	{"old copy after an outage", (*world).putBackAfterOutage},
	{"retires", onProcess((*world).retire)},
	{"lease forgotten", (*world).forgetLease},
	{"left behind", (*world).leaveBehind},
	{"left with gaps", (*world).leaveGaps},
	{"leftover", (*world).leaveLeftover},
}

// rare are those of one seed in four, which is not drawn: the other seeds mean what they meant before there were any.
var rare = []fault{
	{"server cannot apply", (*world).breakServer},
	{"server cannot apply", (*world).breakServer},
}

// onProcess makes a fault of what befalls a barista that runs as a member.
func onProcess(strike func(*world, *process)) func(*world, *machine) {
	return func(w *world, m *machine) {
		if m.process != nil && m.process.replicator != nil {
			strike(w, m.process)
		}
	}
}

// onRun makes a fault of what befalls a running server.
func onRun(strike func(*world, *run)) func(*world, *machine) {
	return func(w *world, m *machine) {
		if m.server.run != nil {
			strike(w, m.server.run)
		}
	}
}

// pickFaults draws which faults a run has: a third of all, with weights from 1 to 3.
func pickFaults(r *rand.Rand) []fault {
	faults := append([]fault{common[0]}, common...)
	for _, f := range perhaps {
		if r.IntN(3) > 0 {
			continue
		}
		for range 1 + r.IntN(3) {
			faults = append(faults, f)
		}
	}
	return faults
}

// storm lets faults happen until the world calms down.
func (w *world) storm() {
	w.after(span(w.rand, 0, 2*w.plan.faultEvery), func() {
		if w.calm {
			return
		}
		f, m := pick(w.rand, w.plan.faults...), w.victim()
		w.figures.Faults++
		w.note(m.name, "fault: "+f.name)
		f.strike(w, m)
		w.storm()
	})
}

// victim draws whom a fault befalls: the leader as often as anybody.
func (w *world) victim() *machine {
	if leading := w.leading(); leading != nil && w.rand.IntN(2) == 0 {
		return leading
	}
	return pick(w.rand, w.machines...)
}

// leading is a machine whose node leads, or nil.
func (w *world) leading() *machine {
	for _, m := range w.machines {
		if p := m.process; m.cluster == w.cluster && p != nil && p.replicator != nil && p.replicator.Status().Role == paxos.Leader {
			return m
		}
	}
	return nil
}

// pauseEnd draws how long something stands still: at most until the storm is over.
func (w *world) pauseEnd() moment {
	pause := pick(w.rand, span(w.rand, 0, second), span(w.rand, second, 3*second), span(w.rand, 3*second, 60*second))
	return min(w.now.add(pause), moment(w.plan.storm))
}

// mayLoseDisk reports whether the cluster must survive the loss of a machine's disk: every other disk is whole, and has been for long enough
// that its node is a voter and that it says so itself; and nobody is changing who votes. (A member entry that is chosen, and known to be so on
// the lost disk alone, leaves the majority of before.)
func (w *world) mayLoseDisk(m *machine) bool {
	if w.growing || w.plan.ordered || m.isOutside() {
		return false
	}
	for _, other := range w.machines {
		if other != m && !other.server.isWhole() {
			return false
		}
		if other != m && (other.replaced || other.journal == nil || other.knows < w.check.agreement.changed) {
			return false
		}
	}
	return true
}

func (w *world) newMark() (id changeset.MarkID) {
	for k := range id {
		id[k] = byte(w.rand.Uint32())
	}
	return id
}

// crowd lets all clients ask at once.
func (w *world) crowd() {
	for _, c := range w.clients {
		c.asks()
	}
}

// slowDisk makes a node's disk slow for some seconds.
func (w *world) slowDisk(p *process) {
	p.writer.slow = span(w.rand, 0, 300*millisecond)
	w.during(p.life, span(w.rand, 0, 3*second), func() { p.writer.slow = 0 })
}

// cutMachine cuts a machine off from all others.
func (w *world) cutMachine(m *machine) {
	for k := range w.machines {
		if k != m.number {
			w.network.cut[m.number][k], w.network.cut[k][m.number] = true, true
		}
	}
}

// tear divides the cluster into two parts.
func (w *world) tear(*machine) {
	side := w.rand.Uint64()
	for a := range w.machines {
		for b := range w.machines {
			w.network.cut[a][b] = side>>a&1 != side>>b&1
		}
	}
}

// cutOneWay lets what a machine says not reach another one, which still reaches it.
func (w *world) cutOneWay(m *machine) {
	if to := w.rand.IntN(len(w.machines)); to != m.number {
		w.network.cut[m.number][to] = true
	}
}

// worsen lets more be lost and doubled, and makes everything slower.
func (w *world) worsen(*machine) {
	w.network.loss, w.network.double, w.network.delay = 5+w.rand.IntN(30), w.rand.IntN(20), span(w.rand, millisecond, 100*millisecond)
}
