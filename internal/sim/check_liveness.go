package sim

import (
	"fmt"

	"github.com/baristadb/barista/internal/replicator"
)

// unwell says what is still wrong some time after the faults have ceased; empty when nothing is: one node leads with an open gate, all
// machines are voters or spares, all servers show the whole order, and the states of sequences.
func (w *world) unwell() string {
	leaders := 0
	if w.rival() != nil {
		return "there are two clusters"
	}
	for _, m := range w.machines {
		p := m.process
		if p == nil || p.replicator == nil {
			return m.name + " is no member"
		}
		s := p.replicator.Status()
		if s.Phase == replicator.Open && !s.Suspended {
			leaders++
		}
		if member, ok := w.check.agreement.members.FindName(m.name, m.incarnation); !ok || !member.Voter && !member.Spare {
			return m.name + " does not vote"
		}
		if s.Index != w.check.agreement.head() {
			return fmt.Sprintf("%s has %d of %d entries", m.name, s.Index, w.check.agreement.head())
		}
		if d := m.server.data; m.server.run == nil || d == nil || uint64(d.applied()) != uint64(w.check.order.last()) {
			return fmt.Sprintf("the server of %s is not at the end of the order, %v", m.name, w.check.order.last())
		}
		if behind := w.check.sequencesBehind(m); behind != "" {
			return behind
		}
	}
	if leaders != 1 {
		return fmt.Sprintf("%d nodes lead", leaders)
	}
	return ""
}

// final compares everything when the cluster has come to rest.
func (c *checkers) final() {
	for _, m := range c.world.machines {
		c.survived(m.process)
		for key := range c.world.plan.registers() {
			if got, want := m.server.data.values[key], c.order.registers[key]; got != want {
				c.world.violated("state", "register %d is %d on %s, and the order makes it %d", key, got, m.name, want)
			}
		}
	}
	c.linearizable()
}
