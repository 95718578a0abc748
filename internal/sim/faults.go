package sim

import (
	"math/rand/v2"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A faultKind is something that happens to a cluster.
type faultKind uint8

const (
	powerFails       faultKind = iota // of one machine
	allPowerFails                     // of all machines at once
	diesBetween                       // a process dies between two things that it does
	processDies                       // barista is killed, and its server with it
	processPauses                     // barista stands still, its server and its clients do not
	machinePauses                     // and its clock goes on
	syncFails                         //
	diskSlow                          //
	serverDies                        // alone
	serverHangs                       // all of it, while barista goes on
	serverClosesGate                  // by itself
	machineCut                        // off from all others
	clusterTorn                       // into two parts
	oneWayCut                         // what one machine says does not reach another one
	networkHeals                      //
	networkWorse                      // more is lost and doubled, and everything is slower
	networkAsBefore                   //
	diskLost                          // with the server's data: the machine joins as a new incarnation
	stepsDown                         // the leader, in good order
	handsOver                         // the leader, to another member
	diesElected                       // a node dies soon after it began to campaign or to lead
	forgetsLease                      // a story: see forgetLease
	memberDismissed                   // by an operator
	memberExpected                    // likewise: it may join, or is recruited
	memberAway                        // a machine is switched off for long
	markWanted                        //
	manyAsk                           // every client at once
	numFaults        = iota
)

// pickFaults draws which faults a run has. Ends of faults, marks and crowds are in every run.
func pickFaults(r *rand.Rand) []faultKind {
	faults := []faultKind{networkHeals, networkHeals, networkAsBefore, markWanted, manyAsk}
	for kind := range faultKind(numFaults) {
		for range r.IntN(4) { // none as often as not to leave room for the others
			faults = append(faults, kind)
		}
		if r.IntN(2) == 0 {
			for len(faults) > 5 && faults[len(faults)-1] == kind {
				faults = faults[:len(faults)-1]
			}
		}
	}
	return faults
}

// storm lets faults happen until the world calms down.
func (w *world) storm() {
	w.after(span(w.rand, 0, 2*w.plan.faultEvery), func() {
		if !w.calm {
			w.strike(pick(w.rand, w.plan.faults...), w.victim())
			w.storm()
		}
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
		if p := m.process; p != nil && p.replicator != nil && p.replicator.Status().Role == paxos.Leader {
			return m
		}
	}
	return nil
}

func (w *world) strike(kind faultKind, m *machine) {
	w.figures.Faults++
	w.note(m.name, "fault", uint64(kind))
	switch kind {
	case powerFails:
		m.crash("loses power")
	case allPowerFails:
		for _, m := range w.machines {
			m.crash("loses power with all others")
		}
	case machinePauses:
		m.power.pausedUntil = w.pauseEnd()
	case machineCut, clusterTorn, oneWayCut, networkHeals, networkWorse, networkAsBefore:
		w.strikeNetwork(kind, m)
	case diskLost:
		if !w.plan.ordered && w.mayLoseDisk(m) {
			m.replace("loses its disk")
		}
	case forgetsLease:
		w.forgetLease()
	case memberDismissed, memberExpected, memberAway:
		w.strikeMembership(kind, m)
	case manyAsk:
		for _, c := range w.clients {
			c.asks()
		}
	default:
		if m.process != nil && m.process.replicator != nil {
			w.strikeProcess(kind, m.process)
		}
	}
}

// pauseEnd draws how long something stands still: at most until the storm is over.
func (w *world) pauseEnd() moment {
	pause := pick(w.rand, span(w.rand, 0, second), span(w.rand, second, 3*second), span(w.rand, 3*second, 60*second))
	return min(w.now.add(pause), moment(w.plan.storm))
}

func (w *world) strikeNetwork(kind faultKind, m *machine) {
	n := &w.network
	switch kind {
	case machineCut:
		for k := range w.machines {
			if k != m.number {
				n.cut[m.number][k], n.cut[k][m.number] = true, true
			}
		}
	case clusterTorn:
		n.heal()
		side := w.rand.Uint64()
		for a := range w.machines {
			for b := range w.machines {
				n.cut[a][b] = side>>a&1 != side>>b&1
			}
		}
	case oneWayCut:
		if to := w.rand.IntN(len(w.machines)); to != m.number {
			n.cut[m.number][to] = true
		}
	case networkHeals:
		n.heal()
	case networkWorse:
		n.loss, n.double, n.delay = 5+w.rand.IntN(30), w.rand.IntN(20), span(w.rand, millisecond, 100*millisecond)
	case networkAsBefore:
		n.loss, n.double, n.delay = w.plan.lossPercent, w.plan.doublePercent, w.plan.delay
	}
}

func (w *world) strikeProcess(kind faultKind, p *process) {
	m := p.machine
	switch kind {
	case diesBetween:
		p.dieIn = 1 + w.rand.IntN(40)
	case processDies:
		m.crashProcess("barista is killed")
	case processPauses:
		p.life.pausedUntil = w.pauseEnd()
	case syncFails:
		p.writer.fails = true
	case diskSlow:
		p.writer.slow = span(w.rand, 0, 300*millisecond)
		w.during(p.life, span(w.rand, 0, 3*second), func() { p.writer.slow = 0 })
	case serverDies:
		m.server.crash("the server dies")
	case serverHangs:
		if m.server.run != nil {
			m.server.run.life.pausedUntil = w.pauseEnd()
		}
	case serverClosesGate:
		if m.server.run != nil {
			m.server.run.failGate()
		}
	case stepsDown:
		p.post(replicator.StepDown{})
	case handsOver:
		heir := pick(w.rand, append(w.check.agreement.members.Voters(), 0)...)
		p.post(replicator.Transfer{To: heir})
	case diesElected:
		w.dieElected(p)
	case markWanted:
		var id changeset.MarkID
		for k := range id {
			id[k] = byte(w.rand.Uint32())
		}
		p.post(replicator.MarkRequested{ID: id})
	}
}

// dieElected waits until a node campaigns or leads with a ballot that it has not now, and lets it die soon after.
func (w *world) dieElected(p *process) {
	before := p.replicator.Status()
	limit := w.now.add(10 * second)
	var look func()
	look = func() {
		s := p.replicator.Status()
		switch {
		case s.Role != paxos.Follower && (s.Role != before.Role || s.Ballot != before.Ballot):
			p.dieIn = 1 + w.rand.IntN(25)
		case w.now < limit && !w.calm:
			w.during(p.life, 5*millisecond, look)
		}
	}
	look()
}

// forgetLease is a story in which an acceptor that forgot its lease would do harm: one follower does not hear the leader and asks the others
// to vote for it; then the leader's barista stands still, while its server goes on to serve reads under its lease; and in the same moment the
// others die and are started again at once.
func (w *world) forgetLease() {
	leader, deaf := w.leading(), pick(w.rand, w.machines...)
	if leader == nil || leader == deaf {
		return
	}
	w.network.heal()
	w.network.cut[leader.number][deaf.number] = true
	w.after(span(w.rand, 2*second, 4*second), func() {
		if w.calm || leader.process == nil {
			return
		}
		leader.process.life.pausedUntil = min(w.now.add(3*second), moment(w.plan.storm))
		for _, m := range w.machines {
			if m != leader && m != deaf && m.process != nil {
				m.crashProcess("dies, and is started again at once")
				m.downUntil = w.now.add(span(w.rand, millisecond, 100*millisecond))
				w.at(m.downUntil, m.startProcess)
			}
		}
	})
}

// mayLoseDisk reports whether the cluster must survive the loss of a machine's disk: every other disk is whole and has been for long enough
// that its node is a voter.
func (w *world) mayLoseDisk(m *machine) bool {
	if w.growing {
		return false
	}
	for _, other := range w.machines {
		if other.replaced || other.journal == nil {
			return false
		}
	}
	return true
}
