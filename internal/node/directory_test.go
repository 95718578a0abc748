package node

import (
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

func TestVotersOfTheNewestMembership(t *testing.T) {
	// Shows that a joiner counts the voters of the membership that admitted it, and not those of the log as far as it has read that: it would stop for a
	// cluster of one voter, which is the one to stop.
	first := paxos.FirstMembership("n1", 1, "a:1")
	second := first.AddLearner("n2", 2, "a:2")
	third := second.Promote(2)
	d := newDirectory(first)
	for _, m := range []paxos.Membership{third, second} {
		if d.update(m); d.voters() != 2 {
			t.Errorf("with %+v it counts %d voters", m, d.voters())
		}
	}
}
