package node

import (
	"testing"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/gate"
	"github.com/baristadb/barista/internal/postgres"
)

func TestIndexThatFailsAgain(t *testing.T) {
	// The more often an index fails, the longer it is let alone and the longer it may take, up to a limit, also when it was built in between; after a
	// long time without a failure it begins anew.
	now := time.Now()
	var past indexPast
	for _, want := range []struct{ delay, limit time.Duration }{
		{time.Second, 10 * time.Second}, {4 * time.Second, 20 * time.Second}, {16 * time.Second, 40 * time.Second},
	} {
		past = past.fail(now)
		if past.delay() != want.delay || past.limit() != want.limit {
			t.Errorf("after %d failures: in %v, within %v; want %v", past.failed, past.delay(), past.limit(), want)
		}
	}
	for range 100 {
		now = now.Add(rebuildLast)
		past = past.fail(now)
	}
	if past.delay() != rebuildLast || past.limit() != rebuildMost {
		t.Errorf("after many failures: in %v, within %v", past.delay(), past.limit())
	}
	if past = past.fail(now.Add(rebuildLast + 1)); past.delay() != rebuildFirst {
		t.Errorf("after a long time: in %v", past.delay())
	}
	if (indexPast{}).delay() != rebuildFirst || (indexPast{}).limit() != rebuildLimit {
		t.Error("one that was found at a start waits for longer than the first time")
	}
}

func TestWhichIndexIsBuilt(t *testing.T) {
	// Of indexes that are due one that guards its table comes first; none is built while a batch is to be applied again; a node that begins to lead
	// waits for nothing that guards.
	now := time.Now()
	k := newIndexKeeper(&run{owner: newLocalServer(postgres.Config{}, 1, nil)})
	set := func(oid uint32, guards bool, due time.Time) *asideIndex {
		index := &asideIndex{suspect: gate.Suspect{Database: 1, Index: oid}, guards: guards, due: due}
		k.aside[index.suspect] = index
		return index
	}
	if k.next() != nil {
		t.Error("something is due where nothing is set aside")
	}
	early, guards := set(1, false, now.Add(-time.Minute)), set(2, true, now.Add(-time.Second))
	late := set(3, true, now.Add(time.Hour))
	if k.first() != guards {
		t.Error("first is one that guards nothing")
	}
	delete(k.aside, guards.suspect)
	if k.first() != early {
		t.Error("first is one that is not due")
	}
	k.failures[early.suspect]++
	if k.next() != nil {
		t.Error("an index is built before the batch that it has failed in")
	}
	k.hurry()
	if late.due.After(time.Now()) || k.first() != late {
		t.Error("a leader waits for an index that guards its table")
	}
}

func TestIndexWithWhichServersEnd(t *testing.T) {
	// An index whose functions end the server while it is built again is let alone for longer each time, though each server has a new keeper.
	s, index := newLocalServer(postgres.Config{}, 1, nil), gate.Suspect{Database: 1, Index: 2}
	for _, want := range []time.Duration{time.Second, 4 * time.Second, 16 * time.Second} {
		s.noteDeadly(index)
		if got := newIndexKeeper(&run{owner: s}).past[index].delay(); got != want {
			t.Errorf("the next server builds it after %v, not %v", got, want)
		}
	}
}

func TestHeirOnWhichAllTablesCanBeWritten(t *testing.T) {
	// The heir is who has set aside no index that guards a table, though another has applied more; but one that has is better than none.
	fit := func(name string, applied int, unguarded int) heirAnswer {
		return heirAnswer{name: name, node: 1, status: admin.Status{Role: admin.Follower, Server: admin.ServerRunning, Unguarded: unguarded}, applied: changeset.At(uint64(applied), 0)}
	}
	for _, test := range []struct {
		answers []heirAnswer
		want    string
	}{
		{[]heirAnswer{fit("n1", 9, 1), fit("n2", 5, 0), fit("n3", 6, 0)}, "n3"},
		{[]heirAnswer{fit("n1", 9, 2), fit("n2", 5, 1)}, "n2"},
		{[]heirAnswer{fit("n1", 9, 2)}, "n1"},
	} {
		if best, why := bestHeir(test.answers, trail{}); best == nil || best.name != test.want {
			t.Errorf("the heir is %v (%s), not %s", best, why, test.want)
		}
	}
}
