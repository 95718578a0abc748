package sim

import (
	"bytes"
	"strconv"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/replicator"
)

// apply takes one batch of the order, as one local transaction.
func (r *run) apply(b *replicator.Batch) {
	if !r.closed {
		r.world().violated("gate", "%s applies with an open gate", r.server.machine.name)
	}
	w := r.world()
	fails := w.plan.applyFailsOne > 0 && w.rand.IntN(w.plan.applyFailsOne) == 0
	r.sweep()
	if !r.knows(b) {
		w.violated("database", "%s is to apply change sets in %s, which it does not have", r.server.machine.name, b.Database)
	}
	for _, item := range b.Items {
		if item.Set != nil {
			r.server.data.makeFiles(r.cluster().opOf(item.Set))
		}
	}
	r.during(span(w.rand, 50*microsecond, 3*millisecond), func() {
		if fails {
			r.process.post(replicator.ApplyFailed{Batch: b.Number, Position: r.applied()})
			return
		}
		if code := r.cannotApply(b); code != "" {
			r.refuse(b, code)
			return
		}
		r.commitBatch(b)
		r.process.post(replicator.Applied{Batch: b.Number, Position: b.Position})
	})
}

func (r *run) commitBatch(b *replicator.Batch) {
	w, before := r.world(), r.applied()
	if b.Predecessor != before {
		w.violated("guard", "%s applies a batch on top of %v, and is at %v", r.server.machine.name, b.Predecessor, before)
	}
	var ops []*op
	var writes []write
	for _, item := range b.Items {
		if item.IDLimit != 0 {
			r.server.data.raiseIDs(item.IDLimit)
		}
		if item.Set == nil {
			r.setSequence(item.Sequences)
			continue
		}
		o := r.cluster().opOf(item.Set)
		payload, err := payloadOf(item)
		if err != nil {
			w.violated("payload", "%s cannot read the chunks of transaction %d: %v", r.server.machine.name, o.id, err)
		}
		if !bytes.Equal(o.whole(), payload) {
			w.violated("payload", "%s applies transaction %d with another payload than it had", r.server.machine.name, o.id)
		}
		ops = append(ops, o)
		writes = append(writes, o.writes...)
	}
	if b.Position == before && len(ops) == 0 {
		return
	}
	id := r.server.data.nextID
	r.server.data.nextID++
	r.cluster().check.appliesAbove(r, id, ops)
	r.server.data.commit(b.Position, id, writes)
	for _, o := range ops {
		r.takeChange(o)
		r.applyStates(o)
	}
	r.cluster().check.commits(r, before, b.Position, ops)
	r.cluster().check.sequencesStand(r, b.Position)
}

// payloadOf is the payload of a change set with all its chunks.
func payloadOf(item replicator.Item) (payload []byte, err error) {
	if item.Pieces != nil {
		for piece, err := range item.Pieces {
			if err != nil {
				return nil, err
			}
			payload = append(payload, piece...)
		}
	}
	return append(payload, item.Set.Payload...), nil
}

// opOf finds the transaction that a change set came from. It is one of this cluster, and of no other.
func (c *cluster) opOf(set *changeset.ChangeSet) *op {
	w := c.world
	n, err := strconv.ParseUint(set.RequestID, 10, 64)
	if err != nil || n == 0 || n > uint64(len(w.ops)) {
		w.violated("payload", "change set %v is of no transaction: request %q", set.ID, set.RequestID)
	}
	o := w.ops[n-1]
	if o.cluster != c {
		w.violated("rivals", "transaction %d was begun in another cluster", o.id)
	}
	return o
}
