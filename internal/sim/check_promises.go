package sim

import "github.com/baristadb/barista/internal/paxos"

// promises remembers what nodes have said to each other, for ever: a node keeps its word also when it has crashed in between.
type promises struct {
	promised map[paxos.NodeID]paxos.Ballot // the greatest that a node has promised or accepted at
	prepared map[paxos.Ballot]*process     // who began phase 1 with a ballot
	proposed map[proposal]paxos.Value
}

type proposal struct {
	ballot paxos.Ballot
	index  paxos.Index
}

func newPromises() promises {
	return promises{
		promised: make(map[paxos.NodeID]paxos.Ballot), prepared: make(map[paxos.Ballot]*process), proposed: make(map[proposal]paxos.Value),
	}
}

// says hears a message when it is sent, whether or not it arrives.
func (c *checkers) says(p *process, message paxos.Message) {
	switch m := message.(type) {
	case paxos.Prepare, paxos.Promise, paxos.Accept:
		p.goesOn("votes")
	case paxos.Accepted:
		if m.First <= m.Last {
			p.goesOn("votes")
		}
	}
	if blind("promise") {
		return
	}
	switch m := message.(type) {
	case paxos.Prepare:
		c.prepares(p, m.Ballot)
	case paxos.Promise:
		c.takesPart(p, m.Ballot, "promises")
	case paxos.Accepted:
		if m.First <= m.Last {
			c.takesPart(p, m.Ballot, "accepts at")
		}
	case paxos.Accept:
		for k, v := range m.Values {
			c.proposesAt(p, proposal{m.Ballot, m.First + paxos.Index(k)}, v)
		}
	}
}

// prepares: no ballot is used twice, not even after a restart.
func (c *checkers) prepares(p *process, b paxos.Ballot) {
	if b.Node() != p.id {
		c.world.violated("promise", "%s prepares ballot %v, which is not its own", p.machine.name, b)
	}
	if first := c.promises.prepared[b]; first != nil && first != p {
		c.world.violated("promise", "%s prepares ballot %v, which it has used before it was restarted", p.machine.name, b)
	}
	c.promises.prepared[b] = p
}

// takesPart: whoever has taken part in a ballot takes part in none below it.
func (c *checkers) takesPart(p *process, b paxos.Ballot, how string) {
	if promised := c.promises.promised[p.id]; b < promised {
		c.world.violated("promise", "%s %s ballot %v, and has promised %v", p.machine.name, how, b, promised)
	}
	c.promises.promised[p.id] = b
}

// proposesAt: at one ballot, one value is proposed for an index.
func (c *checkers) proposesAt(p *process, at proposal, v paxos.Value) {
	if first, ok := c.promises.proposed[at]; ok && !first.Equal(v) {
		c.world.violated("promise", "%s proposes %s at index %d and ballot %v, and has proposed %s there",
			p.machine.name, describeValue(v), at.index, at.ballot, describeValue(first))
	}
	c.promises.proposed[at] = v
}
