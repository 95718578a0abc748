package journal_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A load is three nodes in one goroutine that take one change set after the other: real replicators and cores on real journals, a network
// without faults, servers that commit at once.
type load struct {
	t     *testing.T
	now   paxos.Instant
	nodes []*loaded // by node number, from 1
	queue []delivery
	count uint64 // change sets submitted
}

type delivery struct {
	from, to paxos.NodeID
	message  paxos.Message
}

// loaded is one of the nodes.
type loaded struct {
	id      paxos.NodeID
	r       *replicator.Replicator
	journal *journal.Journal
	dir     string
	down    bool

	epoch   paxos.Ballot       // while the gate is open
	applied changeset.Position // by its server
	stuck   bool               // the server flushes nothing any more
	pinned  paxos.Index        // a base backup needs the log from here on; 0: none does
	flushed changeset.Position // by its server
}

const (
	loadTick      = paxos.Span(100e6)
	loadRetention = 256 << 10 // bytes
	setsPerTick   = 50
)

func newLoad(t *testing.T) *load {
	l := &load{t: t, now: 1e9, nodes: make([]*loaded, 1)}
	members := paxos.FirstMembership("n1", 1, "a:1")
	members = members.AddLearner("n2", 2, "a:2").Promote(2)
	members = members.AddLearner("n3", 3, "a:3").Promote(3)
	floor := paxos.Floor{Members: members}
	for id := paxos.NodeID(1); id <= 3; id++ {
		dir := filepath.Join(t.TempDir(), "journal")
		name := members.Members[id-1].Name
		l.must(journal.CreateSmall(dir, paxos.IdentityRecord{Cluster: [16]byte{1}, Name: name, Incarnation: uint64(id), Node: id}, floor))
		j, err := journal.OpenHasty(dir)
		l.must(err)
		t.Cleanup(func() { l.must(j.Close()) })
		core, err := paxos.New(paxos.Config{
			ID: id, Cluster: [16]byte{1}, Tick: loadTick, Lease: 1e9, Drift: 5e7, ElectionMin: 1e9, ElectionMax: 2e9, SuspendLimit: 5e9,
			MaxInflight: 64, MaxInflightBytes: 1 << 20, Rand: rand.New(rand.NewPCG(uint64(id), 2)), Now: l.now,
		}, paxos.Restored{Floor: floor, Members: members})
		l.must(err)
		config := replicator.Config{RecentBytes: 20 << 10, Retention: loadRetention}
		n := &loaded{id: id, r: replicator.New(config, core, replicator.NewOrder(floor)), journal: j, dir: dir}
		n.r.Step(l.now, replicator.ServerStarted{Start: uint64(id)})
		l.nodes = append(l.nodes, n)
	}
	for range 100 {
		if l.leader() != nil {
			return l
		}
		l.tick()
	}
	t.Fatal("nobody leads after 100 ticks")
	return nil
}

func (l *load) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// leader returns the node whose gate is open, or nil.
func (l *load) leader() *loaded {
	for _, n := range l.nodes[1:] {
		if !n.down && n.epoch != 0 {
			return n
		}
	}
	return nil
}

// run has so many change sets of 300 bytes chosen and applied, one after the other, and lets a tick pass after every few.
func (l *load) run(sets int) {
	l.t.Helper()
	for k := range sets {
		n := l.leader()
		if n == nil {
			l.t.Fatalf("nobody leads after %d change sets", l.count)
		}
		l.count++
		set := changeset.ChangeSet{ID: changeset.MakeID(1, l.count), Database: "postgres", Payload: make([]byte, 300)}
		n.r.Step(l.now, replicator.Submitted{Backend: 1, Request: l.count, Epoch: n.epoch, Set: &set})
		l.settle()
		if n.applied.Index() == 0 {
			l.t.Fatalf("change set %d was not chosen", l.count)
		}
		if k%setsPerTick == setsPerTick-1 {
			l.tick()
		}
	}
}

