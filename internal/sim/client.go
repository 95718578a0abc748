package sim

import (
	"fmt"
	"slices"

	"github.com/baristadb/barista/internal/paxos"
)

// A client asks for one transaction after the other, through any node: the one that it speaks with passes it on to the leader.
type client struct {
	world *world
	name  string
	door  *machine
	op    *op  // nil: it thinks
	told  bool // what to ask for, by a script
}

func newClient(w *world, number int) *client {
	return &client{world: w, name: fmt.Sprintf("c%d", number+1), door: w.machines[number%len(w.machines)]}
}

// patience is how long a client waits for an answer before it goes away.
const patience = 8 * second

func (c *client) thinks() {
	c.op = nil
	if c.told {
		return
	}
	c.world.after(span(c.world.rand, 0, 2*c.world.plan.think), c.asks)
}

// asks begins a transaction at the client's node; if that does not know a leader, the client tries another one a little later.
func (c *client) asks() {
	w := c.world
	if w.silent || c.op != nil {
		return
	}
	leader := c.door.leader()
	if leader == nil || w.rand.IntN(20) == 0 {
		c.door = pick(w.rand, w.machines...)
	}
	if leader == nil {
		w.after(span(w.rand, 0, 2*w.plan.think+100*millisecond), c.asks)
		return
	}
	o := c.newOp(leader)
	w.note(c.name, "asks", uint64(o.id), uint64(leader.number))
	w.after(w.hop(), func() { o.arrive() })
	w.after(patience, func() {
		if o.outcome == pending {
			o.lost("no answer")
		}
	})
}

func (c *client) newOp(leader *machine) *op {
	w := c.world
	o := &op{
		id: opID(len(w.ops) + 1), client: c, kind: pick(w.rand, modifyOp, modifyOp, modifyOp, readOp, nextvalOp),
		database: pick(w.rand, "shop", "shop", "bank"), door: c.door, leader: leader, began: w.now,
	}
	for range 1 + w.rand.IntN(3)/2 {
		if key := w.rand.IntN(w.plan.keys); !slices.Contains(o.keys, key) {
			o.keys = append(o.keys, key)
		}
	}
	slices.Sort(o.keys)
	if o.kind == modifyOp && w.plan.chunkedOne > 0 && w.rand.IntN(w.plan.chunkedOne) == 0 {
		o.pieces = make([][]byte, 2)
	}
	o.usesSequence = o.kind == modifyOp && w.rand.IntN(4) == 0
	o.ddl = o.kind == modifyOp && w.rand.IntN(20) == 0
	if w.plan.databases {
		o.chooseDatabase()
	}
	if w.plan.schemas {
		o.chooseSchema()
	}
	w.ops = append(w.ops, o)
	c.op = o
	return o
}

// arrive is the transaction's first statement, at the node that is taken for the leader.
func (o *op) arrive() {
	switch w := o.client.world; {
	case o.gone:
	case o.leader.server.run == nil || !w.network.joined(o.door, o.leader):
		o.finish(refused, "the leader cannot be reached")
	default:
		w.during(o.leader.server.run.life, 0, func() {
			if !o.gone {
				o.leader.server.run.begin(o)
			}
		})
	}
}

// lost ends the client's connection if it goes through a machine whose barista died.
func (c *client) lost(m *machine) {
	if o := c.op; o != nil && (o.door == m || o.leader == m) {
		c.world.after(c.world.hop(), func() {
			if o.outcome == pending {
				o.lost("the connection was lost")
			}
		})
	}
}

// leader is the machine that a node takes for the leader's, nil if it knows none.
func (m *machine) leader() *machine {
	p := m.process
	if p == nil || p.replicator == nil || p.life.resumes() > m.world.now {
		return nil
	}
	member, ok := p.knows(leaderOf(p))
	if !ok {
		return nil
	}
	return m.world.machineNamed(member.Name)
}

func leaderOf(p *process) paxos.NodeID { return p.replicator.Status().Leader }
