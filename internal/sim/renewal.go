package sim

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/renewal"
	"github.com/baristadb/barista/internal/replicator"
)

// What node.renewing and node.permissions do, on virtual time: which data a machine has, and who may have them fetched anew. The rules of the
// permission are the product's own.

// permissions are what a process knows of its own data, and what it has permitted as the leader. Both die with it.
type permissions struct {
	own      renewal.Node
	asked    uint64 // questions so far
	awaited  uint64 // the question that is under way; 0 = none is
	leader   renewal.Leader
	deciding bool
}

// Limits of questions, as the product has them.
const (
	permissionLimit = 5 * second
	holdingLimit    = 2 * second
	askAgain        = 3 * second
	lookEvery       = second
	damagedTries    = 3
)

// tooLate is the reason of a server that no journal can bring up to date.
const tooLate = "is behind every log"

// lookAfterServer asks for the data to be fetched anew when the server does not get on with them.
func (p *process) lookAfterServer() {
	w, s := p.world, p.machine.server
	next := lookEvery
	if why := p.ailment(); why != "" && s.why == "" && s.run != nil {
		next = askAgain
		p.askPermission(false, func(given bool) {
			switch {
			case given && s.run != nil:
				s.renew(why)
			case given:
				s.why = why // it is being started
			}
		})
	}
	w.during(p.life, next, p.lookAfterServer)
}

func (p *process) ailment() string {
	s := p.replicator.Status()
	switch {
	case s.Failing.Times >= damagedTries && s.Failing.Code == damagedCode:
		return "meets a damaged page"
	case s.Outgrown:
		return "keeps the journal above its limit"
	}
	return ""
}

// askPermission asks whoever this node takes for the leader. then hears of it once, unless the process dies before.
func (p *process) askPermission(drop bool, then func(given bool)) {
	w, q := p.world, &p.permissions
	if q.awaited != 0 {
		return // one at a time
	}
	q.asked++
	ticket := q.asked
	q.awaited = ticket
	q.own.Ask()
	end := func(answer *renewal.Permission) {
		if q.awaited != ticket {
			return
		}
		q.awaited = 0
		given := false
		if answer == nil {
			q.own.Unanswered()
		} else {
			given = q.own.Answered(*answer) == nil
		}
		if given {
			w.figures.Permissions++
		}
		then(given)
	}
	w.during(p.life, permissionLimit, func() { end(nil) })
	leader, known := p.knows(p.replicator.Status().Leader)
	if !known || leader.Name == p.machine.name {
		return
	}
	request := renewal.Request{Floor: p.journal.Floor().Index, Drop: drop}
	p.call(w.machineNamed(leader.Name), func(at *process, back func(func())) {
		at.decide(p.machine.name, request, func(answer renewal.Permission) { back(func() { end(&answer) }) })
	})
}

// call does something at a peer, which may call back; either way it may be lost.
func (p *process) call(peer *machine, do func(at *process, back func(func()))) {
	w := p.world
	w.after(w.hop(), func() {
		at := peer.process
		if at == nil || at.cluster != p.cluster || at.replicator == nil || !w.network.joined(p.machine, peer) {
			return
		}
		w.live(at.life, func() {
			do(at, func(then func()) {
				w.after(w.hop(), func() {
					if w.network.joined(peer, p.machine) {
						w.live(p.life, then)
					}
				})
			})
		})
	})
}

// decide asks all other voters, and gives permission or refuses.
func (p *process) decide(asker string, request renewal.Request, answer func(renewal.Permission)) {
	before := p.replicator.Status()
	if p.permissions.deciding || before.Phase != replicator.Open || before.Suspended {
		answer(renewal.Permission{Refused: "not now"})
		return
	}
	p.permissions.deciding = true
	answers := p.gather(before.Members, asker, before.Epoch)
	p.world.during(p.life, span(p.world.rand, 10*millisecond, holdingLimit), func() {
		p.permissions.deciding = false
		answers := copyOf(answers) // what comes later is too late
		if after := p.replicator.Status(); after.Phase != replicator.Open || after.Suspended || after.Epoch != before.Epoch {
			answer(renewal.Permission{Refused: "not any more"})
			return
		}
		answer(p.permissions.leader.Give(before.Epoch, before.Members, asker, request, answers))
	})
}