// tick lets a tick pass: heartbeats, and a look at what can be purged.
func (l *load) tick() {
	l.now += paxos.Instant(loadTick)
	for _, n := range l.nodes[1:] {
		if n.down {
			continue
		}
		if !n.stuck {
			n.flushed = n.applied
		}
		n.r.Step(l.now, replicator.Tick{})
		n.r.Step(l.now, replicator.FlushLearn{})
		n.r.Step(l.now, replicator.Flushed{Start: uint64(n.id), Position: n.flushed, JournalBytes: n.journal.Size(), Pinned: n.pinned})
	}
	l.settle()
}

// settle obeys all nodes and delivers all messages until nothing happens any more.
func (l *load) settle() {
	for busy := true; busy; {
		busy = false
		for id, n := range l.nodes[1:] {
			for !n.down && l.obey(paxos.NodeID(id+1), n) {
				busy = true
			}
		}
		for len(l.queue) > 0 {
			d := l.queue[0]
			l.queue = l.queue[1:]
			if n := l.nodes[d.to]; !n.down {
				n.r.Step(l.now, replicator.Received{From: d.from, Message: d.message})
			}
			busy = true
		}
	}
}

func (l *load) send(from paxos.NodeID, messages []paxos.Outgoing) {
	for _, m := range messages {
		l.queue = append(l.queue, delivery{from, m.To, m.Message})
	}
}

// obey does what a node asks for, as its driver would, and reports whether that was anything.
func (l *load) obey(id paxos.NodeID, n *loaded) (busy bool) {
	out := n.r.Output()
	if out.CloseGate || out.DrainGate || out.Backup || out.Diverged != "" {
		l.t.Fatalf("node %d: %+v", id, out)
	}
	for _, w := range out.Works {
		busy = true
		l.send(id, w.Messages)
		l.must(n.journal.Append(w.Records, true))
		l.send(id, w.AfterDurable)
		n.r.Step(l.now, replicator.Synced{Seq: w.Seq})
	}
	for _, a := range out.Answers {
		if a.Verdict != replicator.Chosen || a.Predecessor != n.applied {
			l.t.Fatalf("node %d: answer %+v on top of %v", id, a, n.applied)
		}
		n.applied = a.Position
	}
	if out.OpenGate != 0 {
		n.epoch = out.OpenGate
	}
	for _, read := range out.PeerReads {
		busy = true
		l.answer(id, n, read)
	}
	if read := out.Read; read != nil {
		busy = true
		entries, err := n.journal.Entries(read.From, read.To, 1<<16)
		l.must(err)
		n.r.Step(l.now, replicator.EntriesRead{From: read.From, Entries: entries})
	}
	if batch := out.Apply; batch != nil {
		busy = true
		n.applied = batch.Position
		n.r.Step(l.now, replicator.Applied{Batch: batch.Number, Position: batch.Position})
	}
	if out.Purge != nil {
		busy = true
		l.must(n.journal.Purge(*out.Purge))
		n.r.Step(l.now, replicator.Purged{To: out.Purge.Index})
	}
	return busy
}

// answer reads for a peer.
func (l *load) answer(id paxos.NodeID, n *loaded, read paxos.ReadRequest) {
	version := n.r.Status().Members.Version
	var message paxos.Message = paxos.FloorState{Version: version, Floor: n.journal.Floor()}
	if read.From > n.journal.Floor().Index {
		entries, err := n.journal.Entries(read.From, read.Until, 1<<16)
		l.must(err)
		message = paxos.Entries{Version: version, First: read.From, Entries: entries, ChosenTo: read.Until}
	}
	l.send(id, []paxos.Outgoing{{To: read.To, Message: message}})
}

// disk is the bytes of all files in the journals' folders.
func (l *load) disk() (bytes int64) {
	for _, n := range l.nodes[1:] {
		entries, err := os.ReadDir(n.dir)
		l.must(err)
		for _, e := range entries {
			if info, err := e.Info(); err == nil { // a file may be on its way
				bytes += info.Size()
			}
		}
	}
	return bytes
}

