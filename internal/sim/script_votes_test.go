package sim

// Mistakes that hardly ever show by chance, since a node that comes back hears what is chosen before it votes.
var voteScripts = []script{
	// A node gets an older copy of its folder, and all others know how far it had come.
	{"an older copy of a folder", nil, func(s *scene) {
		leader := s.leader()
		old := s.others(leader)[0]
		s.modify()
		s.rested()
		c := old.copyDisk()
		s.modify()
		s.rested()
		s.pass(2 * second)
		old.putBack(c)
		s.until("it is disowned, and admitted anew", func() bool { return old.incarnation != c.incarnation })
		s.rested()
	}},

	// Of those who accepted a chosen entry, one knows that it is chosen, and promises; another does not, and votes. Who is elected between them
	// has neither, and is elected before it has fetched it.
	{"a candidate that lacks what is chosen", nil, func(s *scene) {
		leader := s.leader()
		late, other := s.others(leader)[0], s.others(leader)[1]
		s.modify()
		s.rested()
		s.pass(second)
		s.cutMachine(late)
		last := s.begins(&op{kind: modifyOp, keys: []int{1}})
		s.until("it is accepted", func() bool {
			_, ok := s.check.witnesses[other.process.id].accepted[last.proposedAt]
			return ok
		})
		s.network.cut[leader.number][other.number] = true
		s.until("it is committed", func() bool { return last.outcome == committed })
		leader.server.stop() // so that neither of them campaigns
		other.server.stop()
		s.pass(5 * second)
		s.cutMachine(other)
		s.network.cut[late.number][leader.number], s.network.cut[leader.number][late.number] = false, false
		s.until("the late one is elected", func() bool { return s.leading() == late })
		s.network.heal()
		s.cutMachine(leader)
		s.pass(5 * second)
		s.network.heal()
		other.server.keep(other.process)
		leader.server.keep(leader.process)
		s.rested()
	}},

	// Two of three hear only the third, which leads no more for one of them. It is restarted, and both welcome it.
	{"a voter that is restarted under a lease", nil, func(s *scene) {
		leader := s.leader()
		candidate, voter := s.others(leader)[0], s.others(leader)[1]
		s.rested()
		s.network.cut[leader.number][candidate.number] = true
		s.pass(10 * second)
		s.network.cut[candidate.number][leader.number] = true
		for range 10 {
			voter.crashProcess("barista is killed")
			voter.startProcess()
			s.pass(5 * second)
		}
		s.network.heal()
		s.rested()
	}},

	// One of three holds another entry than the others. While one is away nobody can tell which is wrong, and both go on and say so; when that is back,
	// the odd one stops, though it leads.
	{"a log with another entry", nil, func(s *scene) {
		s.modify()
		s.modify()
		s.rested()
		s.pass(second) // until each disk knows that the first is chosen
		odd, third := s.others(s.leader())[0], s.others(s.leader())[1]
		s.away(third)
		odd.misreads = s.check.agreement.head() - 1
		odd.crashProcess("barista is killed")
		s.until("both say that they differ", func() bool {
			return s.differing(odd) == 1 && s.differing(s.others(odd)[0])+s.differing(s.others(odd)[1]) == 1
		})
		s.modify()
		s.handOver(odd)
		s.modify()
		third.boot()
		s.until("the odd one stops", func() bool { return odd.process.replicator.Status().Odd != "" })
		s.modify()
		for _, m := range s.others(odd) {
			if why := m.process.replicator.Status().Odd; why != "" {
				s.violated("script", "%s stopped, too: %s", m.name, why)
			}
		}
		odd.misreads = 0
		odd.crashProcess("barista is killed, and its log is as it was")
		s.rested()
	}},

	// A journal may be purged as far as the middle of a chunked set, and its node is restarted.
	{"a floor beside a chunked set", nil, func(s *scene) {
		leader := s.leader()
		for s.check.agreement.head() < 126 { // the order notes where it stands at every 128th entry
			s.modify()
		}
		s.modifyInChunks()
		s.purges(leader)
		leader.crashProcess("barista is killed")
		s.rested()
	}},
}

// differing is how many others hold something else, as a node knows.
func (s *scene) differing(m *machine) int {
	if m.process == nil || m.process.replicator == nil {
		return 0
	}
	return len(m.process.replicator.Status().Differing)
}
