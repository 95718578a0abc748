package replicator

import (
	"cmp"
	"math/rand/v2"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// A cluster is three nodes in one goroutine on virtual time: real replicators and cores over a network that delays, journals that lose what
// was not synced, and servers that commit in turn and may forget their last commits. Tests tell stories with it, step by step; what
// happens to clusters in storms is internal/sim's.
type cluster struct {
	t       *testing.T
	cfg     Config
	rng     *rand.Rand
	now     paxos.Instant
	nodes   []*testNode // by node number, from 1
	flights []flight
	cut     map[paxos.NodeID]bool
	lacking string // what surveys say; empty: all is well
	silent  bool   // nothing
	surveys []Survey

	counter  uint64
	large    int // applied change sets that came in chunks
	acked    map[changeset.ID]bool
	refused  map[changeset.ID]bool
	unknown  map[changeset.ID]bool
	snapshot map[changeset.MarkID]map[paxos.NodeID]int // number of sets shown at a mark
}

type flight struct {
	at       paxos.Instant
	from, to paxos.NodeID
	message  paxos.Message
}

// testNode is a node with its disk, which survives a crash, and its server, which does so in part.
type testNode struct {
	id   paxos.NodeID
	r    *Replicator
	down bool

	stuck   bool // its server stands still
	broken  bool // its server applies nothing but sequences
	replies []Reply
	joins   []Joined

	durable, volatile []paxos.Record
	entries           map[paxos.Index]paxos.Entry // of durable
	dueSyncs          []uint64                    // Seqs of works written and not yet durable
	after             []paxos.Outgoing

	committed []committed // what the server shows, in order
	flushed   int         // how many of them survive a crash
	closed    bool
	epoch     paxos.Ballot
	turns     []Answer // chosen and waiting for their turn
	inflight  map[uint64]changeset.ID
	request   uint64
	large     []largeWrite // still being written
	batch     *Batch
	gathered  paxos.Instant // when Gathered is due; 0: it is not
	handed    int           // batches so far
}

type committed struct {
	id changeset.ID
	at changeset.Position
}

const clusterTick = paxos.Span(100e6)

func newCluster(t *testing.T, seed uint64) *cluster {
	return newClusterOf(t, seed, threeVoters(), Config{})
}

func threeVoters() paxos.Membership {
	members := paxos.FirstMembership("n1", 1, "a:1")
	members = members.AddLearner("n2", 2, "a:2").Promote(2)
	return members.AddLearner("n3", 3, "a:3").Promote(3)
}

// newClusterOf starts a node for each member.
func newClusterOf(t *testing.T, seed uint64, members paxos.Membership, cfg Config) *cluster {
	cfg.ApplyBatchSets, cfg.RecentBytes = cmp.Or(cfg.ApplyBatchSets, 3), 2000
	c := &cluster{
		cfg: cfg,
		t:   t, rng: rand.New(rand.NewPCG(seed, 1)), now: 1e9, cut: make(map[paxos.NodeID]bool),
		acked: make(map[changeset.ID]bool), refused: make(map[changeset.ID]bool), unknown: make(map[changeset.ID]bool),
		snapshot: make(map[changeset.MarkID]map[paxos.NodeID]int), nodes: make([]*testNode, 1),
	}
	for _, m := range members.Members {
		n := &testNode{id: m.Node, entries: make(map[paxos.Index]paxos.Entry), durable: []paxos.Record{paxos.FloorRecord{Floor: paxos.Floor{Members: members}}}}
		c.nodes = append(c.nodes, n)
		c.start(n)
	}
	return c
}

// start restores a node from what is on its disk.
func (c *cluster) start(n *testNode) {
	restored := paxos.Restored{}
	accepted := make(map[paxos.Index]paxos.Entry)
	for _, record := range n.durable {
		switch rec := record.(type) {
		case paxos.FloorRecord:
			restored.Floor = rec.Floor
		case paxos.PromiseRecord:
			restored.Promised = rec.Ballot
		case paxos.AcceptRecord:
			accepted[rec.Entry.Index] = rec.Entry
		case paxos.ChosenRecord:
			restored.ChosenTo = rec.To
		}
	}
	order := NewOrder(restored.Floor)
	for i := restored.Floor.Index + 1; i <= restored.ChosenTo; i++ {
		if _, err := order.Place(accepted[i]); err != nil {
			c.t.Fatalf("restore node %d: %v", n.id, err)
		}
	}
	restored.Members = order.Members()
	for i, e := range accepted {
		if i > restored.ChosenTo {
			restored.Entries = append(restored.Entries, e)
		}
	}
	core, err := paxos.New(paxos.Config{
		ID: n.id, Tick: clusterTick, Lease: 1e9, Drift: 5e7, ElectionMin: 1e9, ElectionMax: 2e9, SuspendLimit: 5e9,
		MaxInflight: 64, MaxInflightBytes: 1 << 20, Rand: rand.New(rand.NewPCG(c.rng.Uint64(), 2)), Now: c.now,
	}, restored)
	if err != nil {
		c.t.Fatalf("node %d: %v", n.id, err)
	}
	n.r = New(c.cfg, core, order)
	n.down = false
	n.startServer(c)
}

// startServer lets the server forget what it had not flushed.
func (n *testNode) startServer(c *cluster) {
	n.committed = n.committed[:n.flushed]
	n.closed, n.epoch, n.turns, n.batch = true, 0, nil, nil
	n.inflight, n.large = make(map[uint64]changeset.ID), nil
	n.r.Step(c.now, ServerStarted{Start: uint64(n.id), Applied: n.applied()})
	c.obey(n)
}

func (n *testNode) applied() changeset.Position {
	if len(n.committed) == 0 {
		return 0
	}
	return n.committed[len(n.committed)-1].at
}

// crash loses what was not synced, and some of the server's last commits. Clients of the node do not learn what became of theirs.
func (c *cluster) crash(n *testNode) {
	n.down = true
	n.volatile, n.dueSyncs, n.after = nil, nil, nil
	for _, id := range n.inflight {
		c.unknown[id] = true
	}
	n.forget(c)
}

// forget loses the server's last commits, at most back to what was flushed. A batch is one commit.
func (n *testNode) forget(c *cluster) {
	for k := n.flushed + c.rng.IntN(len(n.committed)-n.flushed+1); k > n.flushed; k-- {
		if n.committed[k-1].at != 0 {
			n.flushed = k
			return
		}
	}
}

// write begins a transaction at a node whose gate is open.
func (c *cluster) write(n *testNode) {
	if n.down || n.closed {
		return
	}
	if c.rng.IntN(10) == 0 {
		c.writeLarge(n)
		return
	}
	c.counter++
	set := changeset.ChangeSet{ID: changeset.MakeID(1, c.counter), Database: "postgres", Payload: nil}
	n.request++
	n.inflight[n.request] = set.ID
	n.r.Step(c.now, Submitted{Backend: 1, Request: n.request, Epoch: n.epoch, Set: &set})
}

// obey does what a node's output asks.
func (c *cluster) obey(n *testNode) {
	out := n.r.Output()
	if out.CloseGate {
		n.closed = true
	}
	for _, w := range out.Works {
		c.send(n.id, w.Messages)
		n.volatile = append(n.volatile, w.Records...)
		n.after = append(n.after, w.AfterDurable...)
		n.dueSyncs = append(n.dueSyncs, w.Seq)
	}
	if out.Gather > 0 && n.gathered == 0 {
		n.gathered = c.now.Add(out.Gather)
	}
	for _, a := range out.Answers {
		c.answer(n, a)
	}
	n.replies, n.joins = append(n.replies, out.Replies...), append(n.joins, out.Joins...)
	if out.DrainGate {
		n.serve(c)
		n.closed = true
	}
	if out.OpenGate != 0 {
		n.closed, n.epoch = false, out.OpenGate
	}
	for _, read := range out.PeerReads {
		entries := n.read(read.From, read.Until)
		c.send(n.id, []paxos.Outgoing{{To: read.To, Message: paxos.Entries{
			Version: n.r.Status().Members.Version, First: read.From, Entries: entries, ChosenTo: read.Until,
		}}})
	}
	if out.Read != nil {
		n.r.Step(c.now, EntriesRead{From: out.Read.From, Entries: n.read(out.Read.From, out.Read.To)})
		defer c.obey(n)
	}
	if out.Apply != nil {
		n.handed++
		n.batch = out.Apply
	}
	if out.Mark != nil {
		c.mark(n, out.Mark)
	}
	if out.Survey != nil {
		c.surveys = append(c.surveys, *out.Survey)
	}
	if out.Survey != nil && !c.silent {
		n.r.Step(c.now, Surveyed{Ticket: out.Survey.Ticket, Refused: c.lacking})
		defer c.obey(n)
	}
	if out.Diverged != "" || out.Backup {
		c.t.Fatalf("node %d: diverged %q, backup %v", n.id, out.Diverged, out.Backup)
	}
}

func (c *cluster) mark(n *testNode, mark *Mark) {
	if n.applied() < mark.Position {
		n.serve(c) // the backends before the mark commit
	}
	if n.applied() != mark.Position {
		c.t.Fatalf("node %d takes mark at %v and is at %v", n.id, mark.Position, n.applied())
	}
	if c.snapshot[mark.ID] == nil {
		c.snapshot[mark.ID] = make(map[paxos.NodeID]int)
	}
	c.snapshot[mark.ID][n.id] = len(n.committed)
	n.r.Step(c.now, MarkDone{ID: mark.ID})
	defer c.obey(n)
}

// read finds chosen entries on the disk.
func (n *testNode) read(from, to paxos.Index) []paxos.Entry {
	written := make(map[paxos.Index]paxos.Entry)
	for _, record := range n.volatile {
		if rec, ok := record.(paxos.AcceptRecord); ok {
			written[rec.Entry.Index] = rec.Entry
		}
	}
	var entries []paxos.Entry
	for i := from; i <= to && len(entries) < 7; i++ {
		e, ok := written[i]
		if !ok {
			e = n.entries[i]
		}
		entries = append(entries, e)
	}
	return entries
}

func (c *cluster) send(from paxos.NodeID, messages []paxos.Outgoing) {
	for _, m := range messages {
		c.flights = append(c.flights, flight{c.now + paxos.Instant(1e5+c.rng.Int64N(5e6)), from, m.To, m.Message})
	}
}

func (c *cluster) answer(n *testNode, a Answer) {
	id, ok := n.inflight[a.Request]
	if !ok {
		return
	}
	switch a.Verdict {
	case Chosen:
		n.turns = append(n.turns, a)
		return
	case Refused:
		c.refused[id] = true
	case Unknown:
		c.unknown[id] = true
	}
	delete(n.inflight, a.Request)
}

// serve lets the server do what it can: commit those whose turn it is, apply, and tell that the last backend of a closed epoch is gone.
func (n *testNode) serve(c *cluster) {
	for len(n.turns) > 0 {
		a := n.turns[0]
		id := n.inflight[a.Request]
		if n.closed || n.applied() != a.Predecessor {
			if !n.closed {
				c.t.Fatalf("node %d: the guard failed in an open epoch: at %v, predecessor %v", n.id, n.applied(), a.Predecessor)
			}
			c.unknown[id] = true
		} else {
			n.committed = append(n.committed, committed{id, a.Position})
			c.acked[id] = true
		}
		n.turns = n.turns[1:]
		delete(n.inflight, a.Request)
	}
	if n.batch != nil {
		n.apply(c)
	}
	if n.r.phase == Closing {
		n.r.Step(c.now, GateClosed{Applied: n.applied()})
	}
}

func (n *testNode) apply(c *cluster) {
	batch := n.batch
	n.batch = nil
	if !n.closed {
		c.t.Fatalf("node %d applies with an open gate", n.id)
	}
	if batch.Predecessor != n.applied() {
		c.t.Fatalf("node %d: batch on top of %v, and the server is at %v", n.id, batch.Predecessor, n.applied())
	}
	if c.rng.IntN(10) == 0 || n.broken && batch.Position != batch.Predecessor {
		n.r.Step(c.now, ApplyFailed{Batch: batch.Number, Position: n.applied(), Reason: "the disk is full", Code: "53100"})
		return
	}
	n.checkPieces(c, batch)
	for _, item := range batch.Items {
		if item.Set != nil {
			n.committed = append(n.committed, committed{item.Set.ID, 0})
		}
	}
	if len(n.committed) > 0 {
		n.committed[len(n.committed)-1].at = batch.Position
	}
	n.r.Step(c.now, Applied{Batch: batch.Number, Position: batch.Position})
}

// run lets time pass, with clients that write wherever a gate is open.
func (c *cluster) run(span paxos.Span, clients int) {
	nextTick := c.now
	for end := c.now + paxos.Instant(span); c.now < end; c.now += 1e6 {
		if c.now >= nextTick {
			nextTick += paxos.Instant(clusterTick)
			c.each(func(n *testNode) { n.r.Step(c.now, Tick{}) })
		}
		c.deliver()
		c.each(func(n *testNode) {
			for range c.rng.IntN(clients + 1) {
				c.write(n)
			}
			if c.rng.IntN(5) == 0 {
				n.r.Step(c.now, FlushLearn{})
			}
			if n.gathered != 0 && n.gathered <= c.now {
				n.gathered = 0
				n.r.Step(c.now, Gathered{})
			}
			if c.rng.IntN(2) == 0 {
				n.sync(c)
			}
			if c.rng.IntN(2) == 0 && !n.stuck {
				n.serve(c)
			}
			if c.rng.IntN(50) == 0 {
				n.flushed = len(n.committed)
			}
			c.obey(n)
		})
	}
}

func (c *cluster) each(do func(*testNode)) {
	for _, n := range c.nodes[1:] {
		if !n.down {
			do(n)
		}
	}
}

func (n *testNode) sync(c *cluster) {
	n.durable = append(n.durable, n.volatile...)
	for _, record := range n.volatile {
		if rec, ok := record.(paxos.AcceptRecord); ok {
			n.entries[rec.Entry.Index] = rec.Entry
		}
	}
	n.volatile = nil
	c.send(n.id, n.after)
	n.after = nil
	for _, seq := range n.dueSyncs {
		n.r.Step(c.now, Synced{Seq: seq})
	}
	n.dueSyncs = nil
}

func (c *cluster) deliver() {
	var later []flight
	for _, f := range c.flights {
		if int(f.to) >= len(c.nodes) {
			continue // a member that never starts
		}
		switch n := c.nodes[f.to]; {
		case f.at > c.now:
			later = append(later, f)
		case !n.down && !knows(n, f.from): // the node drops what is not a member's
		case n.down || c.cut[f.from] || c.cut[f.to]:
		default:
			n.r.Step(c.now, Received{From: f.from, Message: f.message})
		}
	}
	c.flights = later
}

// check compares what servers hold and what clients were told. quiet says that faults have stopped and everything must have arrived.
func (c *cluster) check(quiet bool) {
	c.t.Helper()
	var longest []committed
	for _, n := range c.nodes[1:] {
		if len(n.committed) > len(longest) {
			longest = n.committed
		}
	}
	seen := make(map[changeset.ID]bool)
	for _, s := range longest {
		if seen[s.id] {
			c.t.Fatalf("set %v was applied twice", s.id)
		}
		if c.refused[s.id] {
			c.t.Errorf("set %v was refused and is there", s.id)
		}
		seen[s.id] = true
	}
	for _, n := range c.nodes[1:] {
		for k, s := range n.committed {
			if longest[k].id != s.id {
				c.t.Fatalf("node %d holds %v at place %d, another holds %v", n.id, s.id, k, longest[k].id)
			}
		}
		if quiet && c.isMember(n) && len(n.committed) != len(longest) {
			c.t.Errorf("node %d holds %d sets, another %d: %+v", n.id, len(n.committed), len(longest), n.r.Status())
		}
	}
	for id := range c.acked {
		if quiet && !seen[id] {
			c.t.Errorf("acknowledged set %v is lost", id)
		}
	}
	for mark, counts := range c.snapshot {
		var first = -1
		for _, count := range counts {
			if first >= 0 && count != first {
				c.t.Errorf("mark %v shows different states: %v", mark, counts)
			}
			first = count
		}
	}
}

// knows reports whether a node takes messages from another.
func knows(n *testNode, from paxos.NodeID) bool {
	_, ok := n.r.paxos.Members().Find(from)
	return ok
}

// members is the newest membership that any node has.
func (c *cluster) members() (newest paxos.Membership) {
	for _, n := range c.nodes[1:] {
		if m := n.r.paxos.Members(); m.Version > newest.Version {
			newest = m
		}
	}
	return newest
}

func (c *cluster) isMember(n *testNode) bool {
	_, ok := c.members().Find(n.id)
	return ok
}

// leader returns the node whose gate is open, or nil.
func (c *cluster) leader() *testNode {
	for _, n := range c.nodes[1:] {
		if !n.down && n.r.phase == Open && !n.r.paxos.Suspended() {
			return n
		}
	}
	return nil
}

// Writers at an open gate are answered in one order, and all servers hold it.
func TestClusterReplicates(t *testing.T) {
	c := newCluster(t, 1)
	c.run(8e9, 2)
	for k := range 5 {
		if leader := c.leader(); leader != nil {
			leader.r.Step(c.now, MarkRequested{ID: changeset.MarkID{byte(k + 1)}})
		}
		c.run(2e8, 2)
	}
	c.run(2e9, 0)
	c.check(true)
	if len(c.acked) < 1000 {
		t.Errorf("only %d writes were acknowledged", len(c.acked))
	}
	if c.large < 50 {
		t.Errorf("only %d large writes were applied", c.large)
	}
	if len(c.snapshot) != 5 {
		t.Errorf("%d marks were reached, want 5", len(c.snapshot))
	}
}

func (c *cluster) heal() {
	clear(c.cut)
	for _, n := range c.nodes[1:] {
		if n.down {
			c.start(n)
		}
	}
}
