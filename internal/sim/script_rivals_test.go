package sim

var rivalScripts = []script{
	// A machine is emptied and initialised once more while it is cut off. Both clusters serve. When they meet, the one of one voter stops, and stays
	// stopped when it is started again where it cannot meet anybody; the other goes on, and loses nothing.
	{"a second cluster that meets the first", nil, func(s *scene) {
		first := s.leader()
		second := s.others(first)[0]
		s.modify()
		s.rested()
		s.isolate([]*machine{second})
		second.initialise()
		s.until("both serve", func() bool { return s.open() != nil && second.serves() })
		s.modify()
		s.modifyAt(second)
		s.network.heal()
		s.until("the second stops", func() bool { return second.stopped != "" && !second.serves() })
		if s.figures.Stopped != 1 {
			s.violated("script", "%d nodes stopped", s.figures.Stopped)
		}
		s.modify()
		s.pass(2 * lastPause)
		s.cutMachine(second)
		second.crash("loses power")
		s.until("it is there again", func() bool { return second.server.run != nil })
		s.pass(10 * lastPause)
		if second.serves() {
			s.violated("script", "a node that stopped serves after a restart")
		}
		s.modify()
	}},

	// Two clusters of one node each meet: both stop, and wait for a person.
	{"two clusters that were just initialised", func(p *plan) { p.growing = true }, func(s *scene) {
		first := s.machines[0]
		other := s.machines[1]
		s.away(s.machines[2])
		s.isolate([]*machine{other})
		other.initialise()
		s.until("both serve", func() bool { return first.serves() && other.serves() })
		s.modify()
		s.modifyAt(other)
		s.network.heal()
		s.until("both stop", func() bool { return first.stopped != "" && other.stopped != "" && !first.serves() && !other.serves() })
		s.machines[2].boot()
		s.pass(10 * lastPause)
		if first.serves() || other.serves() {
			s.violated("script", "one serves again")
		}
	}},

	// The second cluster has grown when they meet, and the first has not: that one stops.
	{"a second cluster that has grown", func(p *plan) { p.growing = true }, func(s *scene) {
		first, other, third := s.machines[0], s.machines[1], s.machines[2]
		s.isolate([]*machine{other, third})
		other.initialise()
		s.until("the second has two voters, and both know that", func() bool {
			return third.cluster == other.cluster && third.process.hello().Voters == 2 && other.process.hello().Voters == 2
		})
		s.until("both serve", func() bool { return first.serves() && (other.serves() || third.serves()) })
		s.modifyAt(first)
		s.network.heal()
		s.until("the first stops", func() bool { return first.stopped != "" && !first.serves() })
		s.pass(10 * lastPause)
		if other.stopped != "" || third.stopped != "" {
			s.violated("script", "the larger one stops")
		}
	}},

	// A node's folder is an older copy. It hears so, and reaches nobody then but the leader of another, larger cluster, which would let it in.
	{"a disowned node beside another cluster", func(p *plan) { p.spares = 4 }, func(s *scene) {
		larger := s.machines[3:]
		for _, m := range larger {
			m.spare = false
		}
		s.isolate(larger)
		larger[0].initialise()
		var foreign *machine
		s.until("the second has four voters", func() bool {
			for _, m := range larger {
				if m.serves() && m.process.hello().Voters == 4 {
					foreign = m
				}
			}
			return foreign != nil
		})
		old := s.others(s.leader())[0]
		c := old.copyDisk()
		s.modify()
		s.until("all have it", func() bool { return s.check.order.last() == old.server.data.applied() })
		s.pass(2 * lastPause)
		old.putBack(c)
		s.until("it is disowned", func() bool { return old.process != nil && old.process.rejoiner != nil })
		s.cutMachine(old)
		s.network.cut[old.number][foreign.number], s.network.cut[foreign.number][old.number] = false, false
		s.pass(5 * lastPause)
		s.network.heal()
	}},
}

// serves reports whether a machine's gate is open.
func (m *machine) serves() bool { return m.server.run != nil && !m.server.run.closed }

// modifyAt is a transaction on a machine that leads in its cluster.
func (s *scene) modifyAt(m *machine) {
	o := &op{kind: modifyOp, keys: []int{1}, database: "shop"}
	o.id, o.client, o.door, o.leader, o.began = opID(len(s.ops)+1), s.client, m, m, s.now
	s.ops = append(s.ops, o)
	s.client.op = o
	o.arrive()
	s.until("a transaction ends", func() bool { return o.outcome != pending })
	if o.outcome != committed || o.cluster != m.cluster {
		s.violated("script", "transaction %d was not committed there", o.id)
	}
}
