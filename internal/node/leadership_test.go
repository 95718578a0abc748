package node

import (
	"testing"
	"time"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A leadership ends with another one, or after a long silence; a short one, of a busy machine, ends nothing.
func TestWhenALeadershipEnds(t *testing.T) {
	first := replicator.Status{Leader: 1, Ballot: paxos.MakeBallot(1, 1)}
	silent := replicator.Status{Leader: 0, Ballot: first.Ballot}
	second := replicator.Status{Leader: 2, Ballot: paxos.MakeBallot(2, 2)}
	began := time.Unix(1000, 0)
	for _, test := range []struct {
		name  string
		then  replicator.Status
		after time.Duration
		lost  bool
	}{
		{"the same leader", first, time.Hour, false},
		{"a short silence", silent, 2 * time.Second, false},
		{"a long silence", silent, 7 * time.Second, true},
		{"another leader", second, time.Millisecond, true},
	} {
		l := newLeadership(6 * time.Second)
		l.update(first, began)
		before := l.view()
		l.update(test.then, began.Add(test.after))
		if got := isClosed(before.lost); got != test.lost {
			t.Errorf("%s: ended %v, want %v", test.name, got, test.lost)
		}
		if isClosed(l.view().lost) {
			t.Errorf("%s: the next leadership begins ended", test.name)
		}
	}
}

// Whoever waits for a leader hears of it, and of its gate.
func TestLeadershipTellsChanges(t *testing.T) {
	l := newLeadership(time.Second)
	waiting := l.view()
	l.update(replicator.Status{Leader: 1, Ballot: paxos.MakeBallot(1, 1), Phase: replicator.Opening}, time.Unix(1, 0))
	if !isClosed(waiting.changed) {
		t.Error("a new leader was not told")
	}
	waiting = l.view()
	l.update(replicator.Status{Leader: 1, Ballot: paxos.MakeBallot(1, 1), Phase: replicator.Open}, time.Unix(1, 0))
	if !isClosed(waiting.changed) || isClosed(waiting.lost) || !l.view().open {
		t.Error("an open gate is a change, and not the end of the leadership")
	}
}
