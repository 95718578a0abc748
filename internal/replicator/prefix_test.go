package replicator

import (
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

func TestDigestOfTheOrder(t *testing.T) {
	// Shows that the digest of a log is that of its values from the first id limit on, that it travels with floors, and that two logs which differ at one
	// index differ at every later one.
	fill := func(l *logOf, odd byte) {
		l.choose(ballot(2, 1), paxos.KindEpochOpen, nil)
		if l.order.Prefix().Digest != 0 {
			t.Error("a digest before the first id limit")
		}
		l.choose(ballot(2, 1), paxos.KindIDLimit, []byte{0, 0, 0, 0, 0, 0, 1, odd})
		for at := int64(100); l.order.Head() < 3*checkpointEvery; at++ {
			l.choose(ballot(2, 1), paxos.KindChangeSets, committedAt(at))
		}
	}
	one, same, other := newLog(t), newLog(t), newLog(t)
	fill(one, 1)
	fill(same, 1)
	fill(other, 2)
	for i := paxos.Index(2); i <= one.order.Head(); i++ {
		if d := one.order.digestAt(i); d == 0 || d != same.order.digestAt(i) || d == other.order.digestAt(i) {
			t.Fatalf("at %d the digests are %x, %x and of another log %x", i, d, same.order.digestAt(i), other.order.digestAt(i))
		}
	}
	if one.order.digestAt(1) != 0 || one.order.digestAt(one.order.Head()+1) != 0 {
		t.Error("a digest where none is known")
	}
	floor, ok := one.order.FloorBelow(2*checkpointEvery + 1)
	if !ok || floor.Digest != one.order.digestAt(floor.Index) || NewOrder(floor).Prefix() != (paxos.Prefix{To: floor.Index, Digest: floor.Digest}) {
		t.Errorf("the floor at %d has digest %x, and the log %x", floor.Index, floor.Digest, one.order.digestAt(floor.Index))
	}
}

func TestWhoIsTheOddOneOut(t *testing.T) {
	// Shows who stops when logs differ: who differs from a majority of voters; that a learner's log counts for nothing, and that a member whose log is found
	// to be the same again does not count any more.
	r := newCluster(t, 1).nodes[1].r
	log := newLog(t)
	log.choose(ballot(2, 1), paxos.KindIDLimit, []byte{0, 0, 0, 0, 0, 0, 1, 1})
	log.choose(ballot(2, 1), paxos.KindEpochOpen, nil)
	r.order = log.order
	ours := r.order.Prefix()
	theirs := paxos.Prefix{To: ours.To, Digest: ours.Digest + 1}
	r.compare(2, theirs)
	r.compare(9, theirs) // no member
	if r.different.odd != "" || len(r.differing()) != 1 {
		t.Fatalf("one of two others differs: %q, %v", r.different.odd, r.differing())
	}
	r.now += 10e9
	if r.seekDifferent(); len(r.different.at) != 1 {
		t.Errorf("who is no member is looked for: %v", r.different.at)
	}
	r.compare(2, ours)
	r.compare(3, paxos.Prefix{To: ours.To + 1, Digest: 7}) // cannot be compared
	r.compare(3, theirs)
	if r.different.odd != "" || len(r.differing()) != 1 {
		t.Fatalf("one of two others differs: %q, %v", r.different.odd, r.differing())
	}
	r.compare(2, theirs)
	if r.different.odd == "" || r.Status().Odd == "" {
		t.Error("it differs from both others, and goes on")
	}
}
