package sim

// Names of the databases in these scripts.
const app, old, next = 0, 1, 2

var sequenceScripts = []script{
	// A node goes on from a floor that lies below a change of names, with the states of sequences that hold above it, under the new names: the
	// renames that it then meets move them once more. (Seed 701960 of v0.1.0.)
	{"states at a floor, and names that change above it", nil, func(s *scene) {
		follower := s.follower()
		s.drawUnevenly()
		s.modifyInChunks()
		s.rename(app, old)
		s.rename(next, app)
		s.modify()
		s.rested()
		if floor := s.purges(follower); floor == 0 {
			s.violated("script", "no floor was taken")
		}
		follower.crash("loses power")
		s.rested()
		s.handOver(follower)
		s.nextval(fairName(old))
		s.nextval(fairName(app))
	}},

	// A server is ahead of its own node's log after a base backup: what that log has to tell of sequences below the server's position is about
	// names that belong to others by then. (Seed 5003548 of v0.1.0.)
	{"states below a base backup, and names that change above them", func(p *plan) { p.replicator.Retention = 1 }, func(s *scene) {
		follower := s.follower()
		s.create(app)
		s.create(old)
		s.rested()
		s.away(follower)
		s.modifyInChunks()
		s.modify()
		for _, m := range s.machines {
			if m != follower && s.purges(m) == 0 {
				s.violated("script", "%s took no floor", m.name)
			}
		}
		for range 2 * sequenceCache {
			s.nextval(fairName(app))
		}
		s.nextval(fairName(old))
		s.drop(old)
		s.rename(app, old)
		s.create(app)
		follower.boot()
		s.rested()
		if s.figures.Backups == 0 {
			s.violated("script", "the follower needed no base backup")
		}
		s.handOver(follower)
		s.nextval(fairName(old))
		s.nextval(fairName(app))
	}},

	// A server loses its last commits, and its node overwrites its sequences with the states that hold after them.
	{"states above a server that lost commits, and names that change below them", func(p *plan) { p.flushEvery = 10000 * second }, func(s *scene) {
		leader := s.leader()
		s.drawUnevenly()
		s.modify()
		s.rested()
		s.purges(leader) // which makes the server flush
		s.rename(app, old)
		s.rename(next, app)
		s.rested()
		leader.server.crash("the server dies")
		s.rested()
		s.handOver(leader)
		s.nextval(fairName(old))
		s.nextval(fairName(app))
	}},
}

// drawUnevenly makes two databases, in one of which far more values are drawn.
func (s *scene) drawUnevenly() {
	s.create(app)
	s.create(next)
	for range 2 * sequenceCache {
		s.nextval(fairName(app))
	}
	s.nextval(fairName(next))
}

// follower is a machine that does not lead.
func (s *scene) follower() *machine { return s.others(s.leader())[0] }
