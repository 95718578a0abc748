package paxos

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// A machine is a driver for one Node: a disk that remembers what was synced, and
// a clock of its own.
type machine struct {
	id     NodeID
	cfg    Config
	node   *Node    // nil while crashed
	skew   Span     // this machine's clock less the network's
	paused bool     // its process stands still
	inbox  []packet // what has come meanwhile

	rate int64 // by how many millionths its clock runs faster

	runs     bool // its node has a past
	disowned bool // it was found that its disk is an older copy

	disk    []Record        // what the journal holds
	durable int             // how much of it would survive a crash
	kept    map[Index]Entry // what was ever durably accepted, the last at each index
	pending []Ready         // handed out, not yet durable
	marks   []int           // for each of pending, the length of the disk with it

	log     []Entry // chosen entries that were handed out, in order
	members map[Index]Membership
	floor   Floor
	offers  []FloorOffer
}

// journal is what records amount to.
type journal struct {
	floor    Floor
	promised Ballot
	accepted map[Index]Entry
	chosenTo Index
	life     Life
	seen     map[NodeID]Sighting
}

// replay reads a journal from its records.
func replay(records []Record) journal {
	j := journal{accepted: make(map[Index]Entry), seen: make(map[NodeID]Sighting)}
	for _, r := range records {
		j.life.Take(r)
		switch r := r.(type) {
		case PromiseRecord:
			j.promised = max(j.promised, r.Ballot)
		case AcceptRecord:
			j.accepted[r.Entry.Index] = r.Entry
		case ChosenRecord:
			j.chosenTo = max(j.chosenTo, r.To)
		case SightingRecord:
			j.seen[r.Sighting.Node] = r.Sighting
		case FloorRecord:
			j.floor = r.Floor
			j.chosenTo = max(j.chosenTo, r.Floor.Index)
			for i := range j.accepted {
				if i <= r.Floor.Index {
					delete(j.accepted, i)
				}
			}
		}
	}
	return j
}

// restored is what a node is started with.
func (j journal) restored() Restored {
	r := Restored{Floor: j.floor, Promised: j.promised, ChosenTo: j.chosenTo, Members: j.floor.Members}
	for i := j.floor.Index + 1; i <= j.chosenTo; i++ {
		e, ok := j.accepted[i]
		if !ok {
			panic(fmt.Sprintf("the journal lacks the chosen entry %d", i))
		}
		r.Members = r.Members.Apply(e.Value)
	}
	for i, e := range j.accepted {
		if i > j.chosenTo {
			r.Entries = append(r.Entries, e)
		}
	}
	slices.SortFunc(r.Entries, func(a, b Entry) int { return int(a.Index) - int(b.Index) })
	return r
}

// start makes the node from what is on disk.
func (m *machine) start(now Instant, seed uint64) {
	j := replay(m.disk)
	cfg := m.cfg
	cfg.Now = now.Add(m.skew)
	cfg.Rand = rand.New(rand.NewPCG(seed, uint64(m.id)))
	restored := j.restored()
	restored.Disowned = m.disowned
	if m.runs {
		m.disk = append(m.disk, LifeRecord{Life: j.life.Begin(uint32(seed))})
		m.harden(len(m.disk))
		j = replay(m.disk)
		restored.Life, restored.Sightings = j.life, slices.Collect(maps.Values(j.seen))
	}
	node, err := New(cfg, restored)
	if err != nil {
		panic(err)
	}
	node.SetComplete() // these machines have no servers that could be behind
	m.node, m.floor = node, j.floor
	m.members = map[Index]Membership{restored.ChosenTo: restored.Members}
	if restored.Members.Version > 0 {
		node.SetComplete()
	}
	m.log = nil
	for i := j.floor.Index + 1; i <= j.chosenTo; i++ {
		m.log = append(m.log, j.accepted[i])
	}
}

// crash loses everything that was not durable, but for a part that the disk may
// have written anyway.
func (m *machine) crash(written int) {
	m.node = nil
	m.disk = m.disk[:min(m.durable+written, len(m.disk))]
	m.harden(len(m.disk))
	m.pending, m.marks = nil, nil
}

// harden makes the disk durable up to a length.
func (m *machine) harden(to int) {
	for _, r := range m.disk[m.durable:to] {
		if accepted, ok := r.(AcceptRecord); ok {
			m.kept[accepted.Entry.Index] = accepted.Entry
		}
	}
	m.durable = to
}

// write puts a Ready's records on disk, not yet durable.
func (m *machine) write(r Ready) {
	m.disk = append(m.disk, r.Records...)
	m.pending = append(m.pending, r)
	m.marks = append(m.marks, len(m.disk))
}

// sync makes the oldest n pending Readys durable and returns what may now be
// sent, and the last Ready's number.
func (m *machine) sync(n int) (sent []Outgoing, seq uint64) {
	for _, r := range m.pending[:n] {
		sent = append(sent, r.AfterDurable...)
		seq = r.Seq
	}
	m.harden(m.marks[n-1])
	m.pending, m.marks = m.pending[n:], m.marks[n:]
	return sent, seq
}

// deliver takes chosen entries, in order.
func (m *machine) deliver(chosen []Entry) {
	for _, e := range chosen {
		if last := m.last(); e.Index != last+1 {
			panic(fmt.Sprintf("node %d: entry %d handed out after %d", m.id, e.Index, last))
		}
		m.log = append(m.log, e)
		before, ok := m.members[e.Index-1]
		if ok {
			m.members[e.Index] = before.Apply(e.Value)
		}
	}
}

// last is the index of the last chosen entry that the machine has.
func (m *machine) last() Index {
	if len(m.log) == 0 {
		return m.floor.Index
	}
	return m.log[len(m.log)-1].Index
}

// answer serves a read for a peer, at most limit entries.
func (m *machine) answer(r ReadRequest, limit int) Message {
	if r.From <= m.floor.Index {
		return FloorState{Version: m.node.Members().Version, Floor: m.floor}
	}
	entries := m.log[r.From-m.floor.Index-1:]
	entries = entries[:min(len(entries), limit)]
	return Entries{Version: m.node.Members().Version, First: r.From, Entries: slices.Clone(entries), ChosenTo: m.node.ChosenTo()}
}

// purge drops everything up to an index from the journal.
func (m *machine) purge(to Index) {
	members, ok := m.members[to]
	if !ok || to <= m.floor.Index {
		return
	}
	m.log = slices.Clone(m.log[to-m.floor.Index:])
	m.floor = Floor{Index: to, Members: members}
	m.disk = append(m.disk, FloorRecord{Floor: m.floor})
	m.node.Purged(to)
}

// install adopts the floors that peers offered.
func (m *machine) install(now Instant) {
	for _, offer := range m.offers {
		if offer.Floor.Index <= m.node.ChosenTo() && m.node.Members().Version > 0 {
			continue
		}
		m.node.InstallFloor(now.Add(m.skew), offer.Floor)
		m.node.SetComplete()
		m.floor, m.log = offer.Floor, nil
		m.members[offer.Floor.Index] = offer.Floor.Members
	}
	m.offers = nil
}
