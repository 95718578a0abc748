package replicator

import (
	"math/rand/v2"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// A node whose server has long applied nothing, though there is something to apply, does not campaign; it does when the server goes on.
func TestStalledServerKeepsItsNodeFromCampaigning(t *testing.T) {
	c := newCluster(t, 3)
	c.run(6e9, 1)
	leader := c.leader()
	if leader == nil {
		t.Fatal("nobody leads")
	}
	var others []*testNode
	for _, n := range c.nodes[1:] {
		if n != leader {
			n.stuck = true
			others = append(others, n)
		}
	}
	c.run(12e9, 1)
	c.crash(leader)
	c.run(8e9, 1)
	for _, n := range others {
		if n.r.phase != Following {
			t.Errorf("node %d is %v with a server that stands still", n.id, n.r.phase)
		}
	}
	others[0].stuck = false
	c.run(6e9, 1)
	if c.leader() != others[0] {
		t.Errorf("the node whose server goes on does not lead: %+v", others[0].r.Status())
	}
	others[1].stuck = false
	c.heal()
	c.run(8e9, 0)
	c.check(true)
}

// withSequence is settled, in a database with a sequence: what there is to be written anew between two attempts to apply.
func withSequence(t *testing.T, seed uint64) (c *cluster, leader *testNode, others []*testNode) {
	t.Helper()
	c, leader, others = settled(t, seed)
	leader.r.Step(c.now, Submitted{Backend: 2, Request: 1, Epoch: leader.epoch, Sequences: []changeset.SequenceState{
		{Database: "postgres", Schema: "public", Name: "s", Horizon: 33, LSN: 1},
	}})
	c.run(1e9, 1)
	return c, leader, others
}

// A node whose server fails to apply says why, and leaves the lead to others when the leader dies, however well the sequences can be written.
func TestNodeThatCannotApplyDoesNotCampaign(t *testing.T) {
	for seed := range uint64(3) {
		c, leader, others := withSequence(t, seed)
		broken := others[0]
		broken.broken = true
		c.run(2e9, 1)
		if s := broken.r.Status(); s.Failing.Reason != "the disk is full" || s.Failing.Code != "53100" || s.Unfit != "its server cannot apply: the disk is full" {
			t.Errorf("seed %d: the failing node says %+v, unfit %q", seed, s.Failing, s.Unfit)
		}
		c.crash(leader)
		for began := c.now; c.now < began+8e9; c.run(1e8, 1) {
			if broken.r.phase != Following || broken.r.paxos.Role() != paxos.Follower {
				t.Fatalf("seed %d: the failing node is %v", seed, broken.r.phase)
			}
		}
		if c.leader() != others[1] {
			t.Errorf("seed %d: the other node does not lead", seed)
		}
		broken.broken = false
		c.heal()
		c.run(6e9, 0)
		if s := broken.r.Status(); s.Failing.Reason != "" || s.Unfit != "" {
			t.Errorf("seed %d: the mended node says %+v, unfit %q", seed, s.Failing, s.Unfit)
		}
		c.check(true)
	}
}

// A node that finds out as a new leader that its server cannot apply soon leaves the lead to another.
func TestNodeThatCannotApplyGivesUpItsOpening(t *testing.T) {
	for seed := range uint64(3) {
		c, leader, others := withSequence(t, seed)
		heir := others[0]
		heir.stuck = true
		c.run(3e8, 3)
		if reply := c.reply(leader, Transfer{To: heir.id}); !reply.Done {
			t.Fatalf("the answer is %+v", reply)
		}
		for began := c.now; heir.r.phase != Opening; c.run(1e7, 1) {
			if c.now > began+2e9 {
				t.Fatalf("seed %d: the heir is %v", seed, heir.r.phase)
			}
		}
		heir.stuck, heir.broken = false, true
		for began := c.now; c.leader() == nil; c.run(1e7, 1) {
			if c.now > began+10e9 {
				t.Fatalf("seed %d: nobody leads, and the failing node is %v", seed, heir.r.phase)
			}
		}
		heir.broken = false
		c.run(5e9, 0)
		c.check(true)
	}
}

// Where no node can apply nobody campaigns, and the first one that can again leads.
func TestNobodyCanApply(t *testing.T) {
	c, leader, others := withSequence(t, 3)
	for _, n := range others {
		n.broken = true
	}
	c.run(2e9, 1)
	c.crash(leader)
	c.run(5e9, 1)
	before := []paxos.Ballot{others[0].r.paxos.Promised(), others[1].r.paxos.Promised()}
	c.run(20e9, 1)
	for k, n := range others {
		if n.r.phase != Following || n.r.paxos.Promised() != before[k] {
			t.Errorf("node %d is %v, and has promised %v after %v", n.id, n.r.phase, n.r.paxos.Promised(), before[k])
		}
	}
	others[1].broken = false
	c.run(4e9, 1)
	if c.leader() != others[1] {
		t.Error("the node whose server applies again does not lead")
	}
	others[0].broken = false
	c.heal()
	c.run(4e9, 0)
	c.check(true)
}

func TestNodeThatMayNotVoteIsUnfit(t *testing.T) {
	// Shows that nobody hands over to a node which may not vote: it waits for its peers' welcome, or takes part no more.
	restored := paxos.Restored{Floor: paxos.Floor{Members: threeVoters()}, Members: threeVoters(), Life: paxos.Life{}.Begin(1)}
	core, err := paxos.New(paxos.Config{
		ID: 1, Tick: clusterTick, Lease: 1e9, Drift: 5e7, ElectionMin: 1e9, ElectionMax: 2e9, SuspendLimit: 5e9,
		MaxInflight: 64, MaxInflightBytes: 1 << 20, Rand: rand.New(rand.NewPCG(1, 2)), Now: 1e9,
	}, restored)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{}, core, NewOrder(restored.Floor))
	r.Step(1e9, ServerStarted{Start: 1})
	r.Step(9e9, Tick{})
	if unfit := r.Status().Unfit; unfit != "it was started, and its peers have not welcomed it yet" {
		t.Errorf("before it is welcome it is unfit: %q", unfit)
	}
	r.Step(9e9, Retire{Why: "another cluster"})
	if unfit := r.Status().Unfit; unfit != "it takes part in agreement no more" {
		t.Errorf("when it has retired it is unfit: %q", unfit)
	}
}
