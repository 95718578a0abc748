package renewal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// a cluster of the test: nodes that lead, ask, die and come back as chance has it, and messages that are late or lost.
type cluster struct {
	rand    *rand.Rand
	members paxos.Membership
	names   []string
	nodes   map[string]*Node
	leaders map[string]*Leader
	empty   map[string]bool // the old data are gone, and the copy is not there
	reign   paxos.Ballot    // the highest so far
	ballots map[string]paxos.Ballot
	views   map[string]paxos.Membership // what a leader takes for the membership
	flying  []func()                    // what is on its way

	deciding map[*Leader]bool // one decision is made at a time
}

func newCluster(r *rand.Rand, size int) *cluster {
	c := &cluster{
		rand: r, members: paxos.FirstMembership("n1", 1, "n1"), nodes: map[string]*Node{}, leaders: map[string]*Leader{},
		empty: map[string]bool{}, ballots: map[string]paxos.Ballot{}, views: map[string]paxos.Membership{}, deciding: map[*Leader]bool{},
	}
	for k := range size {
		name := fmt.Sprintf("n%d", k+1)
		if k > 0 {
			c.members = c.members.AddLearner(name, uint64(k+1), name).Promote(paxos.NodeID(k + 1))
		}
		c.names = append(c.names, name)
		c.nodes[name], c.leaders[name] = &Node{}, &Leader{}
		c.nodes[name].Settle()
	}
	return c
}

func (c *cluster) any() string { return c.names[c.rand.IntN(len(c.names))] }

func (c *cluster) votes(name string) bool {
	return slices.ContainsFunc(c.members.Members, func(m paxos.Member) bool { return m.Name == name && m.Voter })
}

// ask sends a request, which may be lost, and the leader gathers answers at moments of their own.
func (c *cluster) ask(asker string, drop bool) {
	leader := c.any() // it may have been deposed long ago, and not know it
	reign := c.ballots[leader]
	node := c.nodes[asker]
	decider := c.leaders[leader]
	if leader == asker || reign == 0 || node.asking > 0 || c.deciding[decider] {
		return
	}
	c.deciding[decider] = true
	members := c.views[leader]
	node.Ask()
	answers := Answers{}
	waits := 0
	give := func() {
		c.deciding[decider] = false
		if c.ballots[leader] != reign || c.reign != reign {
			return // it leads no more, and knows: its lease is over
		}
		p := decider.Give(reign, members, asker, Request{Floor: 5, Drop: drop}, answers)
		c.flying = append(c.flying, func() {
			if c.nodes[asker] != node || node.asking == 0 {
				return // it has died, or does not wait any more
			}
			if c.rand.IntN(10) == 0 {
				node.Unanswered()
				return
			}
			if err := node.Answered(p); err == nil && drop {
				node.Dropped()
				c.empty[asker] = true
			}
		})
	}
	for _, m := range members.Members {
		name := m.Name
		if name == asker || !m.Voter {
			continue
		}
		answers[name] = nil
		waits++
		c.flying = append(c.flying, func() {
			if c.rand.IntN(10) > 0 {
				told := c.nodes[name].Tell(reign, 9)
				answers[name] = &told
			}
			if waits--; waits == 0 {
				c.flying = append(c.flying, give)
			}
		})
	}
}

// happen lets one thing happen.
func (c *cluster) happen() {
	switch name := c.any(); c.rand.IntN(12) {
	case 0:
		c.ask(name, c.rand.IntN(3) > 0)
	case 1: // it is elected; who led before may not know it yet
		if c.votes(name) {
			c.reign++
			c.ballots[name], c.views[name] = c.reign, c.members
		}
	case 2: // it dies, and comes back
		c.nodes[name], c.leaders[name] = &Node{}, &Leader{}
		delete(c.ballots, name)
		if c.empty[name] {
			c.nodes[name].Begin()
		} else {
			c.nodes[name].Settle()
		}
	case 3: // the copy is complete, or the old data stay after all
		c.nodes[name].Settle()
		delete(c.empty, name)
	default:
		if len(c.flying) > 0 {
			k := c.rand.IntN(len(c.flying))
			do := c.flying[k]
			c.flying = append(c.flying[:k], c.flying[k+1:]...)
			do()
		}
	}
}

func TestMajorityHoldsEverything(t *testing.T) {
	// Whoever asks, leads and dies when, and whatever is late or lost: a majority never drops its data, and no node is refused for ever.
	r := rand.New(rand.NewPCG(1, 2))
	dropped := 0
	for range 2000 {
		c := newCluster(r, []int{2, 3, 5}[r.IntN(3)])
		for range 400 {
			before := len(c.empty)
			c.happen()
			dropped += max(0, len(c.empty)-before)
			if len(c.names)-len(c.empty) < c.members.Quorum() {
				t.Fatalf("of %d nodes %d have dropped their data", len(c.names), len(c.empty))
			}
		}
	}
	if dropped < 1000 {
		t.Errorf("only %d times a node has dropped its data: the test shows little", dropped)
	}
}

