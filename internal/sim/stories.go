package sim

import "github.com/baristadb/barista/internal/paxos"

// Some faults do harm only in a certain order, which chance alone rarely finds. A story puts them in that order, at some moment of a storm.

// inStorm schedules what happens only if the storm is not over by then.
func (w *world) inStorm(d paxos.Span, do func()) {
	w.after(d, func() {
		if !w.calm {
			do()
		}
	})
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

// leaveBehind is the story in which a leader has to be told what is chosen: a minority is cut off for a moment while the others go on, not all of
// them hear what is chosen, and then the leader dies and the minority is back, to campaign like everybody else.
func (w *world) leaveBehind(*machine) {
	leader := w.leading()
	if leader == nil {
		return
	}
	w.network.heal()
	behind := (len(w.machines) - 1) / 2
	for _, k := range w.rand.Perm(len(w.machines)) {
		if m := w.machines[k]; m != leader && behind > 0 {
			w.cutMachine(m)
			behind--
		}
	}
	end := span(w.rand, 50*millisecond, second)
	w.inStorm(end, func() { w.cutOneWay(leader) })
	w.inStorm(end+span(w.rand, millisecond, 30*millisecond), func() {
		leader.crash("dies while a minority is behind")
		w.network.heal()
	})
}

// leaveGaps is the story in which a new leader finds some of the old one's entries and not those before them: much is lost for a moment, in which
// clients ask for more than one entry holds, and then the leader dies.
func (w *world) leaveGaps(*machine) {
	leader := w.leading()
	if leader == nil {
		return
	}
	w.network.heal()
	w.network.loss = 30 + w.rand.IntN(40)
	w.crowd()
	w.inStorm(span(w.rand, 5*millisecond, 100*millisecond), func() {
		leader.crash("dies while much is lost")
		w.network.loss = w.plan.lossPercent
	})
}

// leaveLeftover is the story of the void rule: a leader is cut off with entries that only it has accepted; another one opens an epoch, and dies when
// it has chosen fewer; the first is back, and whoever leads next adopts what it has.
func (w *world) leaveLeftover(*machine) {
	first := w.leading()
	if first == nil {
		return
	}
	w.network.heal()
	w.crowd()
	w.inStorm(span(w.rand, 0, 10*millisecond), func() { w.cutMachine(first) })
	limit := w.now.add(8 * second)
	var look func()
	look = func() {
		second := w.open()
		switch {
		case second != nil && second != first:
			w.inStorm(span(w.rand, 0, 60*millisecond), func() {
				second.crash("dies when it has hardly led")
				w.network.heal()
			})
		case w.now < limit:
			w.inStorm(5*millisecond, look)
		}
	}
	w.inStorm(100*millisecond, look)
}

// open is a machine whose gate is open, the newest epoch's if there are several; nil if there is none.
func (w *world) open() (newest *machine) {
	for _, m := range w.machines {
		if r := m.server.run; m.cluster == w.cluster && r != nil && !r.closed && (newest == nil || r.epoch > newest.server.run.epoch) {
			newest = m
		}
	}
	return newest
}

// forgetLease is the story in which an acceptor that forgot its lease would do harm: one follower does not hear the leader and asks the others
// to vote for it; then the leader's barista stands still, while its server goes on to serve reads under its lease; and in the same moment the
// others die and are started again at once.
func (w *world) forgetLease(deaf *machine) {
	leader := w.leading()
	if leader == nil || leader == deaf {
		return
	}
	w.network.heal()
	w.network.cut[leader.number][deaf.number] = true
	w.inStorm(span(w.rand, 2*second, 4*second), func() {
		if leader.process == nil {
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