// gather asks every voter of a membership but one.
func (p *process) gather(members paxos.Membership, but string, reign paxos.Ballot) renewal.Answers {
	answers := renewal.Answers{}
	for _, m := range members.Members {
		switch {
		case !m.Voter || m.Name == but:
		case m.Name == p.machine.name:
			told := p.tell(reign)
			answers[m.Name] = &told
		default:
			answers[m.Name] = nil
			p.call(p.world.machineNamed(m.Name), func(at *process, back func(func())) {
				told := at.tell(reign)
				back(func() { answers[m.Name] = &told })
			})
		}
	}
	return answers
}

func (p *process) tell(reign paxos.Ballot) renewal.Holding {
	told := p.permissions.own.Tell(reign, p.replicator.Status().DurableTo)
	told.Floor = p.journal.Floor().Index
	return told
}

// survey finds out what the voters would hold if the membership changed.
func (p *process) survey(s replicator.Survey) {
	before := p.replicator.Status()
	if p.permissions.deciding {
		p.world.during(p.life, holdingLimit, func() { p.survey(s) })
		return
	}
	p.permissions.deciding = true
	answers := p.gather(s.Next, "", before.Epoch)
	p.world.during(p.life, span(p.world.rand, 10*millisecond, holdingLimit), func() {
		p.permissions.deciding = false
		answers := copyOf(answers)
		if after := p.replicator.Status(); after.Phase != replicator.Open || after.Suspended || after.Epoch != before.Epoch {
			return
		}
		refused := p.permissions.leader.Change(before.Epoch, s.Next, before.DurableTo, answers)
		p.post(replicator.Surveyed{Ticket: s.Ticket, Refused: refused})
	})
}

func copyOf(answers renewal.Answers) renewal.Answers {
	copied := renewal.Answers{}
	for name, told := range answers {
		copied[name] = told
	}
	return copied
}

// renew ends the server: its data are fetched anew.
func (s *server) renew(why string) {
	p, w := s.machine.process, s.machine.world
	w.note(s.machine.name, "server "+why)
	s.kill()
	s.why = why
	p.post(replicator.ServerLost{})
	s.keepIn(p, span(w.rand, 10*millisecond, 300*millisecond))
}

// provide gets data: beside those that are there, or, where a machine has no room for both, in their place, if that is permitted.
func (s *server) provide(p *process) {
	w := s.machine.world
	again := func() { s.keepIn(p, span(w.rand, second, askAgain)) }
	if !s.machine.cramped || s.data == nil && s.kept == nil {
		s.fetch(p)
		return
	}
	if p.permissions.awaited != 0 {
		again()
		return
	}
	chain := s.chain
	p.askPermission(true, func(given bool) {
		if s.chain != chain {
			return
		}
		if !given {
			again()
			return
		}
		p.permissions.own.Dropped()
		s.data, s.kept, s.dropped = nil, nil, true
		w.figures.Drops++
		w.note(s.machine.name, "drops its data")
		p.cluster.check.drops(s)
		s.fetch(p)
	})
}

// take puts a copy in the place of the data. These are kept, or if it is already a copy that has not proved its worth, those before.
func (s *server) take(copied *data) {
	if s.kept == nil {
		s.kept = s.data
	}
	s.data, s.copied, s.why, s.brokenUntil = copied, true, "", 0
	s.data.fresh = true
}

// keepsAnyCopy lets the data before a copy go before anybody knows what the copy holds.
const keepsAnyCopy = "any copy is kept"

