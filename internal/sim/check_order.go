package sim

import (
	"fmt"
	"maps"
	"sort"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// order is a deliberately simple twin of replicator.Order: from the chosen entries it says which transactions take effect, in which order.
type order struct {
	greatest  paxos.Ballot
	opened    map[paxos.Ballot]paxos.Index
	members   paxos.Membership
	places    []place
	states    []state // after each index
	registers map[int]opID
	begun     map[changeset.ID][][]byte // chunked sets that are not finished
	sequences map[sequenceName]int64    // the agreed horizons
	lastTime  int64                     // the greatest commit time
}

// A place is a transaction that takes effect.
type place struct {
	position changeset.Position
	op       *op
}

// state is what a floor at an index must say.
type state struct {
	greatest paxos.Ballot
	position changeset.Position
	members  paxos.Membership
	lastTime int64

	sequences map[sequenceName]int64
}

func newOrderTwin(members paxos.Membership) order {
	return order{members: members, opened: make(map[paxos.Ballot]paxos.Index), registers: make(map[int]opID), begun: make(map[changeset.ID][][]byte),
		sequences: make(map[sequenceName]int64)}
}

// place takes the next chosen value into the order.
func (c *checkers) place(i paxos.Index, v paxos.Value) {
	o := &c.order
	void := v.Epoch < o.greatest
	switch v.Kind {
	case paxos.KindEpochOpen, paxos.KindNoop:
		c.opens(i, v)
		if v.Epoch > o.greatest {
			o.greatest = v.Epoch
			clear(o.begun)
		}
	case paxos.KindMember:
		o.members = o.members.Apply(v)
	case paxos.KindChunk:
		if !void {
			c.placeChunk(i, v)
		}
	case paxos.KindChangeSets:
		c.placeSets(i, v, void)
	case paxos.KindSequence:
		if !void {
			c.placeSequences(i, v)
		}
	}
	s := state{greatest: o.greatest, members: o.members, lastTime: o.lastTime, sequences: maps.Clone(o.sequences)}
	if n := len(o.places); n > 0 {
		s.position = o.places[n-1].position
	}
	o.states = append(o.states, s)
}

// opens: an epoch is opened once.
func (c *checkers) opens(i paxos.Index, v paxos.Value) {
	if v.Kind != paxos.KindEpochOpen {
		return
	}
	if first := c.order.opened[v.Epoch]; first != 0 {
		c.world.violated("order", "index %d opens epoch %v, which index %d has opened", i, v.Epoch, first)
	}
	c.order.opened[v.Epoch] = i
}

func (c *checkers) placeChunk(i paxos.Index, v paxos.Value) {
	chunk, err := changeset.DecodeChunk(v.Body)
	if err != nil {
		c.world.violated("order", "index %d: %v", i, err)
	}
	if chunk.Ordinal == ^uint32(0) {
		delete(c.order.begun, chunk.ID)
		return
	}
	c.order.begun[chunk.ID] = append(c.order.begun[chunk.ID], chunk.Data)
}

func (c *checkers) placeSets(i paxos.Index, v paxos.Value, void bool) {
	sets, err := changeset.DecodeChangeSets(v.Body)
	if err != nil {
		c.world.violated("order", "index %d: %v", i, err)
	}
	for k := range sets {
		op := c.cluster.opOf(&sets[k])
		if op.proposedAt != i {
			c.world.violated("order", "transaction %d is chosen at index %d, and was proposed at %d", op.id, i, op.proposedAt)
		}
		if void {
			c.world.figures.Voided++
			continue
		}
		if len(op.pieces) != len(c.order.begun[sets[k].ID]) {
			c.world.violated("order", "transaction %d at index %d has %d chunks of %d", op.id, i, len(c.order.begun[sets[k].ID]), len(op.pieces))
		}
		delete(c.order.begun, sets[k].ID)
		if sets[k].Committed <= c.order.lastTime {
			c.world.violated("order", "transaction %d at index %d is committed at %d, and one before it at %d", op.id, i, sets[k].Committed, c.order.lastTime)
		}
		c.order.lastTime = sets[k].Committed
		c.takesEffect(changeset.At(uint64(i), k), op)
	}
}

// takesEffect: a transaction that was computed on values that are not there any more must not take effect.
func (c *checkers) takesEffect(at changeset.Position, op *op) {
	o := &c.order
	c.entered(op)
	for _, w := range op.writes {
		if o.registers[w.key] != w.from {
			c.world.violated("lost update", "transaction %d at %v read %d in register %d, which %d has written since",
				op.id, at, w.from, w.key, o.registers[w.key])
		}
		o.registers[w.key] = w.to
	}
	if op.usesSequence {
		c.gives(op)
	}
	o.renameSequences(op)
	o.places = append(o.places, place{at, op})
	op.place = len(o.places)
}

// commits is a server that goes from one position to another: with exactly the transactions between, each once, in the order.
func (c *checkers) commits(r *run, before, to changeset.Position, ops []*op) {
	o, name := &c.order, r.server.machine.name
	first := sort.Search(len(o.places), func(k int) bool { return o.places[k].position > before })
	end := sort.Search(len(o.places), func(k int) bool { return o.places[k].position > to })
	if end < first || end == 0 || o.places[end-1].position != to {
		c.world.violated("order", "%s commits at %v, where nothing takes effect", name, to)
	}
	expected := make([]*op, 0, end-first)
	for _, p := range o.places[first:end] {
		expected = append(expected, p.op)
	}
	same := len(expected) == len(ops)
	for k := 0; same && k < len(ops); k++ {
		same = ops[k] == expected[k]
	}
	if !same {
		c.world.violated("order", "%s goes from %v to %v with transactions %s, and the order has %s",
			name, before, to, listed(ops), listed(expected))
	}
	c.world.note(name, "commits", uint64(to))
}

func listed(ops []*op) string {
	text := "["
	for _, o := range ops {
		text += fmt.Sprintf(" %d", o.id)
	}
	return text + " ]"
}

// floorIsTrue compares the log's state at a floor with what the log says.
func (c *checkers) floorIsTrue(p *process, f paxos.Floor) {
	if f.Index == 0 || blind("floor") {
		return
	}
	if f.Index > c.agreement.head() {
		c.world.violated("floor", "%s has a floor at %d, and the last chosen index is %d", p.machine.name, f.Index, c.agreement.head())
	}
	s := c.order.states[f.Index-1]
	if f.Greatest != s.greatest || changeset.Position(f.Position) != s.position || f.Members.Version != s.members.Version {
		c.world.violated("floor", "%s has a floor at %d with epoch %v, position %v, membership %d, and the log says %v, %v, %d",
			p.machine.name, f.Index, f.Greatest, changeset.Position(f.Position), f.Members.Version, s.greatest, s.position, s.members.Version)
	}
	if f.CommitTime != s.lastTime {
		c.world.violated("floor", "%s has a floor at %d with commit time %d, and the log says %d", p.machine.name, f.Index, f.CommitTime, s.lastTime)
	}
	sequences := make(map[sequenceName]int64)
	for _, q := range f.Sequences {
		sequences[sequenceName{q.Database, q.Schema}] = q.Horizon
	}
	if !maps.Equal(sequences, s.sequences) && !blind("floor's sequences") {
		c.world.violated("floor", "%s has a floor at %d with the states of sequences %v, and the log says %v", p.machine.name, f.Index, sequences, s.sequences)
	}
}

// purges: a node never purges what its own server has not flushed, nor lets it go for the floor of a peer.
func (c *checkers) purges(p *process, f paxos.Floor) {
	c.floorIsTrue(p, f)
	if holds := p.machine.server.holdsTo(); uint64(holds) < f.Position {
		c.world.violated("purge", "%s purges to position %v, and its server has flushed %v", p.machine.name, changeset.Position(f.Position), holds)
	}
}

// last is the position of the last transaction that takes effect.
func (o *order) last() changeset.Position {
	if len(o.places) == 0 {
		return 0
	}
	return o.places[len(o.places)-1].position
}
