package sim

import (
	"github.com/baristadb/barista/internal/replicator"
)

var renewalScripts = []script{
	// What is copied is late, and lacks what the own journal has purged and the own server had. The data before it stay until there is a better copy.
	{"a copy of a late follower", func(p *plan) { p.replicator.Retention = 1 }, func(s *scene) {
		leader := s.leader()
		others := s.others(leader)
		damaged, late := others[0], others[1]
		s.modify()
		s.rested()
		late.server.run.life.pausedUntil = s.now.add(500 * second)
		before := late.server.data.applied()
		s.modifyInChunks()
		s.modify()
		last := s.check.order.last()
		s.until("the other has applied both", func() bool { return damaged.server.data.applied() == last })
		s.purges(damaged)
		if floor := damaged.journal.Floor().Position; floor <= uint64(before) {
			s.violated("script", "the floor is at %d, and the late one at %v", floor, before)
		}
		damaged.server.data.damaged = true
		had := damaged.server.data
		s.modify()
		s.until("the late one is copied", func() bool { return damaged.server.kept == had })
		s.until("the leader is copied", func() bool { return damaged.server.kept == nil && damaged.server.data.applied() > before })
		late.server.crash("the server hangs and is killed")
	}},

	// A node is killed in the first recovery of a copy, more than once. It goes on with the copy.
	{"a first recovery that is interrupted", nil, func(s *scene) {
		leader := s.leader()
		killed := s.others(leader)[0]
		s.modify()
		s.rested()
		killed.server.data.damaged = true
		had := killed.server.data
		s.modify()
		for range 3 {
			s.until("the copy begins to recover", func() bool { return killed.server.recovering && killed.process != nil })
			killed.crashProcess("barista is killed")
			if killed.server.kept != had {
				s.violated("script", "the data before the copy are gone")
			}
		}
		s.until("the copy is kept", func() bool { return killed.server.run != nil && killed.server.kept == nil })
		if s.figures.Backups != 1 {
			s.violated("script", "there were %d copies", s.figures.Backups)
		}
		s.rested()
	}},

	// Two nodes without room for a copy beside their data need one at once. One after the other drops what it has.
	{"two need new data, and have no room", nil, func(s *scene) {
		leader := s.leader()
		others := s.others(leader)
		s.modify()
		s.rested()
		for _, m := range others {
			m.server.data.damaged, m.cramped = true, true
		}
		s.modify()
		s.until("one drops its data", func() bool { return s.figures.Drops == 1 })
		s.until("both have new data", func() bool { return s.figures.Drops == 2 && s.unwell() == "" })
	}},

	// The disk of the leader fills up, then those of all, and then there is room again: it hands over; nobody hands over in vain; all is as before.
	{"disks fill up", nil, func(s *scene) {
		first := s.leader()
		first.little, first.packed = true, true
		first.tellRoom()
		s.until("another leads", func() bool { return s.open() != nil && s.open() != first })
		next := s.leader()
		for _, m := range s.machines {
			m.little = true
			m.tellRoom()
		}
		epoch := next.process.replicator.Status().Epoch
		s.pass(30 * second)
		if status := next.process.replicator.Status(); status.Phase != replicator.Open || status.Epoch != epoch {
			s.violated("script", "the leader changes though nobody has room")
		}
		s.away(next)
		first.packed = false
		s.until("one of the others leads", func() bool { return s.open() != nil && s.open() != next })
		s.modify()
		next.boot()
		for _, m := range s.machines {
			m.makeRoom()
		}
		s.rested()
	}},
}