// heap is how much memory is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peak runs so many change sets and returns the most that the folders hold on the way: between two purges they grow.
func (l *load) peak(sets int) (most int64) {
	l.t.Helper()
	for range sets / setsPerTick {
		l.run(setsPerTick)
		most = max(most, l.disk())
	}
	return most
}

// Under a steady load neither journals nor memory grow: after ten times as many entries they take what they took after the first.
func TestSteadyLoadIsFlat(t *testing.T) {
	l := newLoad(t)
	const warm = 2000
	disk, memory := l.peak(warm), heap()
	t.Logf("after %d entries: at most %d KiB on disk, %d KiB in memory", warm, disk>>10, memory>>10)
	for k := range 9 {
		most, now := l.peak(warm), heap()
		t.Logf("after %d entries: at most %d KiB on disk, %d KiB in memory", (k+2)*warm, most>>10, now>>10)
		if most > disk+disk/5 || now > memory+memory/5 {
			t.Errorf("after %d entries: %d bytes on disk, %d in memory; after %d: %d and %d", warm, disk, memory, (k+2)*warm, most, now)
		}
	}
	for id, n := range l.nodes[1:] {
		if floor, head := n.journal.Floor().Index, n.r.Status().Index; head-floor > 1000 {
			t.Errorf("node %d keeps the entries from %d to %d", id+1, floor, head)
		}
	}
	runtime.KeepAlive(l)
}

// Journals wait for a member that is down, until they are as large as the retention limit, and no longer.
func TestLateMemberIsWaitedForUpToRetention(t *testing.T) {
	l := newLoad(t)
	l.run(200)
	late := l.nodes[3]
	if late == l.leader() {
		late = l.nodes[2]
	}
	late.down = true
	has := late.journal.ChosenTo()
	l.run(300)
	for id, n := range l.nodes[1:] {
		if floor := n.journal.Floor().Index; n.journal.Size() < loadRetention && floor > has {
			t.Errorf("node %d has purged up to %d, and a member that is down has %d only", id+1, floor, has)
		}
	}
	l.run(3000)
	for id, n := range l.nodes[1:] {
		if size := n.journal.Size(); n != late && (size > loadRetention*5/4 || n.journal.Floor().Index <= has) {
			t.Errorf("node %d keeps %d bytes, the limit is %d; its floor is %d", id+1, size, loadRetention, n.journal.Floor().Index)
		}
	}
}

// What the own server has not flushed stays, however large the journal gets, and however far all others are.
func TestUnflushedIsNeverPurged(t *testing.T) {
	l := newLoad(t)
	l.run(500)
	for _, n := range l.nodes[1:] {
		n.stuck = true
	}
	l.run(2500)
	for id, n := range l.nodes[1:] {
		if size := n.journal.Size(); size < 2*loadRetention {
			t.Fatalf("a journal of %d bytes is too small for this test", size)
		}
		if floor := n.journal.Floor().Index; floor >= paxos.Index(n.flushed.Index()) {
			t.Errorf("node %d has purged up to %d, and its server has flushed %v", id+1, floor, n.flushed)
		}
		n.stuck = false
	}
	l.tick()
	l.tick()
	for id, n := range l.nodes[1:] {
		if size := n.journal.Size(); size > loadRetention {
			t.Errorf("node %d keeps %d bytes when all is flushed", id+1, size)
		}
	}
}

// A base backup that is under way keeps what it will need, however large the journal gets.
func TestPinnedIsNeverPurged(t *testing.T) {
	l := newLoad(t)
	l.run(500)
	source := l.nodes[2]
	source.pinned = source.journal.Floor().Index + 1
	l.run(2500)
	if size := source.journal.Size(); size < 2*loadRetention {
		t.Fatalf("a journal of %d bytes is too small for this test", size)
	}
	if floor := source.journal.Floor().Index; floor >= source.pinned {
		t.Errorf("purged up to %d, and a base backup needs the log from %d on", floor, source.pinned)
	}
	source.pinned = 0
	l.tick()
	if size := source.journal.Size(); size > loadRetention {
		t.Errorf("it keeps %d bytes when the backup is over", size)
	}
}
