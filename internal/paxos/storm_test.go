package paxos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
)

var (
	stormSeed  = flag.Uint64("storm.seed", 0, "replay this one seed of the storm")
	stormSeeds = flag.Uint64("storm.seeds", 12, "how many seeds of the storm")
)

func TestStorm(t *testing.T) {
	// Shows that whatever is lost, doubled, delayed, crashed or cut off, with
	// disks that forget what they did not sync and clocks that differ, an index
	// never gets two values, what is chosen stays, no two nodes hold a lease at
	// one time, and all nodes agree once the storm is over.
	for _, kind := range []struct {
		name     string
		size     int
		changes  bool
		protocol Protocol
	}{{"three", 3, false, Multi}, {"five", 5, false, Multi}, {"changing", 3, true, Multi}, {"basic", 3, true, Basic}} {
		t.Run(kind.name, func(t *testing.T) {
			for seed := range *stormSeeds {
				if *stormSeed != 0 {
					seed = *stormSeed
				}
				s := newStorm(seed, kind.size, kind.changes, kind.protocol)
				if err := s.run(20000); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				t.Logf("seed %d: %d entries chosen, %d reigns, membership %d", seed, len(s.net.chosen), len(s.reigns), s.latest.Version)
				if *stormSeed != 0 {
					return
				}
			}
		})
	}
}

// A storm does things to a network, all of them drawn from one seed.
type storm struct {
	net      *network
	rand     *rand.Rand
	changes  bool // of membership too
	nextTick map[NodeID]Instant
	paused   map[NodeID]Instant // until then the process does not run
	reigns   map[Ballot]bool
	latest   Membership // the newest that anybody knows
	words    int
	quiet    bool // nobody proposes: only then can the membership change
	disk     int  // how many of a hundred syncs that could happen do
	loss     int  // how many of a hundred packets are lost; as many come twice
}

func newStorm(seed uint64, size int, changes bool, protocol Protocol) *storm {
	s := &storm{
		net: newNetworkWithRuns(size, protocol), rand: rand.New(rand.NewPCG(seed, 7)), changes: changes,
		nextTick: make(map[NodeID]Instant), paused: make(map[NodeID]Instant), reigns: make(map[Ballot]bool),
	}
	s.disk, s.loss = 5+s.rand.IntN(95), s.rand.IntN(12)
	s.net.lazyDisk = true
	s.net.starts = seed << 20
	if !changes {
		s.net.fixed = size
	}
	s.latest = s.net.machines[0].node.Members()
	return s
}

// run lets the storm rage for a number of steps, then calms it. What a checker
// or an invariant finds comes as an error.
func (s *storm) run(steps int) (err error) {
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("%v\n%s", found, debug.Stack())
		}
	}()
	for range steps {
		s.passTime()
		s.act()
	}
	return s.calm()
}

// passTime moves all clocks, each at its own rate, and ticks the nodes whose
// tick is due.
func (s *storm) passTime() {
	step := Span(s.rand.Int64N(int64(10 * ms)))
	s.net.now = s.net.now.Add(step)
	for _, m := range s.net.machines {
		if m.rate == 0 {
			m.rate = s.rand.Int64N(98000) - 49000 // just within the drift
		}
		m.skew += step * Span(m.rate) / 1e6
		if s.net.now >= s.nextTick[m.id] && s.runs(m) {
			s.nextTick[m.id] = s.net.now.Add(80*ms + Span(s.rand.Int64N(int64(40*ms))))
			s.net.on(m, func(n *Node, now Instant) { n.Tick(now) })
		}
		s.watch(m)
	}
}

func (s *storm) runs(m *machine) bool { return m.node != nil && s.net.now >= s.paused[m.id] }

// watch notes what a node has become.
func (s *storm) watch(m *machine) {
	if m.node == nil {
		return
	}
	if d := m.node.Disowned(); d != nil {
		panic(fmt.Sprintf("node %d has forgotten nothing and is disowned: %+v", m.id, *d))
	}
	if m.node.Role() == Leader {
		s.reigns[m.node.Ballot()] = true
	}
	if members := m.node.Members(); members.Version > s.latest.Version {
		s.latest = members
		s.staff()
	}
}

// staff starts the machines of new members, and takes those of former members
// away with their disks.
func (s *storm) staff() {
	for _, member := range s.latest.Members {
		if s.net.machine(member.Node) == nil {
			s.net.add(member.Node, Membership{})
		}
	}
	for _, m := range s.net.machines {
		if _, ok := s.latest.Find(m.id); !ok && m.node != nil && s.rand.IntN(2) == 0 {
			m.crash(0)
			m.disk, m.durable = nil, 0
			s.paused[m.id] = 1 << 62
		}
	}
}

