package sim

import (
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

var brokenScripts = []script{
	// A follower cannot apply, though it can write the states of sequences; the leader dies, and the follower must leave the lead to the third.
	{"a server that cannot apply, and the death of the leader", nil, func(s *scene) {
		leader := s.leader()
		broken, whole := s.others(leader)[0], s.others(leader)[1]
		s.nextval("shop")
		s.modify()
		s.rested()
		broken.server.brokenUntil = everBroken
		s.modify()
		s.pass(3 * second)
		s.away(leader)
		s.untilOpen(whole, broken)
		for range 10 {
			s.modify()
			s.nextval("shop")
			s.pass(5 * second)
			s.untilOpen(whole, broken)
		}
		leader.boot()
	}},

	// A node finds out as the leader that its server cannot apply, though it can write the states of sequences, and must give up.
	{"a new leader whose server cannot apply", nil, func(s *scene) {
		leader := s.leader()
		heir := s.others(leader)[0]
		s.nextval("shop")
		s.modify()
		s.rested()
		heir.server.run.life.pausedUntil = s.now.add(500 * millisecond)
		s.modify()
		leader.process.post(replicator.Transfer{To: heir.process.id})
		s.until("the heir is elected", func() bool { return heir.process.replicator.Status().Phase == replicator.Opening })
		heir.server.brokenUntil = everBroken
		s.until("another one leads", func() bool { open := s.open(); return open != nil && open != heir })
		s.modify()
	}},
}

// untilOpen waits until a machine serves, and objects if meanwhile another one leads that cannot.
func (s *scene) untilOpen(m, broken *machine) {
	s.until(m.name+" leads", func() bool {
		if broken.process.replicator.Status().Role == paxos.Leader {
			s.violated("script", "%s leads, and cannot apply", broken.name)
		}
		return s.open() == m
	})
}
