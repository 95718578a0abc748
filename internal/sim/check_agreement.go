package sim

import "github.com/baristadb/barista/internal/paxos"

// agreement holds what was called chosen, at each index the first value, and which acceptors durably keep what.
//
// Invariant: log[i] is the value at index i+1; a value is taken only when a majority of the voters that govern its index keep it.
type agreement struct {
	log     []paxos.Value
	keepers map[paxos.Index]map[paxos.NodeID]paxos.Value
	members paxos.Membership // that governs the next index
	changed paxos.Index      // where it was chosen
}

func newAgreement(members paxos.Membership) agreement {
	return agreement{keepers: make(map[paxos.Index]map[paxos.NodeID]paxos.Value), members: members}
}

// head is the last index that anybody has called chosen.
func (a *agreement) head() paxos.Index { return paxos.Index(len(a.log)) }

func (a *agreement) at(i paxos.Index) paxos.Value { return a.log[i-1] }

func (a *agreement) keep(id paxos.NodeID, e paxos.Entry) {
	if a.keepers[e.Index] == nil {
		a.keepers[e.Index] = make(map[paxos.NodeID]paxos.Value)
	}
	a.keepers[e.Index][id] = e.Value
}

// chosen is a node calling a value chosen. Everybody who ever calls one chosen at that index must mean the same.
func (c *checkers) chosen(p *process, i paxos.Index, v paxos.Value) {
	a := &c.agreement
	switch {
	case i <= a.head():
		if !a.at(i).Equal(v) {
			c.world.violated("agreement", "index %d: %s calls %s chosen, and %s was", i, p.machine.name, describeValue(v), describeValue(a.at(i)))
		}
	case i > a.head()+1:
		c.world.violated("agreement", "%s calls index %d chosen, and nobody has called index %d so", p.machine.name, i, a.head()+1)
	default:
		c.keptByMajority(p, i, v)
		a.log = append(a.log, v)
		c.changesMembers(i, v)
		c.place(i, v)
		c.world.figures.Entries++
	}
}

// keptByMajority: a value is chosen only when a majority of the voters durably keep it. Whoever calls it chosen earlier has counted
// somebody twice, or somebody who would not know of it after a crash.
func (c *checkers) keptByMajority(p *process, i paxos.Index, v paxos.Value) {
	if blind("majority") {
		return
	}
	keepers := 0
	for _, id := range c.agreement.members.Voters() {
		if kept, ok := c.agreement.keepers[i][id]; ok && kept.Equal(v) {
			keepers++
		}
	}
	if quorum := c.agreement.members.Quorum(); keepers < quorum {
		c.world.violated("majority", "%s calls index %d chosen, which %d voters keep on disk, of %d", p.machine.name, i, keepers, quorum)
	}
}

// survived compares a journal with what was chosen. A node that was started has forgotten nothing that it had called chosen durably, and
// nothing in it has become something else.
func (c *checkers) survived(p *process) {
	a := &c.agreement
	floor, to := p.journal.Floor(), p.journal.ChosenTo()
	if to > a.head() {
		c.world.violated("survival", "%s has index %d in its journal as chosen, and the last one is %d", p.machine.name, to, a.head())
	}
	err := p.journal.Scan(func(e paxos.Entry) error {
		if !a.at(e.Index).Equal(e.Value) {
			c.world.violated("survival", "%s holds %s at index %d, where %s was chosen",
				p.machine.name, describeValue(e.Value), e.Index, describeValue(a.at(e.Index)))
		}
		return nil
	})
	if err != nil {
		c.world.violated("survival", "%s cannot read its journal: %v", p.machine.name, err)
	}
	c.floorIsTrue(p, floor)
}