func TestGive(t *testing.T) {
	// One of three may be at it, and one of two; data are dropped only where two others hold all that only servers hold.
	holds := &Holding{Holds: true, Durable: 9}
	drop := Request{Floor: 5, Drop: true}
	for name, c := range map[string]struct {
		size    int
		request Request
		answers Answers
		refused string
	}{
		"all hold":              {3, drop, Answers{"n1": holds, "n2": holds}, ""},
		"one is silent, kept":   {3, Request{Floor: 5}, Answers{"n1": holds, "n2": nil}, ""},
		"one is silent":         {3, drop, Answers{"n1": holds, "n2": nil}, "a majority of others must hold everything, and of 3 nodes 1 say that they do; not n2"},
		"one lacks something":   {3, drop, Answers{"n1": holds, "n2": {Holds: true, Durable: 4}}, "a majority of others must hold everything, and of 3 nodes 1 say that they do; not n2"},
		"one is at it":          {3, Request{}, Answers{"n1": holds, "n2": {Busy: true}}, "no more than 1 of 3 nodes may be at it at once, and already are: n2"},
		"two nodes, kept":       {2, Request{}, Answers{"n1": holds}, ""},
		"two nodes":             {2, drop, Answers{"n1": holds}, "a majority of others must hold everything, and of 2 nodes 1 say that they do; not "},
		"of five two may be":    {5, drop, Answers{"n1": holds, "n2": {Busy: true}, "n3": holds, "n4": holds}, ""},
		"of five three may not": {5, drop, Answers{"n1": {Busy: true}, "n2": {Busy: true}, "n3": holds, "n4": holds}, "no more than 2 of 5 nodes may be at it at once, and already are: n1, n2"},
	} {
		cluster := newCluster(rand.New(rand.NewPCG(1, 1)), c.size)
		got := new(Leader).Give(7, cluster.members, fmt.Sprintf("n%d", c.size), c.request, c.answers)
		if got.Refused != c.refused || got.Reign != 7 {
			t.Errorf("%s: %+v; want %q", name, got, c.refused)
		}
	}
}

func TestTwoRequestsOfOneNode(t *testing.T) {
	// Shows that a node which has two requests under way, and the answer to one of them, still says that it asks: else the leader takes the
	// other, which it has permitted, for over, and permits the same to another node.
	c := newCluster(rand.New(rand.NewPCG(1, 1)), 3)
	const reign = 1
	drop := Request{Floor: 5, Drop: true}
	leader, x := c.leaders["n1"], c.nodes["n2"]
	ask := func(asker, other string) Permission {
		own, told := c.nodes["n1"].Tell(reign, 9), c.nodes[other].Tell(reign, 9)
		return leader.Give(reign, c.members, asker, drop, Answers{"n1": &own, other: &told})
	}
	x.Ask()
	x.Ask()
	if x.Answered(Permission{Refused: "not now"}) == nil {
		t.Fatal("a refusal was taken for a permission")
	}
	late := ask("n2", "n3")
	other := ask("n3", "n2")
	if late.Refused != "" || x.Answered(late) != nil {
		t.Fatalf("the second request was refused: %q", late.Refused)
	}
	if other.Refused == "" {
		t.Error("two of three nodes drop their data at once")
	}
}

func TestNodeThatMayNotDropLetsOthers(t *testing.T) {
	// Shows that a node which was permitted to have its data fetched anew, has no room for that, and may not drop them because another one does not
	// hold everything, does not keep that one from having its own fetched.
	c := newCluster(rand.New(rand.NewPCG(1, 1)), 3)
	const reign = 1
	leader, x, y := c.leaders["n1"], c.nodes["n2"], &Node{}
	ask := func(asker string, other *Node, drop bool) Permission {
		own, told := c.nodes["n1"].Tell(reign, 9), other.Tell(reign, 9)
		return leader.Give(reign, c.members, asker, Request{Floor: 5, Drop: drop}, Answers{"n1": &own, map[string]string{"n2": "n3", "n3": "n2"}[asker]: &told})
	}
	x.Ask()
	if err := x.Answered(ask("n2", y, false)); err != nil {
		t.Fatal(err)
	}
	x.Ask()
	if x.Answered(ask("n2", y, true)) == nil {
		t.Fatal("it may drop its data, and one of two others does not hold everything")
	}
	if p := ask("n3", x, false); p.Refused == "" {
		t.Fatal("both may be at it at once")
	}
	x.Keep()
	y.Ask()
	if err := y.Answered(ask("n3", x, false)); err != nil {
		t.Fatal(err)
	}
	y.Settle()
	x.Ask()
	if err := x.Answered(ask("n2", y, true)); err != nil {
		t.Error(err)
	}
}

func TestLearnerKeepsNobodyFromNewData(t *testing.T) {
	// Shows that a node which does not vote, and was permitted to have its data fetched anew, does not keep voters from having theirs: nobody asks
	// it when it is done. Once it votes, and is at it still, it counts.
	c := newCluster(rand.New(rand.NewPCG(1, 1)), 3)
	const reign = 1
	leader := c.leaders["n1"]
	c.members = c.members.AddLearner("n4", 4, "n4")
	give := func(asker string, others ...string) string {
		answers := Answers{}
		for _, name := range others {
			told := c.nodes[name].Tell(reign, 9)
			answers[name] = &told
		}
		return leader.Give(reign, c.members, asker, Request{Floor: 5}, answers).Refused
	}
	learner := &Node{}
	learner.Ask()
	if refused := give("n4", "n1", "n2", "n3"); refused != "" {
		t.Fatal(refused)
	}
	if refused := give("n2", "n1", "n3"); refused != "" {
		t.Errorf("a voter is refused: %s", refused)
	}
	c.nodes["n2"].Settle()
	c.nodes["n4"] = learner
	c.members = c.members.Promote(4)
	if give("n3", "n1", "n2", "n4") == "" {
		t.Error("two of four voters have their data fetched anew at once")
	}
}
