package sim

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A server asks for so many transaction ids at once, and with less than half of them left.
const idsAsked = 64

// takeID gives the transaction its id, if there is one below the limit that is agreed on.
func (b *backend) takeID() bool {
	r := b.run
	next := r.server.data.nextID
	if next+idsAsked/2 > uint64(r.idLimit) {
		r.process.post(replicator.IDsWanted{Limit: changeset.IDLimit(next + idsAsked)})
	}
	if next >= uint64(r.idLimit) {
		return false
	}
	r.server.data.nextID++
	b.op.xid = next
	return true
}

// raiseIDs moves the counter of transaction ids up to a limit.
func (d *data) raiseIDs(limit changeset.IDLimit) { d.nextID = max(d.nextID, uint64(limit)) }

// idsShown is what leaders have shown to clients of transaction ids.
type idsShown struct {
	epoch    paxos.Ballot
	last     uint64 // that was shown, ever
	before   uint64 // the last that was shown in earlier epochs
	versions map[version]opID
}

// A version is what a client takes a row for: its key and its xmin.
type version struct {
	key  int
	xmin uint64
}

// showsIDs: what leaders show of transaction ids does not go back, and no xmin of a register is that of another version of it.
func (c *checkers) showsIDs(b *backend) {
	s := &c.ids
	if b.epoch > s.epoch {
		s.epoch, s.before = b.epoch, s.last
	}
	if b.op.xid <= s.before {
		c.world.violated("ids", "%s shows the transaction id %d, and %d was shown in an earlier epoch", b.run.server.machine.name, b.op.xid, s.before)
	}
	s.last = max(s.last, b.op.xid)
	for key, xmin := range b.xmins {
		v := version{key, xmin}
		if known, ok := s.versions[v]; ok && known != b.seen[key] {
			c.world.violated("ids", "%s shows register %d with the xmin %d, which was that of another version", b.run.server.machine.name, key, xmin)
		}
		s.versions[v] = b.seen[key]
	}
}

// appliesAbove: a row that is applied is newer than its writer was.
func (c *checkers) appliesAbove(r *run, id uint64, ops []*op) {
	for _, o := range ops {
		if id <= o.xid {
			c.world.violated("ids", "%s applies transaction %d under the id %d", r.server.machine.name, o.xid, id)
		}
	}
}