// act does one thing.
func (s *storm) act() {
	w, r := s.net, s.rand
	m := w.machines[r.IntN(len(w.machines))]
	if !s.runs(m) {
		if m.node == nil && s.net.now >= s.paused[m.id] && r.IntN(20) == 0 {
			w.start(m)
			w.pump(m)
		}
		return
	}
	switch dice := r.IntN(1000); {
	case dice < 550:
		s.packet()
	case dice < 700:
		if len(m.pending) > 0 && r.IntN(100) < s.disk {
			w.sync(m, 1+r.IntN(len(m.pending)))
			w.pump(m)
		}
	case dice < 900 && !s.quiet:
		s.propose()
	case dice < 930:
		w.on(m, func(n *Node, now Instant) { n.FlushLearn(now) })
	case dice < 942:
		s.rush(m)
	case dice < 960:
		s.changeMembers()
	case dice < 970:
		m.purge(m.floor.Index + Index(r.IntN(1+int(m.last()-m.floor.Index))))
		w.pump(m)
	case dice < 976:
		s.crash(m)
	case dice < 980:
		s.paused[m.id] = w.now.Add(Span(r.Int64N(int64(3000 * ms))))
	case dice < 986:
		w.cut[[2]NodeID{m.id, w.pick(r).id}] = true
	case dice < 992:
		clear(w.cut)
	case dice < 995:
		s.quiet = s.changes && !s.quiet
	case dice < 998:
		w.on(m, func(n *Node, now Instant) {
			if r.IntN(3) == 0 {
				n.Resign(now)
			} else {
				n.Release(now, NodeID(r.IntN(4)))
			}
		})
	default:
		w.on(m, func(n *Node, now Instant) { n.SetElectable(r.IntN(4) > 0) })
	}
}

// packet delivers some packets, mostly in order, and loses or doubles a few.
func (s *storm) packet() {
	w, r := s.net, s.rand
	for range 1 + r.IntN(12) {
		if len(w.queue) == 0 {
			return
		}
		i := 0
		if r.IntN(4) == 0 {
			i = r.IntN(len(w.queue))
		}
		p := w.take(i)
		dice := r.IntN(100)
		if dice < s.loss || len(w.queue) > 300 && dice < 50 {
			continue
		}
		if dice < 2*s.loss {
			w.queue = append(w.queue, p)
		}
		if m := w.machine(p.to); !s.runs(m) {
			if m.node != nil {
				w.queue = append(w.queue, p)
			}
			continue
		}
		w.deliver(p)
	}
}

// propose lets whoever leads propose.
func (s *storm) propose() {
	for _, m := range s.net.machines {
		if !s.runs(m) || m.node.Role() != Leader {
			continue
		}
		values := []Value{}
		for range 1 + s.rand.IntN(3) {
			s.words++
			values = append(values, Value{Kind: KindChangeSets, Body: fmt.Appendf(nil, "word %d", s.words)})
		}
		s.net.on(m, func(n *Node, now Instant) { n.Propose(now, values...) })
	}
}

// crash stops a node; its disk keeps what was synced and perhaps a little more.
func (s *storm) crash(m *machine) {
	m.crash(s.rand.IntN(3))
	s.paused[m.id] = s.net.now.Add(Span(s.rand.Int64N(int64(2000 * ms))))
}

// rush makes a node begin phase 1 without asking first, as one does whose
// question was answered long ago.
func (s *storm) rush(m *machine) {
	s.net.on(m, func(n *Node, _ Instant) {
		if n.Role() == Follower && n.isVoter(n.cfg.ID) && n.mayPromise(n.cfg.ID) {
			n.campaign()
			n.prepare()
		}
	})
}

// changeMembers lets whoever leads add, promote or remove somebody.
func (s *storm) changeMembers() {
	if !s.changes {
		return
	}
	for _, m := range s.net.machines {
		if !s.runs(m) || m.node.Role() != Leader {
			continue
		}
		members := m.node.Members()
		next := members
		someone := members.Members[s.rand.IntN(len(members.Members))]
		switch {
		case !someone.Voter:
			next = members.Promote(someone.Node)
		case len(members.Members) < 5 && s.rand.IntN(2) == 0:
			next = members.AddLearner("new", uint64(members.Next), "")
		case len(members.Voters()) > 2:
			next = members.Remove(someone.Node)
		}
		if next.Version != members.Version {
			s.net.on(m, func(n *Node, now Instant) { n.Propose(now, MemberValue(next)) })
		}
	}
}

// calm ends the storm: everything runs and is connected. Within a minute all
// members must agree, and choose something new.
func (s *storm) calm() error {
	w := s.net
	clear(w.cut)
	clear(s.nextTick)
	w.lazyDisk = false
	for _, m := range w.machines {
		if s.paused[m.id] < 1<<62 {
			s.paused[m.id] = 0
			if m.node == nil {
				w.start(m)
			}
			m.node.SetElectable(true)
		}
	}
	goal := w.highest() + 1
	for range 600 {
		for _, m := range w.machines {
			s.watch(m)
			if m.node != nil {
				w.sync(m, len(m.pending))
				w.pump(m)
			}
		}
		w.tick()
		w.settle()
		s.propose()
		if s.agreed(goal) {
			return nil
		}
	}
	return fmt.Errorf("after a calm minute not all members have index %d", goal)
}

// agreed reports whether all members have an index and are of one membership.
func (s *storm) agreed(goal Index) bool {
	return !slices.ContainsFunc(s.latest.Members, func(member Member) bool {
		m := s.net.machine(member.Node)
		return m.node.ChosenTo() < goal || m.node.Members().Version != s.latest.Version
	})
}

// highest is the last index that anybody knows to be chosen.
func (w *network) highest() Index {
	var highest Index
	for i := range w.chosen {
		highest = max(highest, i)
	}
	return highest
}
