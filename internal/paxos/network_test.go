package paxos

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
)

// A network joins machines: deterministic, in one goroutine, with packets that
// wait until somebody delivers, drops or doubles them. It checks from outside
// that an index never gets two values and that no two nodes hold a lease at one
// time.
type network struct {
	now      Instant
	machines []*machine // in order of id
	queue    []packet
	cut      map[[2]NodeID]bool
	lazyDisk bool // syncs happen only when asked for
	starts   uint64
	chosen   map[Index]Value
	limit    int // of entries in one answer to a Fetch
	fixed    int // how many voters there are, if that never changes; else 0
	protocol Protocol
	runs     bool // the nodes have a past
}

type packet struct {
	from, to NodeID
	stamp    Stamp
	message  Message
}

const ms Span = 1e6

func testConfig(id NodeID) Config {
	return Config{
		ID: id, Cluster: testCluster,
		Tick: 100 * ms, Lease: 1000 * ms, Drift: 50 * ms, ElectionMin: 1000 * ms, ElectionMax: 2000 * ms,
		SuspendLimit: 5000 * ms, MaxInflight: 8, MaxInflightBytes: 1 << 20,
	}
}

// newNetwork starts machines 1 to size, all of them voters.
func newNetwork(size int) *network { return newNetworkOf(size, Multi) }

func newNetworkOf(size int, protocol Protocol) *network {
	return newNetworkWith(size, network{protocol: protocol})
}

// newNetworkWithRuns is newNetwork of nodes that have a past: they have to be
// welcomed before they vote.
func newNetworkWithRuns(size int, protocol Protocol) *network {
	return newNetworkWith(size, network{protocol: protocol, runs: true})
}

func newNetworkWith(size int, n network) *network {
	w := &n
	w.cut, w.chosen, w.limit = make(map[[2]NodeID]bool), make(map[Index]Value), 4
	members := Membership{Version: 1, Next: NodeID(size) + 1}
	for i := 1; i <= size; i++ {
		members.Members = append(members.Members, Member{
			Node: NodeID(i), Incarnation: uint64(i), Voter: true, Name: fmt.Sprintf("n%d", i),
		})
	}
	for i := 1; i <= size; i++ {
		w.add(NodeID(i), members)
	}
	return w
}

// add starts a machine whose journal begins with a membership.
func (w *network) add(id NodeID, members Membership) *machine {
	m := &machine{id: id, runs: w.runs, cfg: testConfig(id), skew: Span(id) * 1e12, kept: make(map[Index]Entry)}
	m.cfg.Protocol = w.protocol
	if members.Version > 0 {
		m.disk = []Record{FloorRecord{Floor: Floor{Members: members}}}
	}
	m.durable = len(m.disk)
	w.machines = append(w.machines, m)
	w.start(m)
	return m
}

func (w *network) start(m *machine) {
	w.starts++
	m.start(w.now, w.starts)
}

func (w *network) machine(id NodeID) *machine {
	for _, m := range w.machines {
		if m.id == id {
			return m
		}
	}
	return nil
}

// on calls an event of a live machine's node, with the machine's time, and
// obeys what the node asks for.
func (w *network) on(m *machine, event func(n *Node, now Instant)) {
	if m.node == nil || m.paused {
		return
	}
	event(m.node, w.now.Add(m.skew))
	w.pump(m)
}

// pump obeys a node's Readys.
func (w *network) pump(m *machine) {
	for {
		m.install(w.now)
		r, ok := m.node.Ready()
		if !ok {
			break
		}
		m.write(r)
		w.send(m.id, r.Messages)
		w.learnt(m, r.Chosen)
		for _, read := range r.Reads {
			w.send(m.id, []Outgoing{{To: read.To, Message: m.answer(read, w.limit)}})
		}
		m.offers = append(m.offers, r.Floors...)
		if !w.lazyDisk {
			w.sync(m, len(m.pending))
		}
	}
	w.checkLeases()
}

// sync makes the oldest n Readys of a machine durable.
func (w *network) sync(m *machine, n int) {
	if m.node == nil || n == 0 {
		return
	}
	sent, seq := m.sync(n)
	w.send(m.id, sent)
	m.node.Synced(w.now.Add(m.skew), seq)
}

// learnt compares what a node says is chosen with what any node ever said.
func (w *network) learnt(m *machine, chosen []Entry) {
	m.deliver(chosen)
	for _, e := range chosen {
		if old, ok := w.chosen[e.Index]; ok && !old.Equal(e.Value) {
			panic(fmt.Sprintf("node %d: index %d is %v, elsewhere %v", m.id, e.Index, e.Value, old))
		}
		w.chosen[e.Index] = e.Value
		w.checkKept(e)
	}
}

// checkKept finds an entry that is called chosen and that no majority has on
// disk.
func (w *network) checkKept(e Entry) {
	keepers := 0
	for _, m := range w.machines {
		if kept, ok := m.kept[e.Index]; ok && kept.Value.Equal(e.Value) {
			keepers++
		}
	}
	if keepers < w.fixed/2+1 && w.fixed > 0 {
		panic(fmt.Sprintf("index %d is called chosen and is on %d disks of %d", e.Index, keepers, w.fixed))
	}
}

// checkLeases finds two nodes that hold a lease at one time.
func (w *network) checkLeases() {
	holder := NodeID(0)
	for _, m := range w.machines {
		if m.node == nil || m.node.LeaseEnd(m.node.now) <= w.now.Add(m.skew) {
			continue
		}
		if holder != 0 {
			panic(fmt.Sprintf("nodes %d and %d hold a lease at one time", holder, m.id))
		}
		holder = m.id
	}
}

