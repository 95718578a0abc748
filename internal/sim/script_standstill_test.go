package sim

import (
	"slices"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

var standstillScripts = []script{
	// A leader has adopted entries that it lacks, and before it has heard that they are chosen all others have purged them: nobody votes for
	// them any more, and nobody can give them. (Seed 5020257 of v0.1.0.)
	{"the leader lacks what all others have purged", func(p *plan) {
		p.replicator.Retention, p.replicator.MaxPipeline, p.replicator.MaxBatchSets, p.sync = 1, 8, 1, 100*millisecond
	}, func(s *scene) {
		first := s.leader()
		others := s.others(first)
		blank, copied := others[0], others[1]
		s.modify()
		s.rested()
		s.cutMachine(blank)

		// Only the first leader knows that these are chosen; the last of them stands behind a place for a floor.
		chunked := s.begins(&op{kind: modifyOp, keys: []int{1}, pieces: make([][]byte, 2)})
		s.until("the last part is proposed", func() bool { return chunked.proposedAt != 0 })
		behind := s.begins(&op{kind: modifyOp, keys: []int{2}})
		s.until("another one behind it is about to be accepted", func() bool {
			heard := s.check.witnesses[copied.process.id]
			_, before := heard.accepted[chunked.proposedAt]
			_, ok := heard.accepted[behind.proposedAt]
			return ok && (before || heard.chosenTo >= chunked.proposedAt)
		})
		s.network.cut[first.number][copied.number] = true
		s.until("both are committed", func() bool { return chunked.outcome == committed && behind.outcome == committed })
		s.pass(second)
		if floor := s.purges(first); floor != chunked.proposedAt {
			s.violated("script", "%s has a floor at %d, not at %d", first.name, floor, chunked.proposedAt)
		}
		s.away(first)

		copied.server.stop()
		s.network.heal()
		s.until("the one without them is elected", func() bool { return s.leading() == blank })
		s.network.cut[blank.number][copied.number] = true
		first.boot()
		copied.server.keep(copied.process)
		s.until("the floor is the other's, too", func() bool { return copied.journal.Floor().Index >= chunked.proposedAt })
		s.network.heal()
	}},

	// A node leads, adopts an entry by which it is no member any more, and is gone: whoever is left has accepted that, and never hears that it is
	// chosen. (Seed 6003284 of v0.1.0.)
	{"the last but one removes itself", func(p *plan) { p.sync = 50 * millisecond }, func(s *scene) {
		first := s.leader()
		others := s.others(first)
		s.dismiss(others[0])
		s.until("the first is no member any more", func() bool { return len(s.check.agreement.members.Members) == 2 })
		s.pass(5 * second)

		leader := s.leader()
		last := others[1]
		if last == leader {
			last = first
		}
		s.dismiss(last)
		s.until("it is to be no member", func() bool { return s.proposesMembers(leader) })
		s.cutMachine(leader)
		s.pass(second)
		leader.server.stop()
		s.pass(5 * second)
		s.network.heal()
		s.until("it leads", func() bool { return s.leading() == last })
		s.until("it proposes that it is no member", func() bool { return s.proposesMembers(last) })
		s.until("the other accepts that", func() bool {
			return slices.ContainsFunc(leader.journal.Accepted(), func(e paxos.Entry) bool { return e.Ballot.Node() == last.process.id })
		})
		s.network.cut[last.number][leader.number] = true
		s.pass(2 * second)
		s.network.heal()
		leader.server.keep(leader.process)
	}},
}

// others are the machines but one.
func (s *scene) others(m *machine) (others []*machine) {
	for _, other := range s.machines {
		if other != m {
			others = append(others, other)
		}
	}
	return others
}

// dismiss has an operator remove a member for good.
func (s *scene) dismiss(m *machine) { s.order(10*second, replicator.Dismiss{Name: m.name}) }

// proposesMembers reports whether a node has a member entry of its own in flight.
func (s *scene) proposesMembers(m *machine) bool {
	for i, v := range s.check.witnesses[m.process.id].accepted {
		if v.Kind == paxos.KindMember && i > s.check.agreement.head() {
			return true
		}
	}
	return false
}

// stop ends the server until it is kept again.
func (s *server) stop() {
	s.kill()
	s.machine.process.post(replicator.ServerLost{})
}
