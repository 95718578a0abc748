package renewal

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// changing is a cluster whose leaders also dismiss voters and let others vote.
type changing struct {
	*cluster
	made int // changes that were chosen
}

func newChanging(r *rand.Rand, size int) *changing {
	return &changing{cluster: newCluster(r, size)}
}

// next is a membership with one voter more or less, as chance has it; its version is another one.
func (c *changing) next(m paxos.Membership, keep string) paxos.Membership {
	name := c.any()
	for _, member := range m.Members {
		if member.Name == name && member.Voter && name != keep && len(m.Voters()) > 1 {
			return m.Remove(member.Node)
		} else if member.Name == name {
			return m
		}
	}
	m = m.AddLearner(name, c.rand.Uint64(), name) // by an entry of its own, which changes no voters
	return m.Promote(m.Members[len(m.Members)-1].Node)
}

// change has a leader ask the voters of a membership, and have that chosen if Change permits.
func (c *changing) change(leader string, judge func(*Leader, paxos.Ballot, paxos.Membership, Answers) string) {
	reign, before := c.ballots[leader], c.members
	decider := c.leaders[leader]
	if reign != c.reign || reign == 0 || c.deciding[decider] {
		return // deposed: none of its entries is chosen any more
	}
	c.deciding[decider] = true
	next := c.next(before, leader)
	answers, waits := Answers{}, 0
	for _, member := range next.Members {
		if !member.Voter {
			continue
		}
		answers[member.Name] = nil
		waits++
		c.flying = append(c.flying, func() {
			if c.rand.IntN(10) > 0 || member.Name == leader {
				told := c.nodes[member.Name].Tell(reign, 9)
				answers[member.Name] = &told
			}
			if waits--; waits > 0 {
				return
			}
			c.deciding[decider] = false
			if c.ballots[leader] != reign || judge(decider, reign, next, answers) != "" {
				return
			}
			c.flying = append(c.flying, func() { // it is chosen later, and permissions are given meanwhile
				if c.reign == reign && c.ballots[leader] == reign && c.members.Version == before.Version {
					c.members, c.views[leader] = next, next
					c.made++
				}
			})
		})
	}
}

// play lets things happen, and returns in how many clusters some majority had no data at all.
func play(clusters int, judge func(*Leader, paxos.Ballot, paxos.Membership, Answers) string) (lost, made, dropped int) {
	r := rand.New(rand.NewPCG(3, 4))
	for range clusters {
		c := newChanging(r, []int{3, 4, 5}[r.IntN(3)])
		for range 600 {
			before := len(c.empty)
			c.happen()
			if r.IntN(6) == 0 {
				c.change(c.any(), judge)
			}
			dropped += max(0, len(c.empty)-before)
			without := 0
			for _, m := range c.members.Members {
				if m.Voter && c.empty[m.Name] {
					without++
				}
			}
			if without >= c.members.Quorum() {
				lost++
				break
			}
		}
		made += c.made
	}
	return lost, made, dropped
}

func TestEachMajorityHoldsEverything(t *testing.T) {
	// Shows that however voters come and go while some drop their data, each majority has one that holds everything, and that it would not be so if nobody
	// looked at what is held before the voters change.
	change := func(l *Leader, reign paxos.Ballot, next paxos.Membership, answers Answers) string {
		return l.Change(reign, next, 9, answers)
	}
	if lost, made, dropped := play(700, change); lost > 0 || made < 1000 || dropped < 500 {
		t.Errorf("in %d clusters a majority had no data; the voters changed %d times, and %d times data were dropped", lost, made, dropped)
	}
	if lost, _, _ := play(100, func(*Leader, paxos.Ballot, paxos.Membership, Answers) string { return "" }); lost == 0 {
		t.Error("a change of the voters that nobody judges harms nothing: the test shows little")
	}
}

func TestChange(t *testing.T) {
	// Shows which voters may stay alone, and that the dead may always be dismissed where the others hold everything.
	holds, busy := &Holding{Holds: true, Durable: 9, Floor: 3}, &Holding{Busy: true, Durable: 9, Floor: 3}
	late := &Holding{Holds: true, Durable: 4}
	for name, c := range map[string]struct {
		left    int // voters of the next membership
		answers Answers
		given   string
		may     bool
	}{
		"the dead of three is dismissed":          {2, Answers{"n1": holds, "n2": holds}, "", true},
		"one of two fetches its data":             {2, Answers{"n1": holds, "n2": busy}, "", true},
		"one of two fetches, the other is silent": {2, Answers{"n1": nil, "n2": busy}, "", false},
		"two of three fetch theirs":               {3, Answers{"n1": holds, "n2": busy, "n3": busy}, "", false},
		"two are permitted to, one says so":       {3, Answers{"n1": holds, "n2": busy, "n3": {Asking: true, Holds: true, Durable: 9}}, "n3", false},
		"one is over again":                       {3, Answers{"n1": holds, "n2": busy, "n3": holds}, "n3", true},
		"one lacks what another has purged":       {3, Answers{"n1": {Holds: true, Durable: 9, Floor: 6}, "n2": busy, "n3": late}, "", false},
		"nobody has purged what one lacks":        {3, Answers{"n1": holds, "n2": busy, "n3": late}, "", true},
		"who is silent may have":                  {3, Answers{"n1": holds, "n2": nil, "n3": late}, "", false},
		"the only one left":                       {1, Answers{"n1": holds}, "", true},
		"the only one left fetches":               {1, Answers{"n1": busy}, "", false},
	} {
		l := &Leader{reign: 7, given: map[string]bool{c.given: true}}
		next := newCluster(rand.New(rand.NewPCG(1, 1)), c.left).members
		if why := l.Change(7, next, 9, c.answers); (why == "") != c.may {
			t.Errorf("%s: %q", name, why)
		}
	}
}

func TestPermissionOfSomebodyWhoLeft(t *testing.T) {
	// Shows that a permission keeps nobody else from one when its node is no member any more, nor while it has no vote.
	cluster := newCluster(rand.New(rand.NewPCG(1, 1)), 4)
	holds := &Holding{Holds: true, Durable: 9}
	three := cluster.members.Remove(4)
	for name, m := range map[string]paxos.Membership{"is no member": three, "has no vote": three.AddLearner("n4", 9, "n4")} {
		l := &Leader{reign: 7, given: map[string]bool{"n4": true}}
		got := l.Give(7, m, "n3", Request{Floor: 5, Drop: true}, Answers{"n1": holds, "n2": holds})
		if got.Refused != "" {
			t.Errorf("somebody who %s has permission: %s", name, got.Refused)
		}
		if l.given["n4"] != (name == "has no vote") {
			t.Error(fmt.Sprint("of who ", name, " it is remembered: ", l.given["n4"]))
		}
	}
}
