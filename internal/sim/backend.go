package sim

import (
	"slices"
	"strconv"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A backend is a session on a leader's server with its one transaction: it reads, locks, writes, asks at the gate, waits for its turn,
// commits. Its locks stay held from before it asks until it knows the outcome, whatever becomes of its client.
type backend struct {
	run    *run
	id     replicator.BackendID
	op     *op
	stage  stage
	epoch  paxos.Ballot // seen open before its first write
	seen   map[int]opID // the values that its snapshot showed
	xmins  map[int]uint64
	locked []int
	answer replicator.Answer
}

// A stage is how far a transaction is.
type stage uint8

const (
	working stage = iota
	proposed
	waitingForTurn
	committing
)

// begin starts a transaction for a client. With the gate closed there is none.
func (r *run) begin(o *op) {
	if r.closed || r.epoch == 0 {
		o.reply(refused, "this server does not lead")
		return
	}
	if !r.enter(o) {
		o.reply(refused, "there is no such database")
		return
	}
	r.numbered++
	b := &backend{run: r, id: replicator.BackendID(r.numbered), op: o, epoch: r.epoch, seen: make(map[int]opID), xmins: make(map[int]uint64)}
	o.backend, o.cluster = b, r.cluster()
	r.backends = append(r.backends, b)
	b.soon(b.read)
}

// soon goes on with a transaction after a short time, unless it is over by then.
func (b *backend) soon(do func()) {
	b.run.during(span(b.run.world().rand, 20*microsecond, 2*millisecond), func() {
		if b.op != nil {
			do()
		}
	})
}

// read takes the snapshot, and goes on only under a valid lease.
func (b *backend) read() {
	if !b.takeID() {
		b.soon(b.read) // until the gate closes, which ends it
		return
	}
	for _, key := range b.op.keys {
		b.seen[key], b.xmins[key] = b.run.server.data.values[key], b.run.server.data.xmins[key]
	}
	b.awaitLease()
}

func (b *backend) awaitLease() {
	if b.run.server.machine.now() >= b.run.lease {
		b.soon(b.awaitLease) // until the gate closes, which ends it
		return
	}
	b.run.cluster().check.showsIDs(b)
	switch {
	case b.op.kind == readOp:
		b.op.values = b.seen
		b.end(committed, "")
	case b.op.kind == nextvalOp:
		b.drawInVain()
		b.stage = proposed
		b.run.process.submit(replicator.Submitted{Backend: b.id, Request: 1, Epoch: b.epoch, Sequences: b.nextval()})
	default:
		b.soon(func() { b.lock(b.op.keys) })
	}
}

// lock takes the row locks in the order of keys. Whoever comes second waits.
func (b *backend) lock(keys []int) {
	for k, key := range keys {
		if holder := b.run.locks[key]; holder != nil && holder != b {
			b.soon(func() { b.lock(keys[k:]) })
			return
		}
		b.run.locks[key] = b
		b.locked = append(b.locked, key)
		if b.run.server.data.values[key] != b.seen[key] {
			b.rollBack("a register has changed since it was read")
			return
		}
	}
	b.soon(b.ask)
}

func (b *backend) unlock() {
	for _, key := range b.locked {
		if b.run.locks[key] == b {
			delete(b.run.locks, key)
		}
	}
	b.locked = nil
}

// ask sends the change set through the gate. From here on only barista knows the outcome.
func (b *backend) ask() {
	if b.run.closed {
		b.rollBack("the gate was closed")
		return
	}
	if b.run.server.machine.packed {
		b.rollBack("there is no room on the disk")
		return
	}
	if b.op.change != nil && !b.mayChange() || b.op.schemas != nil && !b.mayChangeSchemas() {
		b.rollBack("the databases or schemas are not as they must be")
		return
	}
	b.run.server.data.makeFiles(b.op)
	b.op.submit(b.run, b.seen)
	b.spill()
	if b.op.gone && b.run.world().rand.IntN(2) == 0 {
		b.discard()
		return
	}
	b.stage = proposed
	set := b.changeSet()
	submitted := replicator.Submitted{Backend: b.id, Request: 1, Epoch: b.epoch, Set: &set, Arrived: int64(b.run.server.machine.now()) / 1000}
	if b.op.usesSequence {
		b.drawInVain()
		submitted.Sequences = b.nextval()
	}
	b.run.process.submit(submitted)
	if planted(locksReleased) {
		b.unlock()
	}
}

// spill sends what does not fit into memory ahead of the rest.
func (b *backend) spill() {
	for k, piece := range b.op.pieces {
		b.run.process.submit(replicator.ChunkSubmitted{Backend: b.id, Request: 1, Ordinal: uint32(k), Data: piece})
	}
}

// discard rolls back what was spilled: the transaction says so, or its connection ends.
func (b *backend) discard() {
	if b.run.world().rand.IntN(2) == 0 {
		b.run.process.submit(replicator.Discarded{Backend: b.id, Request: 1})
	} else {
		b.run.process.submit(replicator.BackendGone{Backend: b.id})
	}
	b.rollBack("its client is gone")
}

func (b *backend) changeSet() changeset.ChangeSet {
	o := b.op
	set := changeset.ChangeSet{
		ID: changeset.MakeID(b.run.start, uint64(o.id)), Origin: uint16(b.run.process.id), Database: o.database,
		RequestID: strconv.FormatUint(uint64(o.id), 10), Payload: o.payload,
	}
	if len(o.pieces) > 0 {
		set.Flags, set.Chunks = changeset.Last, uint32(len(o.pieces))
	} else if o.ddl {
		set.Flags = changeset.HasDDL
	}
	if o.change != nil || o.schemas != nil {
		set.Flags |= changeset.HasSequences // it names databases, or sequences
	}
	return set
}

// answered takes barista's answer.
func (b *backend) answered(a replicator.Answer) {
	switch a.Verdict {
	case replicator.Agreed:
		b.end(committed, "")
	case replicator.Refused:
		b.rollBack(a.Message)
	case replicator.Unknown:
		b.unknown("the epoch ended")
	case replicator.Chosen:
		b.stage, b.answer = waitingForTurn, a
		b.run.takeTurns()
	}
}

// commit is the end of the turn. The guard asks first: a closed gate, or a server that is not exactly at the predecessor, commits nothing.
func (b *backend) commit() {
	r := b.run
	if r.closed {
		b.unknown("the gate was closed in its turn")
		return
	}
	b.stage = committing
	r.during(span(r.world().rand, 10*microsecond, millisecond), func() {
		before := r.applied()
		if before != b.answer.Predecessor {
			r.world().violated("guard", "%s commits %v on top of %v, not of %v", r.server.machine.name, b.answer.Position, before, b.answer.Predecessor)
		}
		r.server.data.commit(b.answer.Position, b.op.xid, b.op.writes)
		r.takeChange(b.op)
		if b.op.change != nil {
			r.during(span(r.world().rand, 0, 5*millisecond), r.sweep)
		}
		r.cluster().check.commits(r, before, b.answer.Position, []*op{b.op})
		b.end(committed, "")
		r.takeTurns()
	})
}

func (b *backend) rollBack(why string) { b.end(refused, why) }

// unknown ends a transaction whose outcome this server cannot tell; the session ends with it.
func (b *backend) unknown(why string) { b.end(unknown, why) }

func (b *backend) end(outcome outcome, why string) {
	b.unlock()
	b.run.backends = slices.DeleteFunc(b.run.backends, func(other *backend) bool { return other == b })
	o := b.op
	b.op, o.backend = nil, nil
	if outcome == committed {
		b.run.process.goesOn("acknowledges")
	}
	o.reply(outcome, why)
}

// connectionLost is what the client sees when the server dies.
func (b *backend) connectionLost() {
	o := b.op
	b.op, o.backend = nil, nil
	o.lost("the server died")
}
