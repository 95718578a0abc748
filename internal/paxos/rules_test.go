package paxos

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// single starts one node of three, whose clock begins at 0, and lets its first
// lease pass.
func single(t *testing.T, id NodeID, restored Restored) *Node {
	t.Helper()
	cfg := testConfig(id)
	cfg.Rand = rand.New(rand.NewPCG(1, uint64(id)))
	if restored.Members.Version == 0 {
		restored.Members = newNetwork(3).machines[0].node.Members()
	}
	n, err := New(cfg, restored)
	if err != nil {
		t.Fatal(err)
	}
	n.enter(Instant(cfg.Lease + cfg.Drift))
	return n
}

// answers returns what a node sends because of a message, at once and after.
func answers(n *Node, from NodeID, m Message) (now, after []Outgoing) {
	n.Receive(n.now, from, Stamp{}, m)
	r, _ := n.Ready()
	return r.Messages, r.AfterDurable
}

func TestPrepareUnderAnothersLeaseChangesNothing(t *testing.T) {
	// Shows that a Prepare is ignored, not even rejected, while another node's
	// lease runs, and answered as soon as it has run out.
	n := single(t, 3, Restored{})
	answers(n, 1, Heartbeat{Version: 1, Ballot: MakeBallot(1, 1), Seq: 1})
	prepare := Prepare{Version: 1, Ballot: MakeBallot(9, 2)}
	n.enter(n.now.Add(n.cfg.Lease + n.cfg.Drift - 1))
	if now, after := answers(n, 2, prepare); now != nil || after != nil || n.Promised() != 0 || n.Leader() != 1 {
		t.Errorf("under a lease: %v %v, promised %v, leader %d", now, after, n.Promised(), n.Leader())
	}
	n.enter(n.now.Add(1))
	now, after := answers(n, 2, prepare)
	want := []Outgoing{{To: 2, Message: Promise{Version: 1, Ballot: MakeBallot(9, 2), Last: LastIndex}}}
	if diff := cmp.Diff(want, after); diff != "" || now != nil {
		t.Errorf("after the lease (-want +got), at once %v:\n%s", now, diff)
	}
}

func TestHolderOfTheLeaseIsPromised(t *testing.T) {
	// Shows that a lease does not stand in the way of its own holder.
	n := single(t, 3, Restored{})
	answers(n, 1, Heartbeat{Version: 1, Ballot: MakeBallot(1, 1), Seq: 1})
	if _, after := answers(n, 1, Prepare{Version: 1, Ballot: MakeBallot(2, 1)}); len(after) != 1 {
		t.Errorf("answers %v", after)
	}
}

