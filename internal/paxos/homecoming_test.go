package paxos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A past is three nodes with runs; node 1 leads, and node 3 hears of no entry.
func newPast(t *testing.T) *network {
	t.Helper()
	w := newNetworkWithRuns(3, Multi)
	if err := w.elect(1); err != nil {
		t.Fatal(err)
	}
	return w
}

// choose has node 1 agree on entries with whoever hears it.
func (w *network) choose(t *testing.T, entries int) {
	t.Helper()
	leader := w.machine(1)
	for k := range entries {
		w.on(leader, func(n *Node, now Instant) {
			if _, ok := n.Propose(now, word(fmt.Sprintf("%d", k))); !ok {
				t.Fatalf("entry %d cannot be proposed", k)
			}
		})
		w.settle()
	}
	w.on(leader, func(n *Node, now Instant) { n.FlushLearn(now) })
	w.settle()
}

func word(s string) Value { return Value{Kind: KindChangeSets, Body: []byte(s)} }

// pass lets ticks pass.
func (w *network) pass(ticks int) {
	for range ticks {
		w.tick()
		w.settle()
	}
}

// restart crashes a machine, changes its disk, and starts it.
func (w *network) restart(m *machine, disk []Record) {
	m.crash(0)
	if disk != nil {
		m.disk, m.durable = slices.Clone(disk), len(disk)
	}
	w.start(m)
	w.pump(m)
}

func copyOf(m *machine) []Record { return slices.Clone(m.disk[:m.durable]) }

// isolate cuts a node off, or joins it again.
func (w *network) isolate(id NodeID, cut bool) {
	for _, m := range w.machines {
		w.cut[[2]NodeID{id, m.id}], w.cut[[2]NodeID{m.id, id}] = cut, cut
	}
}

func TestOldCopyOfADiskDoesNotVote(t *testing.T) {
	// Shows that an acceptor whose disk is an older copy is found by what its peers have seen of it, and takes part in
	// nothing: whether the copy is of an earlier run or of this one, whether the leader of then still knows, or only its
	// disk does, or another follower.
	for _, test := range []struct {
		name    string
		running bool
		then    func(w *network)
	}{
		{"of a stopped node", false, func(*network) {}},
		{"of a stopped node, its peers restarted", false, func(w *network) {
			w.restart(w.machine(1), nil)
			w.restart(w.machine(3), nil)
		}},
		{"of a running node", true, func(*network) {}},
		{"of a running node, its peers restarted", true, func(w *network) {
			w.pass(2 * markEvery)
			w.restart(w.machine(1), nil)
			w.restart(w.machine(3), nil)
		}},
		{"of a running node, and the leader is gone", true, func(w *network) {
			w.isolate(3, false)
			w.pass(2)
			w.machine(1).crash(0)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newPast(t)
			second := w.machine(2)
			w.choose(t, 3)
			copied := copyOf(second)
			if !test.running {
				w.restart(second, nil)
				w.pass(15)
			}
			w.isolate(3, true)
			w.choose(t, 5)
			test.then(w)
			w.isolate(3, false)
			w.isolate(2, true)
			w.restart(second, copied)
			w.isolate(2, false)
			w.pass(30)
			if second.node.Disowned() == nil || second.node.mayVote() {
				t.Errorf("it votes, disowned: %v", second.node.Disowned())
			}
			if w.machine(1).node == nil {
				return
			}
			if got := w.machine(1).node.ChosenTo(); got < 8 {
				t.Errorf("node 1 knows %d entries to be chosen", got)
			}
			for i := range w.machine(1).node.ChosenTo() {
				if _, ok := w.chosen[i+1]; !ok {
					t.Errorf("index %d was never chosen", i+1)
				}
			}
		})
	}
}