// send puts messages on their way, through their encoding.
func (w *network) send(from NodeID, messages []Outgoing) {
	for _, o := range messages {
		if w.cut[[2]NodeID{from, o.To}] || w.machine(o.To) == nil {
			continue
		}
		body := AppendMessage(nil, testCluster, o.Stamp, o.Message)
		s, m, err := DecodeMessage(testCluster, MessageType(o.Message), body)
		if err != nil {
			panic(err)
		}
		w.queue = append(w.queue, packet{from, o.To, s, m})
	}
}

// take removes a packet from the queue.
func (w *network) take(i int) packet {
	p := w.queue[i]
	w.queue = slices.Delete(w.queue, i, i+1)
	return p
}

func (w *network) deliver(p packet) {
	if m := w.machine(p.to); m != nil && m.paused {
		m.inbox = append(m.inbox, p)
	} else if m != nil {
		w.on(m, func(n *Node, now Instant) { n.Receive(now, p.from, p.stamp, p.message) })
	}
}

// settle delivers everything, in order, until nothing is on its way.
func (w *network) settle() {
	for steps := 0; len(w.queue) > 0; steps++ {
		if steps > 1e5 {
			panic("the network does not come to rest")
		}
		w.deliver(w.take(0))
	}
}

// tick lets a tick's time pass on all machines.
func (w *network) tick() {
	w.now = w.now.Add(100 * ms)
	for _, m := range w.machines {
		w.on(m, func(n *Node, now Instant) { n.Tick(now) })
	}
}

// elect lets time pass until a node leads under a lease, while nobody else
// campaigns.
func (w *network) elect(id NodeID) error {
	for _, m := range w.machines {
		w.on(m, func(n *Node, _ Instant) { n.SetElectable(m.id == id) })
		defer w.on(m, func(n *Node, _ Instant) { n.SetElectable(true) })
	}
	for range 100 {
		w.tick()
		w.settle()
		if n := w.machine(id).node; n != nil && n.Role() == Leader && !n.Suspended() {
			return nil
		}
	}
	return fmt.Errorf("node %d did not come to lead in 100 ticks", id)
}

// name is how scenarios call a message: its type in lower case.
func (p packet) name() string {
	return strings.ToLower(reflect.TypeOf(p.message).Name())
}

func (p packet) String() string { return fmt.Sprintf("%d->%d %s", p.from, p.to, describe(p.message)) }

// describe writes a message as scenarios show it.
func describe(m Message) string {
	switch m := m.(type) {
	case PreVote:
		return fmt.Sprintf("prevote %v, chosen to %d", m.Ballot, m.ChosenTo)
	case PreVoteReply:
		return fmt.Sprintf("prevotereply %v granted=%v", m.Ballot, m.Granted)
	case Prepare:
		if m.Index != 0 {
			return fmt.Sprintf("prepare %v for %d", m.Ballot, m.Index)
		}
		return fmt.Sprintf("prepare %v", m.Ballot)
	case Promise:
		return fmt.Sprintf("promise %v, chosen to %d, accepted %s", m.Ballot, m.ChosenTo, describeEntries(m.Entries))
	case Reject:
		return fmt.Sprintf("reject %v, promised %v, version %d", m.Ballot, m.Promised, m.Version)
	case Accept:
		return fmt.Sprintf("accept %v, %d values from %d on, chosen to %d", m.Ballot, len(m.Values), m.First, m.ChosenTo)
	case Accepted:
		return fmt.Sprintf("accepted %v, %d to %d", m.Ballot, m.First, m.Last)
	case Heartbeat:
		if m.Probe {
			return fmt.Sprintf("probe %v, chosen to %d", m.Ballot, m.ChosenTo)
		}
		return fmt.Sprintf("heartbeat %v, chosen to %d", m.Ballot, m.ChosenTo)
	case HeartbeatAck:
		return fmt.Sprintf("heartbeatack %v", m.Ballot)
	case Learn:
		return fmt.Sprintf("learn %v, chosen to %d", m.Ballot, m.ChosenTo)
	case Fetch:
		return fmt.Sprintf("fetch from %d on", m.From)
	case Entries:
		return fmt.Sprintf("entries %s, chosen to %d", describeEntries(m.Entries), m.ChosenTo)
	case FloorState:
		return fmt.Sprintf("floorstate %d", m.Floor.Index)
	case Release:
		return fmt.Sprintf("release %v, heir %d", m.Ballot, m.Heir)
	}
	return fmt.Sprintf("%T", m)
}

func describeEntries(entries []Entry) string {
	parts := []string{}
	for _, e := range entries {
		parts = append(parts, fmt.Sprintf("%d:%s@%v", e.Index, describeValue(e.Value), e.Ballot))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// describeValue writes a value as one word or two.
func describeValue(v Value) string {
	switch v.Kind {
	case KindChangeSets:
		return string(v.Body)
	case KindMember:
		_, next, err := DecodeMember(v.Body)
		if err != nil {
			return err.Error()
		}
		return "member" + fmt.Sprint(next.Version)
	}
	return v.Kind.String()
}

// pick returns one of the live machines.
func (w *network) pick(r *rand.Rand) *machine {
	live := w.live()
	return live[r.IntN(len(live))]
}

func (w *network) live() []*machine {
	var live []*machine
	for _, m := range w.machines {
		if m.node != nil {
			live = append(live, m)
		}
	}
	return live
}
