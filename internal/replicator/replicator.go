// Package replicator turns agreement into replication. It is a step function: an event in, an Output out, with no clock, disk,
// network or goroutine inside, so that the simulation runs the code that production runs. Around it, Driver is the one goroutine that
// obeys its outputs.
//
// It owns what lies between Paxos and the server: epochs and the gate, batching of change sets, the answers to backends, the
// void rule, what the local server still has to apply, sequences, marks, admission of nodes, and what may be purged. It never decides what
// Paxos decides, and never touches the server.
package replicator

import (
	"fmt"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Phase says what this node does with its gate.
type Phase uint8

// The phases of a node. A leadership walks Following, Opening, Open, Closing, Following.
const (
	Following Phase = iota // the gate is closed; chosen entries are applied
	Opening                // leads; its epoch-open is not chosen, or not everything before it is applied
	Open                   // leads and its gate is open (perhaps suspended)
	Closing                // the gate's flag is set; backends of the epoch are being ended
)

func (p Phase) String() string {
	switch p {
	case Following:
		return "following"
	case Opening:
		return "opening"
	case Open:
		return "open"
	case Closing:
		return "closing"
	}
	return fmt.Sprintf("phase(%d)", uint8(p))
}

// Config holds the limits of a Replicator. Zero values are replaced by the defaults below.
type Config struct {
	MaxBatchSets    int        // change sets in one entry; default 4096, at most changeset.MaxSets
	MaxBatchBytes   int        // payload bytes in one entry; default 4 MiB
	MaxPipeline     int        // change-set entries on their way at once; default 1
	MaxChunkBytes   int        // bytes of chunks on their way at once, or one chunk: what is small waits behind them; default 4 MiB
	MaxPending      int        // change sets that wait to be proposed; default 65536
	RecentBytes     int        // chosen entries kept in memory for the local server; default 32 MiB
	ApplyBatchSets  int        // change sets in one local transaction of apply; default 512
	ApplyBatchBytes int        // payload bytes in one local transaction of apply; default 4 MiB
	ApplyGather     paxos.Span // for how long a follower lets change sets gather after it has applied some; default 10 ms
	ElectableLag    int        // entries that the server may be behind and its node still campaign; default 10000
	Retention       int64      // bytes of journal kept for members that are behind; default 1 GiB
	AdmitLag        int        // entries that a learner may be behind when its admission begins; default 256
	ReplaceDead     paxos.Span // for how long a member is dead before a spare replaces it; 0 = never
	AdmitPatience   paxos.Span // how long proposals may be held back for an admission; default 2 s
}

func (c *Config) setDefaults() {
	def := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	def(&c.MaxBatchSets, 4096)
	def(&c.MaxBatchBytes, 4<<20)
	def(&c.MaxPipeline, 1)
	def(&c.MaxChunkBytes, 4<<20)
	def(&c.MaxPending, 1<<16)
	def(&c.RecentBytes, 32<<20)
	def(&c.ApplyBatchSets, 512)
	def(&c.ApplyBatchBytes, 4<<20)
	def(&c.ElectableLag, 10000)
	if c.ApplyGather <= 0 {
		c.ApplyGather = 10e6
	}
	def(&c.AdmitLag, 256)
	if c.Retention <= 0 {
		c.Retention = 1 << 30
	}
	if c.AdmitPatience <= 0 {
		c.AdmitPatience = 2e9
	}
}

// Replicator is one node's replication as a step function. It is not safe for concurrent use.
type Replicator struct {
	cfg   Config
	paxos *paxos.Node
	now   paxos.Instant

	order  *Order // walks chosen entries at the head
	recent recent // the newest chosen entries, for the cursor

	phase    Phase
	openAt   paxos.Instant // when the gate was opened
	epoch    paxos.Ballot  // of the leadership in Opening, Open or Closing
	openedAt paxos.Index   // index of our epoch-open entry; 0 until it is chosen
	proposed bool          // our epoch-open entry was proposed

	retired    string // why this node takes part no more; empty: it does
	server     serverState
	start      uint64             // of the server, as ServerStarted named it
	keepsTimes bool               // the server keeps the commit time of each transaction
	lastTime   int64              // the commit time that was given out last
	flushedTo  changeset.Position // what the server would show after a crash, at least
	notBefore  paxos.Instant      // this node does not campaign earlier: it led and could not open
	opening    progress
	headway    headway
	moved      paxos.Instant // when the headway last did, or the server had nothing to do
	failing    Failing
	little     string        // why this node has little room on its disks; empty: it has room
	full       string        // why the journal takes nothing; empty: it has room
	led        paxos.Instant // when a leader was last known
	drainUntil paxos.Instant // 0, or until when a leader that steps down waits for what it has taken on
	heir       paxos.NodeID  // whom a leader that steps down hands over to; anyone: the most caught-up
	offers     int           // floors offered above our server, since the last entry
	marked     paxos.Index   // marks up to here were reached or given up
	cursor     cursor
	pending    pending
	proposals  proposals
	sequences  sequenceBook
	ids        idBook
	answers    answerQueue
	admission  admission
	different  different
	standing   standing
	purge      purge

	out Output
}

type serverState uint8

const (
	serverDown serverState = iota
	serverUp
	serverDiverged
)

// New makes the replicator of a node around its Paxos core. order is the log's state at everything that the node knows to be
// chosen (RestoreOrder); the server is down until ServerStarted.
func New(cfg Config, core *paxos.Node, order *Order) *Replicator {
	cfg.setDefaults()
	r := &Replicator{cfg: cfg, paxos: core, order: order}
	r.recent.limit = cfg.RecentBytes
	r.proposals.init()
	r.sequences.reset()
	core.SetElectable(false)
	return r
}

// Step takes one event at instant now. Its consequences come with the next Output, so that the events of a moment make one batch.
func (r *Replicator) Step(now paxos.Instant, event Event) {
	r.now = now
	switch e := event.(type) {
	case Tick:
		r.paxos.Tick(now)
		r.seekDifferent()
	case FlushLearn:
		r.paxos.FlushLearn(now)
	case Gathered: // Output looks at the time
	case Received:
		r.paxos.Receive(now, e.From, e.Stamp, e.Message)
		r.compare(e.From, e.Stamp.Prefix)
	case Synced:
		r.paxos.Synced(now, e.Seq)
	case Submitted:
		r.submit(e)
	case ChunkSubmitted:
		r.submitChunk(e)
	case Discarded:
		r.pending.discard(e.Backend, e.Request)
	case BackendGone:
		r.pending.gone(e.Backend)
	case ServerStarted:
		r.keepsTimes = e.KeepsTimes
		r.serverStarted(e.Start, e.Applied)
	case ServerLost:
		r.serverLost()
	case GateClosed:
		r.gateClosed(e.Applied)
	case Applied:
		r.applied(e)
	case ApplyFailed:
		r.applyFailed(e)
	case EntriesRead:
		r.entriesRead(e)
	case IDsWanted:
		r.wantIDs(e.Limit)
	case MarkRequested:
		r.pending.marks = append(r.pending.marks, e.ID)
	case MarkDone:
		r.markDone(e.ID)
	case Join:
		r.join(e)
	case StepDown:
		r.stepDown()
		if r.phase == Open && e.To != anyone {
			r.heir = e.To
		}
	case Transfer:
		r.transfer(e)
	case Expect:
		r.expect(e)
	case Dismiss:
		r.dismiss(e)
	case Surveyed:
		r.surveyed(e)
	case GateFailed:
		r.gateFailed()
	case Flushed:
		r.flushed(e)
	case Room:
		r.little = e.Little
	case JournalFull:
		r.journalFull(e)
	case Purged:
		r.paxos.Purged(e.To)
	case Stranger:
		r.paxos.HearStranger(now, e.Version)
	case Retire:
		r.retired = e.Why
		r.paxos.Retire(now)
	case Pardon:
		r.paxos.Pardon(now)
	default:
		panic(fmt.Sprintf("replicator: event of unknown type %T", event))
	}
}

// settle lets consequences follow until nothing more happens: what Paxos has ready, the phase, proposals, apply.
func (r *Replicator) settle() {
	for {
		r.watchLeadership()
		r.leaveWhenFull()
		r.admit()
		r.propose()
		r.paxos.SetPrefix(r.order.Prefix())
		ready, ok := r.paxos.Ready()
		if !ok {
			break
		}
		r.obey(ready)
	}
	r.feed()
	r.noteHeadway()
	r.noteLeader()
	r.paxos.SetElectable(r.unable() == "")
	r.out.Lease = r.lease()
}

// obey passes on what Paxos asks of disk and network, and walks what it has chosen.
func (r *Replicator) obey(ready paxos.Ready) {
	r.out.Works = append(r.out.Works, Work{
		Seq: ready.Seq, Records: ready.Records, Messages: ready.Messages, AfterDurable: ready.AfterDurable,
	})
	r.out.PeerReads = append(r.out.PeerReads, ready.Reads...)
	for _, entry := range ready.Chosen {
		r.walk(entry)
	}
	for _, offer := range ready.Floors {
		r.floorOffered(offer)
	}
	if len(ready.Chosen) > 0 && r.paxos.Role() == paxos.Leader {
		r.out.LearnSoon = true
	}
}

// walk takes the next chosen entry: it is placed in the order, kept for the cursor, and answers those who wait for it.
func (r *Replicator) walk(entry paxos.Entry) {
	placed, err := r.order.Place(entry)
	if err != nil {
		panic(fmt.Sprintf("replicator: chosen entry %d cannot be read: %v", entry.Index, err))
	}
	r.recent.add(placed)
	r.cursor.waiting += placed.Bytes
	if r.phase == Opening && placed.Kind == paxos.KindEpochOpen && placed.Epoch == r.epoch && !placed.Void {
		r.openedAt = placed.Index
	}
	if r.phase == Open {
		r.answer(placed)
	}
}

// Output draws the consequences of the events since the last call and returns what the driver has to do.
func (r *Replicator) Output() Output {
	r.settle()
	out := r.out
	out.Start = r.start
	r.out = Output{}
	return out
}

// lease returns the instant until which the server may trust its leadership; 0 = not at all.
func (r *Replicator) lease() paxos.Instant {
	if r.phase != Open {
		return 0
	}
	return max(0, r.paxos.LeaseEnd(r.now))
}

// Status is what the node tells people about its replication.
type Status struct {
	Phase     Phase
	Role      paxos.Role
	Suspended bool
	Leader    paxos.NodeID
	Ballot    paxos.Ballot
	Epoch     paxos.Ballot // greatest epoch opened so far
	Index     paxos.Index  // last chosen index
	Chosen    changeset.Position
	Applied   changeset.Position
	Members   paxos.Membership
	Durable   paxos.Membership // the part of Members that would survive a crash
	LeaseEnd  paxos.Instant    // until when this node may lead; 0 = it does not
	Removed   bool             // was a member and is none any more
	Diverged  string           // why the server was given up; empty when it was not
	Failing   Failing          // why the server does not apply
	Server    uint64           // the start of the server that runs and holds all that the journal has purged; 0 = none does
	DurableTo paxos.Index      // up to where the own journal has the log on its disk
	Outgrown  bool             // the own server keeps the journal above its limit, and does not get on
	Unfit     string           // why this node would not lead at once if it was asked to; empty when it would
	Disowned  *paxos.Disowned  // why the node may not vote; nil when nobody says so
	Retired   string           // why it takes part no more, as it was told to; empty: it does
	Odd       string           // why it takes part no more, since a majority's logs hold something else than its own; empty: it does
	Differing []paxos.NodeID   // members whose logs hold something else than this node's
	Full      string           // why its journal takes nothing; empty: it has room
	Returning bool             // it was started, and waits for its peers' welcome before it votes
}

// Excluded reports whether the node takes no part in agreement any more, so that nothing may rest on what it holds.
func (s Status) Excluded() bool { return s.Disowned != nil || s.Retired != "" || s.Odd != "" }

// Status returns the present state.
func (r *Replicator) Status() Status {
	return Status{
		Phase: r.phase, Role: r.paxos.Role(), Suspended: r.paxos.Suspended(), Leader: r.paxos.Leader(),
		Ballot: r.paxos.Ballot(), Epoch: r.order.Greatest(), Index: r.order.Head(), Chosen: r.order.Last(),
		Applied: r.cursor.position, Members: r.paxos.Members(), Diverged: r.cursor.diverged,
		Durable: r.paxos.DurableMembers(), LeaseEnd: r.lease(), Removed: r.paxos.Removed(), Failing: r.failing, Unfit: r.unfit(),
		DurableTo: r.paxos.DurableTo(), Outgrown: r.purge.over.outgrown, Server: r.servingStart(),
		Disowned: r.paxos.Disowned(), Returning: r.paxos.Returning(), Retired: r.retired, Full: r.full,
		Odd: r.different.odd, Differing: r.differing(),
	}
}

// servingStart is the start of the server that is in use; 0 = none is.
func (r *Replicator) servingStart() uint64 {
	if r.server != serverUp {
		return 0
	}
	return r.start
}