func TestWholeDiskComesHome(t *testing.T) {
	// Shows that nodes which have forgotten nothing vote again: with one peer after a lease's time, at once with all, and
	// all at once when all were down.
	w := newPast(t)
	w.choose(t, 3)
	w.isolate(3, true)
	w.restart(w.machine(2), nil)
	w.pass(2)
	if w.machine(2).node.mayVote() {
		t.Error("it votes, and one of two peers has not answered yet")
	}
	w.pass(12)
	if !w.machine(2).node.mayVote() {
		t.Error("one of two peers is not enough for it")
	}
	w.choose(t, 3)
	w.isolate(3, false)
	for _, m := range w.machines {
		w.restart(m, nil)
	}
	w.pass(2)
	for _, m := range w.machines {
		if !m.node.mayVote() {
			t.Errorf("node %d does not vote, and all have answered", m.id)
		}
	}
}

func TestTwoRunsOfOneStateExcludeEachOther(t *testing.T) {
	// Shows that of two processes that go on from the same disk only the one that was started last takes part.
	w := newPast(t)
	w.choose(t, 3)
	first := w.machine(2)
	stamp := Stamp{Run: first.node.life.Run(), Acts: first.node.durableActs}
	w.restart(first, nil)
	w.pass(3)
	leader := w.machine(1)
	w.on(leader, func(n *Node, now Instant) {
		n.Receive(now, 2, stamp, HeartbeatAck{Version: 1, Ballot: n.Ballot(), Seq: 1})
	})
	for _, p := range w.queue {
		if d, ok := p.message.(Disown); ok && d.Run == stamp.Run {
			return
		}
	}
	t.Error("what the older one says is not refused")
}

func TestPardonedNodeVotes(t *testing.T) {
	// Shows that where all came back with less nobody leads, until an operator says that what was forgotten is lost.
	w := newPast(t)
	w.choose(t, 3)
	copied := map[NodeID][]Record{2: copyOf(w.machine(2)), 3: copyOf(w.machine(3))}
	w.choose(t, 3)
	w.pass(2 * markEvery)
	for _, m := range w.machines {
		w.restart(m, copied[m.id])
	}
	w.pass(60)
	for _, m := range w.machines {
		if m.node.Role() == Leader {
			t.Fatalf("node %d leads", m.id)
		}
	}
	w.on(w.machine(2), func(n *Node, now Instant) { n.Pardon(now) })
	w.pass(60)
	if w.machine(1).node.Role() != Leader && w.machine(2).node.Role() != Leader {
		t.Error("nobody leads after the pardon")
	}
	if w.machine(3).node.mayVote() {
		t.Error("the one that was not pardoned votes")
	}
}

func TestOldCopyOfTheOnlyMember(t *testing.T) {
	// Shows that a node which votes alone, because its disk is a copy of a time when it was alone, stops when it hears a member of a newer
	// membership; one of its own or an older membership does not stop it.
	w := newNetworkWithRuns(1, Multi)
	if err := w.elect(1); err != nil {
		t.Fatal(err)
	}
	alone := w.machine(1)
	w.on(alone, func(n *Node, now Instant) { n.HearStranger(now, n.version()) })
	if alone.node.Role() != Leader {
		t.Error("it gave way to a membership that is not newer")
	}
	w.on(alone, func(n *Node, now Instant) { n.HearStranger(now, n.version()+1) })
	w.pass(30)
	if alone.node.Role() == Leader || alone.node.Disowned() == nil {
		t.Error("it leads alone, and others have joined")
	}
}

