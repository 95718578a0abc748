package sim

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// proposes sees what a leader writes down as its own proposal. A transaction is proposed at one index, once (a later leader may adopt it
// there), and never after it was refused.
func (c *checkers) proposes(e paxos.Entry) {
	if e.Value.Kind != paxos.KindChangeSets {
		return
	}
	sets, err := changeset.DecodeChangeSets(e.Value.Body)
	if err != nil {
		c.world.violated("truth", "index %d: %v", e.Index, err)
	}
	for k := range sets {
		o := c.cluster.opOf(&sets[k])
		if o.proposedAt != 0 && o.proposedAt != e.Index {
			c.world.violated("truth", "transaction %d is proposed at index %d, and was at %d", o.id, e.Index, o.proposedAt)
		}
		o.proposedAt = e.Index
		if o.outcome == refused {
			c.world.violated("truth", "transaction %d is proposed at index %d, and was refused", o.id, e.Index)
		}
	}
}

// told checks what a client is told, at that moment. With proposes, it also holds for ever after.
func (c *checkers) told(o *op) {
	switch {
	case o.outcome == committed && o.kind == modifyOp && o.place == 0:
		c.world.violated("truth", "transaction %d is called committed, and is not in the order", o.id)
	case o.outcome == refused && o.proposedAt != 0:
		c.world.violated("truth", "transaction %d is called refused, and was proposed at index %d", o.id, o.proposedAt)
	case o.outcome == committed && o.kind == nextvalOp:
		c.gives(o)
	}
}
