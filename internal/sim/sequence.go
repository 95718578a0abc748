package sim

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/replicator"
)

// sequenceCache is how many values a server takes at once: its horizon moves by so many, and must be agreed on before the first of them is
// given away.
const sequenceCache = 8

// nextval takes the next value of the one sequence. It is given to the client when a horizon above it is agreed on.
func (b *backend) nextval() {
	r := b.run
	r.sequence++
	d := r.server.data
	if r.sequence > d.horizon {
		d.horizon = r.sequence + sequenceCache - 1
	}
	b.op.number = r.sequence
	b.stage = proposed
	r.process.submit(replicator.Submitted{Backend: b.id, Request: 1, Epoch: b.epoch, Sequences: []changeset.SequenceState{{
		Database: "shop", Schema: "public", Name: "counter", Horizon: d.horizon, Called: true, LSN: uint64(d.horizon),
	}}})
}

// setSequence makes the agreed state the server's: a former leader is ahead of what was agreed, and a follower behind it.
func (r *run) setSequence(states []changeset.SequenceState) {
	for _, s := range states {
		r.server.data.horizon, r.sequence = s.Horizon, s.Horizon
	}
}
