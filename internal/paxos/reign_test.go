package paxos

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// leading returns three nodes of which the first leads, with nothing on its way.
func leading(t *testing.T) (*network, *Node) {
	t.Helper()
	w := newNetwork(3)
	if err := w.elect(1); err != nil {
		t.Fatal(err)
	}
	return w, w.machines[0].node
}

func latte() Value { return Value{Kind: KindChangeSets, Body: []byte("latte")} }

func TestLeaseCountsFromTheSending(t *testing.T) {
	// Shows that a lease ends one Lease, less the drift, after the heartbeat that
	// a majority acknowledged was sent, however late the answers come.
	w, n := leading(t)
	w.tick()
	sent := n.now
	w.now = w.now.Add(300 * ms)
	w.settle()
	if want := sent.Add(n.cfg.Lease - n.cfg.Drift); n.LeaseEnd(n.now) != want {
		t.Errorf("it ends at %d, want %d", n.LeaseEnd(n.now), want)
	}
}

func TestOldAcknowledgementsDoNotExtendTheLease(t *testing.T) {
	// Shows that the lease rests on the newest heartbeat of each voter, and that
	// a majority counts, not the best one.
	_, n := leading(t)
	end := n.LeaseEnd(n.now)
	n.Receive(n.now, 2, Stamp{}, HeartbeatAck{Version: 1, Ballot: n.Ballot(), Seq: 1})
	n.Receive(n.now, 2, Stamp{}, HeartbeatAck{Version: 1, Ballot: n.Ballot(), Seq: 99})
	n.Receive(n.now, 2, Stamp{}, HeartbeatAck{Version: 1, Ballot: MakeBallot(9, 1), Seq: 2})
	if n.LeaseEnd(n.now) != end {
		t.Errorf("it moved by %d", n.LeaseEnd(n.now).Since(end))
	}
}

func TestLeaseShrinksToTheNewVoters(t *testing.T) {
	// Shows that after a change of membership the lease is what the voters who
	// are left have acknowledged.
	w, n := leading(t)
	w.tick()
	w.settle()
	w.cut[[2]NodeID{1, 2}] = true
	before := n.LeaseEnd(n.now)
	w.tick()
	w.settle()
	if n.LeaseEnd(n.now) <= before {
		t.Fatal("node 3's acknowledgement did not extend the lease")
	}
	n.membersChanged(n.members.Remove(3), n.reign.base+1)
	if n.LeaseEnd(n.now) != before {
		t.Errorf("it ends at %d, want %d", n.LeaseEnd(n.now), before)
	}
}

func TestLeaderComparesWhatOthersSayIsChosen(t *testing.T) {
	// Shows that a leader that fetches an entry at the index of its own proposal
	// takes its own for chosen if they are the same, and is deposed if they are
	// not.
	for name, test := range map[string]struct {
		value Value
		role  Role
	}{
		"same":  {Value{Version: 1, Epoch: MakeBallot(1, 1), Kind: KindChangeSets, Body: []byte("latte")}, Leader},
		"other": {Value{Version: 1, Epoch: MakeBallot(2, 2), Kind: KindChangeSets, Body: []byte("mocha")}, Follower},
	} {
		_, n := leading(t)
		if _, ok := n.Propose(n.now, latte()); !ok {
			t.Fatal("not proposed")
		}
		n.Ready()
		chosen := Entry{Index: 1, Ballot: MakeBallot(2, 2), Value: test.value}
		n.Receive(n.now, 2, Stamp{}, Entries{Version: 1, First: 1, ChosenTo: 1, Entries: []Entry{chosen}})
		r, _ := n.Ready()
		if n.Role() != test.role || len(r.Chosen) != 1 || !r.Chosen[0].Value.Equal(test.value) {
			t.Errorf("%s: %v, chosen %v", name, n.Role(), r.Chosen)
		}
	}
}