func TestOnlyMemberThatHasForgottenWhomItAdmitted(t *testing.T) {
	// Shows that a node which votes alone, and has admitted another, is not taken for an older copy when it was restarted before its
	// disk said that this was chosen.
	members := FirstMembership("n1", 1, "n1:1")
	next := members.AddLearner("n2", 2, "n2:1")
	cfg := testConfig(1)
	cfg.Rand = rand.New(rand.NewPCG(1, 1))
	n, err := New(cfg, Restored{
		Floor: Floor{Members: members}, Members: members, Promised: MakeBallot(1, 1), Life: Life{}.Begin(1),
		Entries: []Entry{{Index: 1, Ballot: MakeBallot(1, 1), Value: MemberValue(next)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.HearStranger(n.now, next.Version)
	if n.Disowned() != nil {
		t.Error("it is disowned for what it has done itself")
	}
}

func TestCopyThatHasForgottenAPeersRun(t *testing.T) {
	// Shows that a node whose disk is a copy of before a peer was started hears that peer again, although the peer had its welcome
	// already: after the copy is taken for whole, because the node did nothing since, and after a pardon.
	for _, pardoned := range []bool{false, true} {
		t.Run(fmt.Sprintf("pardoned %v", pardoned), func(t *testing.T) {
			w := newPast(t)
			w.choose(t, 3)
			second, third := w.machine(2), w.machine(3)
			copied := copyOf(second)
			w.restart(third, nil)
			w.pass(15)
			if pardoned {
				w.choose(t, 3)
				w.pass(2 * markEvery)
			}
			w.machine(1).crash(0)
			w.restart(second, copied)
			if pardoned {
				w.pass(15)
				w.on(second, func(n *Node, now Instant) { n.Pardon(now) })
			}
			w.pass(60)
			if second.node.Role() != Leader && third.node.Role() != Leader {
				t.Errorf("of two nodes that are a majority nobody leads; disowned: %v", second.node.Disowned())
			}
		})
	}
}

func TestDisownedNodeIsStartedAgain(t *testing.T) {
	// Shows that a node which was disowned does not vote after another start either, though nobody who knows is there any more; and
	// that an operator can order it.
	w := newPast(t)
	w.choose(t, 3)
	first, second, third := w.machine(1), w.machine(2), w.machine(3)
	w.isolate(3, true)
	copied := copyOf(second)
	w.choose(t, 3)
	acknowledged := first.node.ChosenTo()
	w.isolate(3, false)
	w.isolate(2, true)
	w.isolate(1, true)
	w.restart(third, nil)
	w.restart(second, copied)
	w.cut[[2]NodeID{1, 2}], w.cut[[2]NodeID{2, 1}] = false, false
	w.pass(5)
	if second.node.Disowned() == nil {
		t.Fatal("it is not disowned")
	}
	first.crash(0)
	w.isolate(2, false)
	second.disowned = true // as its node keeps it
	w.restart(second, nil)
	w.pass(60)
	if second.node.mayVote() || second.node.Role() == Leader || third.node.Role() == Leader {
		t.Errorf("without the one who knows what it forgot it votes again, and %d entries were agreed on", acknowledged)
	}
	w.on(second, func(n *Node, now Instant) { n.Pardon(now) })
	w.pass(60)
	if second.node.Role() != Leader && third.node.Role() != Leader {
		t.Error("nobody leads after the pardon")
	}
}

func TestManyStartsDoNotHideWhatWasForgotten(t *testing.T) {
	// Shows that an old copy which was started so often that it does not list its first runs any more is still found by how
	// much it has done, and that a node which has forgotten nothing is believed after any number of starts.
	whole := Life{}.Begin(1)
	seen := Sighting{Node: 2, Run: whole.Begin(2).Run(), Acts: 9}
	old, honest := whole.Begin(3), whole.Begin(2)
	honest.Acts = 9
	for k := range uint32(2 * maxStarts) {
		old, honest = old.Begin(k), honest.Begin(k)
	}
	if old.Remembers(seen) {
		t.Error("a copy that has done less than was seen is believed")
	}
	if !honest.Remembers(seen) {
		t.Error("a node that has forgotten nothing is not believed")
	}
}

func TestNodeThatWasPutBackWithItsMemory(t *testing.T) {
	// Shows that a node which goes on in the same run, and has done less in it than the leader has seen, votes no more; what it has
	// done itself and is not seen yet is nothing against it.
	w := newPast(t)
	w.choose(t, 3)
	w.pass(3)
	n := w.machine(2).node
	if n.Disowned() != nil {
		t.Fatal("it is disowned, and has forgotten nothing")
	}
	leader := w.machine(1).node
	heard := Heartbeat{Version: 1, Ballot: leader.Ballot(), Seq: 1000, Seen: []Sighting{{Node: 2, Run: n.life.Run(), Acts: n.life.Acts + 1}}}
	n.Receive(n.now, 1, Stamp{Run: leader.life.Run(), Acts: leader.durableActs}, heard)
	if n.Disowned() == nil || n.mayVote() {
		t.Errorf("it votes on; disowned: %v", n.Disowned())
	}
}

func TestPromiseThatHasForgotten(t *testing.T) {
	// Shows that a candidate does not count the promise of a node that has done less, in the same run, than it had seen of it before it asked: that was
	// put back with its memory.
	for _, more := range []uint64{0, 1} {
		w := newPast(t)
		w.choose(t, 3)
		w.pass(3)
		n := w.machine(3).node
		seen := n.peer(2).seen
		n.prepare()
		n.role = Candidate
		ready, _ := n.Ready()
		n.Synced(n.now, ready.Seq)
		promise := Promise{Version: 1, Ballot: n.candidacy.ballot, ChosenTo: n.chosenTo, Last: LastIndex}
		n.Receive(n.now, 2, Stamp{Run: seen.Run, Acts: seen.Acts + more}, promise)
		if won := n.role == Leader; won != (more > 0) {
			t.Errorf("with %d acts more than were seen it leads: %v", more, won)
		}
	}
}

func TestCandidateThatHasForgotten(t *testing.T) {
	// Shows that a node does not promise a candidate that has done less, in the same run, than it has seen of it: that was put back with its memory, and
	// would lead without what it has forgotten.
	for _, forgotten := range []uint64{0, 1} {
		w := newPast(t)
		w.choose(t, 3)
		w.pass(3)
		w.machine(1).crash(0)
		second, third := w.machine(2), w.machine(3)
		third.node.electable = false
		third.node.peer(2).seen.Acts += forgotten + 1 // its own promise is one more
		w.on(second, func(n *Node, now Instant) { n.prepare(); n.role = Candidate })
		third.node.lease = grant{until: never}
		w.settle()
		if leads := second.node.Role() == Leader; leads != (forgotten == 0) {
			t.Errorf("it has forgotten %d acts, and leads: %v", forgotten, leads)
		}
	}
}

func TestPardonOfANodePutBackWithItsMemory(t *testing.T) {
	// Shows that a node which was put back with its memory votes again after a pardon, in the same run: what was seen of it before counts no more.
	w := newPast(t)
	w.choose(t, 3)
	w.pass(3)
	w.machine(1).crash(0)
	second, third := w.machine(2), w.machine(3)
	second.node.electable = false
	seen := third.node.peer(2)
	seen.seen.Acts += 1000
	w.on(third, func(n *Node, now Instant) { n.markSightings() })
	w.pass(60)
	if second.node.Disowned() == nil || third.node.Role() == Leader {
		t.Fatalf("disowned: %v", second.node.Disowned())
	}
	w.on(second, func(n *Node, now Instant) { n.Pardon(now) })
	w.pass(60)
	if third.node.Role() != Leader {
		t.Error("nobody leads after the pardon")
	}
	w.restart(third, nil)
	w.pass(60)
	if third.node.Role() != Leader {
		t.Error("nobody leads after a restart of the one that had seen more")
	}
}

func TestLeaderThatHasForgotten(t *testing.T) {
	// Shows that a leader which proposes something else than before at one index, because it was put back with its memory, ends no follower by that, and
	// leads no more.
	w := newPast(t)
	w.choose(t, 3)
	first, second := w.machine(1), w.machine(2)
	at := first.node.ChosenTo() + 1
	w.on(second, func(n *Node, now Instant) { // proposed before the copy was made, and forgotten
		n.Receive(now, 1, Stamp{Run: first.node.life.Run(), Acts: first.node.durableActs}, Accept{
			Version: n.version(), Ballot: first.node.Ballot(), First: at, Values: []Value{{Version: n.version(), Epoch: 1, Kind: KindNoop}}, ChosenTo: at - 1,
		})
	})
	w.on(first, func(n *Node, now Instant) { n.Propose(now, word("another")) })
	w.settle()
	if first.node.Disowned() == nil || first.node.Role() == Leader {
		t.Error("it leads on")
	}
}
