package replicator

import (
	"slices"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// A node whose server has applied everything below an offered floor, but not flushed it, keeps its journal: it takes the floor only when the server
// has flushed. Otherwise a power failure would take what this node has accepted.
func TestFloorWaitsForFlush(t *testing.T) {
	c, leader, others := settled(t, 1)
	n := others[0]
	c.run(1e9, 1)
	c.run(1e9, 0)
	order := n.r.order
	if n.applied() == 0 || n.applied() != order.Last() || n.r.flushedTo >= n.applied() {
		t.Fatalf("node %d has applied to %v of %v and knows %v to be flushed", n.id, n.applied(), order.Last(), n.r.flushedTo)
	}
	// What follows are entries without a position, of which the peer has purged more than it retains.
	floor := paxos.Floor{Index: order.Head() + 5, Greatest: order.Greatest(), Position: uint64(order.Last()), Members: order.Members()}
	offer := func() bool {
		n.r.Step(c.now, Received{From: leader.id, Message: paxos.FloorState{Version: floor.Members.Version, Floor: floor}})
		c.obey(n)
		return slices.ContainsFunc(n.volatile, func(r paxos.Record) bool {
			_, ok := r.(paxos.FloorRecord)
			return ok
		})
	}
	if offer() {
		t.Errorf("node %d drops its journal to a floor at %d, and its server has flushed nothing", n.id, floor.Index)
	}
	n.r.Step(c.now, Flushed{Start: uint64(n.id), Position: n.applied()})
	if !offer() {
		t.Errorf("node %d does not take the floor after a flush", n.id)
	}
}

// A large transaction that a late member still has to fetch does not count against the retention limit; what is beyond that does.
func TestRetentionSparesOneLargeTransaction(t *testing.T) {
	c, leader, others := settled(t, 1)
	c.cut[others[0].id] = true
	for k := 0; k < 5 || k < 50 && leader.r.order.largestSet() == 0; k++ {
		c.run(1e9, 1)
	}
	c.run(2e9, 0)
	order, behind := leader.r.order, leader.r.paxos.AllDurable()
	if leader.r.phase != Open || order.largestSet() == 0 || behind+10 > order.Head() {
		t.Fatalf("phase %v, %d bytes in the largest set, and everybody holds the log to %d of %d", leader.r.phase, order.largestSet(), behind, order.Head())
	}
	leader.r.cfg.Retention = 1000
	purged := func(bytes int64) paxos.Index {
		leader.r.Step(c.now, Flushed{Start: uint64(leader.id), Position: leader.applied(), JournalBytes: bytes})
		if out := leader.r.Output(); out.Purge != nil {
			return out.Purge.Index
		}
		return 0
	}
	largest := order.largestSet()
	if floor := purged(1000 + largest - 1); floor > behind {
		t.Errorf("a floor at %d, and a member holds no more than %d", floor, behind)
	}
	if floor := purged(1000 + largest); floor <= behind {
		t.Errorf("a floor at %d: with more than the limit and one large set it does not wait for whoever holds no more than %d", floor, behind)
	}
}

// Nobody who is late is waited for while the order keeps more changes of sequences than memory is meant for.
func TestManyChangesOfSequencesWaitForNobody(t *testing.T) {
	c, leader, others := settled(t, 1)
	c.cut[others[0].id] = true
	for k := 0; k < 50 && leader.r.order.Head() < leader.r.paxos.AllDurable()+2*checkpointEvery; k++ {
		c.run(1e9, 1)
	}
	c.run(2e9, 0)
	order, behind := leader.r.order, leader.r.paxos.AllDurable()
	purged := func() paxos.Index {
		leader.r.Step(c.now, Flushed{Start: uint64(leader.id), Position: leader.applied(), JournalBytes: 1})
		if out := leader.r.Output(); out.Purge != nil {
			return out.Purge.Index
		}
		return 0
	}
	if floor := purged(); leader.r.phase != Open || floor > behind {
		t.Fatalf("phase %v, a floor at %d, and a member holds no more than %d", leader.r.phase, floor, behind)
	}
	at := changeset.At(uint64(order.Head()), 0)
	for range maxSequenceChanges + 1 {
		order.sequences.change(at, "postgres", changeset.Sequence{Schema: "public", Name: "s"})
	}
	if floor := purged(); floor <= behind {
		t.Errorf("a floor at %d: it waits for whoever holds no more than %d", floor, behind)
	}
}

// A server that stands still keeps its journal above the limit for a while only: then its data are to be fetched anew. The floor never moves above what it has
// flushed; and one that is late and catches up is left alone.
func TestServerThatOutgrowsItsJournal(t *testing.T) {
	c, _, others := settled(t, 1)
	n := others[0]
	stands := n.applied()
	n.r.cursor.active = false // it hangs
	for k := 0; k < 50 && n.r.behind() < 2*checkpointEvery; k++ {
		c.run(1e9, 1)
	}
	c.run(2e9, 0)
	look := func(after paxos.Span, bytes int64) bool {
		c.now = c.now.Add(after)
		n.r.Step(c.now, Flushed{Start: uint64(n.id), Position: stands, JournalBytes: bytes})
		if out := n.r.Output(); out.Purge != nil && uint64(out.Purge.Index) >= stands.Index() {
			t.Fatalf("a floor at %d, and the server holds %v", out.Purge.Index, stands)
		}
		return n.r.Status().Outgrown
	}
	over := n.r.cfg.Retention + n.r.order.largestSet()
	if look(0, over-1) || look(overhangLimit, over-1) {
		t.Error("the journal is within its limit")
	}
	if look(0, over) || look(overhangLimit-1, over) {
		t.Error("the journal was above its limit for a moment only")
	}
	n.r.cursor.next++
	if look(1, over) || look(overhangLimit-1, over) {
		t.Error("the server had become less late")
	}
	if !look(1, over) {
		t.Error("the server stands still and the journal is above its limit, and nothing is said")
	}
}