func TestCandidateOfANewerMembershipIsAskedFirst(t *testing.T) {
	// Shows that an acceptor gives no promise under a membership that it does
	// not know, and asks the candidate for the entries below.
	n := single(t, 3, Restored{})
	now, after := answers(n, 1, Prepare{Version: 2, Ballot: MakeBallot(5, 1), ChosenTo: 4})
	want := []Outgoing{{To: 1, Message: Fetch{Version: 1, From: 1}}}
	if diff := cmp.Diff(want, now); diff != "" || after != nil {
		t.Errorf("(-want +got), after %v:\n%s", after, diff)
	}
}

func TestWindowBoundsWhatIsInFlight(t *testing.T) {
	// Shows that a leader proposes no more than its window holds, in entries and
	// in bytes, but one value of any size when nothing is in flight.
	_, n := leading(t)
	for i := range n.cfg.MaxInflight {
		if first, ok := n.Propose(n.now, latte()); !ok || first != Index(i)+1 {
			t.Fatalf("proposal %d: at %d, %v", i, first, ok)
		}
	}
	if _, ok := n.Propose(n.now, latte()); ok {
		t.Error("the window has no end")
	}
	_, n = leading(t)
	big := Value{Kind: KindChunk, Body: make([]byte, n.cfg.MaxInflightBytes+1)}
	if _, ok := n.Propose(n.now, big); !ok {
		t.Error("a big value is never proposed")
	}
	if _, ok := n.Propose(n.now, latte()); ok {
		t.Error("the window has no limit in bytes")
	}
}

func TestProposalsKeepTheirEpoch(t *testing.T) {
	// Shows which fields of a value the node fills in: the version always, the
	// epoch only if it is 0.
	_, n := leading(t)
	v := latte()
	v.Epoch = MakeBallot(7, 7)
	n.Propose(n.now, latte(), v)
	r, _ := n.Ready()
	want := []Record{
		AcceptRecord{Entry{1, MakeBallot(1, 1), Value{1, MakeBallot(1, 1), KindChangeSets, []byte("latte")}}},
		AcceptRecord{Entry{2, MakeBallot(1, 1), Value{1, MakeBallot(7, 7), KindChangeSets, []byte("latte")}}},
	}
	if diff := cmp.Diff(want, r.Records); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDeposedLeaderHearsOfALeadershipThatIsOver(t *testing.T) {
	// Shows that a leader that missed its successor, and hears from it first that
	// its lease is given back and then what it had proposed, leads no longer.
	// Nor does one that hears a probe of its successor.
	for name, late := range map[string][]Message{
		"accept after release": {
			Release{Version: 1, Ballot: MakeBallot(2, 2)},
			Accept{Version: 1, Ballot: MakeBallot(2, 2), First: 1, Values: []Value{latte()}},
		},
		"probe": {Heartbeat{Version: 1, Ballot: MakeBallot(2, 2), Seq: 1, Probe: true}},
	} {
		_, n := leading(t)
		for _, m := range late {
			n.Receive(n.now, 2, Stamp{}, m)
		}
		if n.Role() != Follower {
			t.Errorf("%s: it is a %v", name, n.Role())
		}
	}
}

func TestReleaseAfterSteppingDown(t *testing.T) {
	// Shows that a lease can be given back when the gate is closed at last, long
	// after the node stepped down, and only once.
	_, n := leading(t)
	n.Resign(n.now)
	if r, _ := n.Ready(); r.Messages != nil {
		t.Errorf("resigning sends %v", r.Messages)
	}
	n.Release(n.now, 2)
	r, _ := n.Ready()
	want := []Outgoing{{To: 3, Message: Release{1, MakeBallot(1, 1), 2}}, {To: 2, Message: Release{1, MakeBallot(1, 1), 2}}}
	if diff := cmp.Diff(want, r.Messages); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	n.Release(n.now, 2)
	if _, ok := n.Ready(); ok {
		t.Error("it is given back twice")
	}
}
