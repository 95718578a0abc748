package node

import (
	"context"
	"sync"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// leadership tells who leads, as this node knows it, and when that ends.
type leadership struct {
	mu      sync.Mutex // guards the rest
	leader  paxos.NodeID
	ballot  paxos.Ballot
	open    bool // this node leads with an open gate and a lease
	lost    chan struct{}
	changed chan struct{}
}

func newLeadership() *leadership {
	return &leadership{lost: make(chan struct{}), changed: make(chan struct{})}
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

// follow watches the driver until ctx ends.
func (l *leadership) follow(ctx context.Context, d *replicator.Driver) {
	for {
		next := d.Watch()
		l.update(d.Status())
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

func (l *leadership) update(s replicator.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := s.Phase == replicator.Open && !s.Suspended
	if s.Leader == l.leader && s.Ballot == l.ballot && open == l.open {
		return
	}
	if s.Leader != l.leader || s.Ballot != l.ballot {
		close(l.lost)
		l.lost = make(chan struct{})
	}
	l.leader, l.ballot, l.open = s.Leader, s.Ballot, open
	close(l.changed)
	l.changed = make(chan struct{})
}
