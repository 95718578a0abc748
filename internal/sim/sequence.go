package sim

import "github.com/baristadb/barista/internal/changeset"

// sequenceCache is how many values a server takes at once: its horizon moves by so many, and must be agreed on before the first of them is
// given away, or together with the change set that uses it.
const sequenceCache = 8

// nextval takes the next value of the one sequence, and returns the state that must be agreed on before anybody may see the value.
func (b *backend) nextval() []changeset.SequenceState {
	r := b.run
	r.sequence++
	d := r.server.data
	if r.sequence > d.horizon {
		d.horizon = r.sequence + sequenceCache - 1
	}
	b.op.number = r.sequence
	return []changeset.SequenceState{{
		Database: "shop", Schema: "public", Name: "counter", Horizon: d.horizon, Called: true, LSN: uint64(d.horizon),
	}}
}

// setSequence makes the agreed state the server's: a former leader is ahead of what was agreed, and a follower behind it.
func (r *run) setSequence(states []changeset.SequenceState) {
	for _, s := range states {
		r.server.data.horizon, r.sequence = s.Horizon, s.Horizon
	}
}

// gives: no value of the sequence is given to two clients, nor stands in two change sets.
func (c *checkers) gives(o *op) {
	if other := c.given[o.number]; other != 0 {
		c.world.violated("sequence", "transactions %d and %d both got %d", other, o.id, o.number)
	}
	c.given[o.number] = o.id
}
