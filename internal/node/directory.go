package node

import (
	"sync/atomic"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/transport"
)

// directory translates between the numbers of the membership and the names of the transport. A joiner begins with the membership that
// admitted it and goes on with its own.
type directory struct {
	members atomic.Pointer[paxos.Membership]
}

func newDirectory(members paxos.Membership) *directory {
	d := &directory{}
	d.members.Store(&members)
	return d
}

// update takes a newer membership; an older one is ignored.
func (d *directory) update(members paxos.Membership) {
	if members.Version > d.members.Load().Version {
		d.members.Store(&members)
	}
}

// voters is how many nodes vote. A joiner that has not read the log yet does not take its cluster for a smaller one.
func (d *directory) voters() int { return len(d.members.Load().Voters()) }

// name returns the name of a node, or "" if it is no member.
func (d *directory) name(id paxos.NodeID) string {
	m, _ := d.members.Load().Find(id)
	return m.Name
}

// node returns the number of an incarnation, or 0 if it is no member: then nothing that it says about agreement counts, for an
// acceptor that lost its memory must not vote as if it remembered.
func (d *directory) node(from transport.Identity) paxos.NodeID {
	m, ok := d.members.Load().FindName(from.Name, from.Incarnation)
	if !ok {
		return 0
	}
	return m.Node
}
