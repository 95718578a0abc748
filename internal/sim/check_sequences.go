package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

func (c *checkers) placeSequences(i paxos.Index, v paxos.Value) {
	states, err := changeset.DecodeSequences(v.Body)
	if err != nil {
		c.world.violated("order", "index %d: %v", i, err)
	}
	for _, s := range states {
		c.order.sequences[sequenceName{s.Database, s.Schema}] = s.Horizon
	}
}

// renameSequences lets states follow their sequences' names, as the transaction says that it has changed them, not as its messages do.
func (o *order) renameSequences(op *op) {
	if d := op.change; d != nil && d.kind != createDatabase {
		from := sequenceName{fairName(d.from), "public"}
		horizon, known := o.sequences[from]
		delete(o.sequences, from)
		if known && d.kind == renameDatabase {
			o.sequences[sequenceName{fairName(d.to), "public"}] = horizon
		}
	}
	if s := op.schemas; s != nil {
		for _, name := range s.given {
			delete(o.sequences, sequenceName{"shop", name})
		}
		for _, left := range s.left {
			o.sequences[sequenceName{left.Database, left.Schema}] = left.Horizon
		}
	}
}

// sequencesStand: what apply has brought to a position has there each sequence that is known with a state that was agreed on at that position, or
// behind it and before the next.
func (c *checkers) sequencesStand(r *run, at changeset.Position) {
	index := paxos.Index(at.Index())
	if c.order.states[index-1].position != at {
		return // others of the entry follow
	}
	for name := range c.order.states[index-1].sequences {
		instance, ok := r.server.data.sequenceAt(&c.world.plan, name)
		got, agreed := r.server.data.horizons[instance], false
		for i := index; ok && !agreed && i <= c.agreement.head() && c.order.states[i-1].position == at; i++ {
			agreed = c.order.states[i-1].sequences[name] == got
		}
		if !agreed && !blind("states") {
			c.world.violated("state", "at %v the sequence %s.%s stands at %d on %s, and the order has it at %d",
				at, name.database, name.schema, got, r.server.machine.name, c.order.states[index-1].sequences[name])
		}
	}
}

// sequencesBehind names a sequence that is not where it comes to rest: every follower's stand where the order says, and the leader's not before that.
func (c *checkers) sequencesBehind(m *machine) string {
	leads := m.process.replicator.Status().Phase == replicator.Open
	for _, name := range slices.SortedFunc(maps.Keys(c.order.sequences), sequenceName.compare) {
		want := c.order.sequences[name]
		instance, ok := m.server.data.sequenceAt(&c.world.plan, name)
		if got := m.server.data.horizons[instance]; !ok || got < want || got > want && !leads {
			return fmt.Sprintf("the sequence %s.%s stands at %d on %s, and the order has it at %d", name.database, name.schema, got, m.name, want)
		}
	}
	return ""
}
