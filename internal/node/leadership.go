package node

import (
	"context"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// leadership tells who leads, as this node knows it, and when that ends.
type leadership struct {
	silence time.Duration // after so long without a word of a leader its leadership counts as ended

	mu      sync.Mutex // guards the rest
	leader  paxos.NodeID
	ballot  paxos.Ballot
	open    bool      // this node leads with an open gate and a lease
	heard   time.Time // when a leader was last known
	lost    chan struct{}
	changed chan struct{}
}

func newLeadership(silence time.Duration) *leadership {
	return &leadership{silence: silence, lost: make(chan struct{}), changed: make(chan struct{})}
}

// view is who leads at a moment.
type view struct {
	leader  paxos.NodeID
	open    bool
	lost    <-chan struct{} // closed when this leadership ended
	changed <-chan struct{} // closed at the next change of anything
}

func (l *leadership) view() view {
	l.mu.Lock()
	defer l.mu.Unlock()
	return view{l.leader, l.open, l.lost, l.changed}
}

// follow watches the driver until ctx ends. The driver tells something at least once a tick.
func (l *leadership) follow(ctx context.Context, d *replicator.Driver) {
	for {
		next := d.Watch()
		l.update(d.Status(), time.Now())
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

// update takes what the driver says. A leadership has ended when another one is known, or when nothing was heard of it for so long that it
// must have suspended and closed its gate if it is alive. A short silence, of a busy machine for example, ends nothing.
func (l *leadership) update(s replicator.Status, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := s.Phase == replicator.Open && !s.Suspended
	ended := s.Ballot != l.ballot
	if s.Leader != 0 {
		l.heard = now
	} else if !l.heard.IsZero() && now.Sub(l.heard) > l.silence {
		ended, l.heard = true, time.Time{}
	}
	if s.Leader == l.leader && open == l.open && !ended {
		return
	}
	if ended {
		close(l.lost)
		l.lost = make(chan struct{})
	}
	l.leader, l.ballot, l.open = s.Leader, s.Ballot, open
	close(l.changed)
	l.changed = make(chan struct{})
}