// settle lets the data before the copy go, when the replicator has found that the copy holds all that the journal has purged.
func (s *server) settle(r *run) {
	p := r.process
	if p.replicator.Status().Server != r.start && !planted(keepsAnyCopy) {
		r.during(20*millisecond, func() { s.settle(r) })
		return
	}
	p.permissions.own.Settle()
	if s.kept != nil {
		p.cluster.check.settles(s)
	}
	s.kept, s.dropped = nil, false
}

// holdsTo is the position up to which a machine's disk holds everything that servers hold.
func (s *server) holdsTo() (to changeset.Position) {
	for _, d := range []*data{s.data, s.kept} {
		if d != nil {
			to = max(to, d.flushedPosition())
		}
	}
	return to
}

// drops: in each majority of the voters there is one that has its data or those before. (When the permission was given there were more; but a voter may
// have left since.)
func (c *checkers) drops(dropped *server) {
	voters, without := 0, 0
	for _, m := range c.world.machines {
		member, ok := c.agreement.members.FindName(m.name, m.incarnation)
		if !ok || !member.Voter {
			continue
		}
		voters++
		if m.server.data == nil && m.server.kept == nil {
			without++
		}
	}
	if quorum := c.agreement.members.Quorum(); without >= quorum {
		c.world.violated("data", "%s drops its data, and then %d of %d voters have none", dropped.machine.name, without, voters)
	}
}

// holds: however the voters change, each majority has one that did not drop its data.
func (c *checkers) holds(i paxos.Index) {
	dropped := 0
	for _, m := range c.world.machines {
		if member, _ := c.agreement.members.FindName(m.name, m.incarnation); member.Voter && m.server.dropped {
			dropped++
		}
	}
	if dropped >= c.agreement.members.Quorum() {
		c.world.violated("data", "the members change at index %d, and then %d of %d voters have dropped their data", i, dropped, len(c.agreement.members.Voters()))
	}
}

// settles: a copy takes the place of data for good only if it holds what their node's journal does not have any more.
func (c *checkers) settles(s *server) {
	if floor := s.machine.journal.Floor().Position; uint64(s.data.flushedPosition()) < floor {
		c.world.violated("data", "%s keeps a copy up to %v, and its journal begins at %v",
			s.machine.name, s.data.flushedPosition(), changeset.Position(floor))
	}
}

// damagedCode is what a server says that meets a damaged page.
const damagedCode = "XX001"

// damage harms the data of a follower: what is agreed on from now on cannot be applied to them. The harm is over when it leads (see openGate): a
// leader's sessions are told by PostgreSQL, and others could copy nothing from it.
func (w *world) damage(m *machine) {
	if m.server.data != nil && !m.isOutside() && m != w.leading() && w.leavesMajority(m) {
		w.note(m.name, "its data are damaged")
		m.server.data.damaged = true
	}
}

// leavesMajority reports whether a majority of the voters have whole data without a machine's: somebody must be able to lead, and to be copied.
func (w *world) leavesMajority(m *machine) bool {
	members, whole := w.check.agreement.members, 0
	for _, other := range w.machines {
		member, _ := members.FindName(other.name, other.incarnation)
		if other != m && member.Voter && !other.outdated && other.server.isWhole() {
			whole++
		}
	}
	return whole >= members.Quorum()
}

// isWhole reports whether a server's data need no copy of others, whichever journal they go on with.
func (s *server) isWhole() bool {
	d := s.data
	if d == nil || d.damaged || d.fresh || s.kept != nil || s.why != "" {
		return false
	}
	for _, m := range s.machine.world.machines {
		if m.journal != nil && uint64(d.applied()) < m.journal.Floor().Position {
			return false
		}
	}
	return true
}

// cramp leaves a machine no room for a copy beside its data.
func (w *world) cramp(m *machine) { m.cramped = true }

// findData looks what a process finds of its data when it starts.
func (p *process) findData() {
	p.machine.server.why = ""
	if p.machine.server.data == nil {
		p.permissions.own.Begin()
	}
}