func TestPromiseTellsAllThatWasAccepted(t *testing.T) {
	// Shows that a promise lists every accepted entry above ChosenTo with its
	// ballot, those from before a restart too, and is asked for the disk first.
	entries := []Entry{
		{Index: 3, Ballot: MakeBallot(1, 1), Value: Value{Kind: KindNoop}},
		{Index: 5, Ballot: MakeBallot(2, 2), Value: Value{Kind: KindChangeSets, Body: []byte("b")}},
	}
	n := single(t, 3, Restored{Promised: MakeBallot(2, 2), ChosenTo: 2, Entries: entries})
	_, after := answers(n, 1, Prepare{Version: 1, Ballot: MakeBallot(3, 1)})
	want := []Outgoing{{To: 1, Message: Promise{Version: 1, Ballot: MakeBallot(3, 1), ChosenTo: 2, Last: LastIndex, Entries: entries}}}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAcceptorOfANewerMembershipRejects(t *testing.T) {
	// Shows that a proposer with an older membership is told so, whatever its
	// ballot, and that one with a newer membership is asked for the entries
	// first.
	n := single(t, 3, Restored{})
	n.setMembers(n.members.Remove(2))
	now, after := answers(n, 1, Accept{Version: 1, Ballot: MakeBallot(5, 1), First: 1, Values: []Value{{Kind: KindNoop}}})
	want := []Outgoing{{To: 1, Message: Reject{Version: 2, Ballot: MakeBallot(5, 1)}}}
	if diff := cmp.Diff(want, now); diff != "" || after != nil {
		t.Errorf("older (-want +got), after %v:\n%s", after, diff)
	}
	now, after = answers(n, 1, Accept{Version: 3, Ballot: MakeBallot(5, 1), First: 7, ChosenTo: 6, Values: []Value{{Kind: KindNoop}}})
	want = []Outgoing{{To: 1, Message: Fetch{Version: 2, From: 1}}}
	if diff := cmp.Diff(want, now); diff != "" || after != nil {
		t.Errorf("newer (-want +got), after %v:\n%s", after, diff)
	}
}

func TestLearnerNeverVotes(t *testing.T) {
	// Shows that a learner gives the leader its acknowledgements, but no promise
	// and no vote, and does not campaign.
	members := FirstMembership("n1", 1, "").AddLearner("n2", 2, "")
	n := single(t, 2, Restored{Members: members, Floor: Floor{Members: members}})
	if now, _ := answers(n, 1, Heartbeat{Version: 2, Ballot: MakeBallot(1, 1), Seq: 1}); len(now) != 1 {
		t.Errorf("heartbeat: %v", now)
	}
	if _, after := answers(n, 1, Prepare{Version: 2, Ballot: MakeBallot(2, 1)}); after != nil {
		t.Errorf("prepare: %v", after)
	}
	if _, after := answers(n, 1, Accept{Version: 2, Ballot: MakeBallot(2, 1), First: 1, Values: []Value{{Kind: KindNoop}}}); after != nil {
		t.Errorf("accept: %v", after)
	}
	for range 100 {
		n.Tick(n.now.Add(n.cfg.Tick))
	}
	if n.Role() != Follower {
		t.Errorf("it is %v", n.Role())
	}
}

func TestLateHeartbeatOfAReleasedBallotGrantsNothing(t *testing.T) {
	// Shows that a heartbeat which arrives after its leadership was given back
	// does not bring the lease back.
	n := single(t, 3, Restored{})
	beat := Heartbeat{Version: 1, Ballot: MakeBallot(1, 1), Seq: 1}
	answers(n, 1, beat)
	answers(n, 1, Release{Version: 1, Ballot: MakeBallot(1, 1)})
	if now, _ := answers(n, 1, beat); now != nil {
		t.Errorf("answers %v", now)
	}
	if _, after := answers(n, 2, Prepare{Version: 1, Ballot: MakeBallot(2, 2)}); len(after) != 1 {
		t.Errorf("another's prepare is not answered: %v", after)
	}
}

func TestBlankNodeAsksForAFloorFirst(t *testing.T) {
	// Shows that a node that knows no membership takes no entries before it has
	// the log's state somewhere: it could not tell what member entries change.
	cfg := testConfig(4)
	cfg.Rand = rand.New(rand.NewPCG(1, 1))
	n, err := New(cfg, Restored{})
	if err != nil {
		t.Fatal(err)
	}
	now, _ := answers(n, 1, Heartbeat{Version: 2, Ballot: MakeBallot(1, 1), Seq: 1, ChosenTo: 1})
	if diff := cmp.Diff(Outgoing{To: 1, Message: Fetch{From: 0}}, now[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answers(n, 1, Entries{Version: 2, First: 1, ChosenTo: 1, Entries: sampleEntries[:1]})
	if n.ChosenTo() != 0 {
		t.Errorf("chosen to %d", n.ChosenTo())
	}
	floor := Floor{Members: FirstMembership("n1", 1, "")}
	n.Receive(n.now, 1, Stamp{}, FloorState{Version: 2, Floor: floor})
	if r, _ := n.Ready(); len(r.Floors) != 1 {
		t.Fatalf("floors %v", r.Floors)
	}
	n.InstallFloor(n.now, floor)
	if n.Members().Version != 1 {
		t.Errorf("membership %d", n.Members().Version)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	// Shows that a node cannot be made that would break its promises.
	for name, spoil := range map[string]func(c *Config){
		"no number":          func(c *Config) { c.ID = 0 },
		"early elections":    func(c *Config) { c.ElectionMin = c.Lease - 1 },
		"no range":           func(c *Config) { c.ElectionMax = c.ElectionMin },
		"drift eats lease":   func(c *Config) { c.Drift = c.Lease },
		"no window":          func(c *Config) { c.MaxInflight = 0 },
		"no bytes":           func(c *Config) { c.MaxInflightBytes = 0 },
		"no randomness":      func(c *Config) { c.Rand = nil },
		"no suspension":      func(c *Config) { c.SuspendLimit = 0 },
		"no tick":            func(c *Config) { c.Tick = 0 },
		"lease under a tick": func(c *Config) { c.Lease = c.Tick },
	} {
		cfg := testConfig(1)
		cfg.Rand = rand.New(rand.NewPCG(1, 1))
		spoil(&cfg)
		if _, err := New(cfg, Restored{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMembershipChangesOneAtATime(t *testing.T) {
	// Shows how memberships follow each other, that numbers are never used
	// again, and that a change to another version has no effect.
	one := FirstMembership("n1", 1, "a")
	two := one.AddLearner("n2", 2, "b")
	three := two.Promote(2)
	four := three.Remove(2)
	five := four.AddLearner("n2", 3, "b")
	if got := five.Members[1].Node; got != 3 || five.Version != 5 {
		t.Errorf("the new incarnation is node %d in version %d", got, five.Version)
	}
	if three.Quorum() != 2 || two.Quorum() != 1 || one.Quorum() != 1 {
		t.Errorf("quorums %d %d %d", one.Quorum(), two.Quorum(), three.Quorum())
	}
	if _, ok := five.FindName("n2", 2); ok {
		t.Error("the old incarnation is still there")
	}
	for name, same := range map[string]Membership{
		"a change of another version": one.Apply(MemberValue(three)),
		"promoting nobody":            one.Promote(7),
		"promoting a voter":           one.Promote(1),
		"removing nobody":             one.Remove(7),
	} {
		if diff := cmp.Diff(one, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(two, one.Apply(MemberValue(two))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongPromiseComesInParts(t *testing.T) {
	// Shows that a promise of much is sent in parts, that it counts when all have
	// come in order, and that a lost part is made up for by the next answer.
	long := func(i Index) Entry {
		return Entry{Index: i, Ballot: MakeBallot(1, 1), Value: Value{Kind: KindChunk, Body: make([]byte, messageBytes/2)}}
	}
	n := single(t, 3, Restored{Entries: []Entry{long(2), long(3), long(5), long(6), long(9)}})
	_, after := answers(n, 2, Prepare{Version: 1, Ballot: MakeBallot(9, 2)})
	parts := []Promise{}
	for _, o := range after {
		parts = append(parts, o.Message.(Promise))
	}
	if len(parts) != 3 || parts[0].Last != 4 || parts[1].First != 5 || parts[1].Last != 8 || parts[2].First != 9 || parts[2].Last != LastIndex {
		t.Fatalf("%d parts: %v", len(parts), parts)
	}
	c := candidacy{}
	for _, step := range []struct {
		part int
		want bool
	}{{0, false}, {2, false}, {0, false}, {1, false}, {2, true}} {
		if got := c.complete(1, parts[step.part]); got != step.want {
			t.Errorf("part %d: complete is %v", step.part, got)
		}
	}
}

func TestIncompleteLearnerReportsNothingDurable(t *testing.T) {
	// Shows that a learner whose server lacks what is below the floor that it was
	// given reports nothing durable, and so is not promoted.
	members := FirstMembership("n1", 1, "").AddLearner("n2", 2, "")
	n := single(t, 2, Restored{Members: members, Floor: Floor{Index: 5, Members: members}, ChosenTo: 5})
	for _, want := range []Index{0, 5} {
		now, _ := answers(n, 1, Heartbeat{Version: 2, Ballot: MakeBallot(1, 1), Seq: 1})
		if ack := now[0].Message.(HeartbeatAck); ack.DurableTo != want || ack.ChosenTo != 5 {
			t.Errorf("durable to %d, want %d", ack.DurableTo, want)
		}
		n.SetComplete()
	}
}

func TestDurableMembers(t *testing.T) {
	// Shows that a change of the membership counts as durable when the disk has
	// answered, and not when it is chosen.
	n := single(t, 3, Restored{})
	old := n.Members()
	change := MemberValue(old.Remove(2))
	entry := Entry{Index: 1, Ballot: MakeBallot(1, 1), Value: change}
	n.fetch = fetch{peer: 1, from: 1}
	n.Receive(n.now, 1, Stamp{}, Entries{Version: 1, First: 1, ChosenTo: 1, Entries: []Entry{entry}})
	r, _ := n.Ready()
	if n.Members().Version != old.Version+1 || n.DurableMembers().Version != old.Version {
		t.Errorf("chosen: version %d, durable %d, after %d", n.Members().Version, n.DurableMembers().Version, old.Version)
	}
	n.Synced(n.now, r.Seq)
	if n.DurableMembers().Version != old.Version+1 {
		t.Errorf("durable: version %d after %d", n.DurableMembers().Version, old.Version)
	}
}
