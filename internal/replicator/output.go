package replicator

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Output is what a Replicator asks of its driver. The order of the fields is an order that is always right; Works are in order.
type Output struct {
	Start     uint64              // of the server: what follows is for no other start of it
	CloseGate bool                // first of all: set the closed flag, end the backends, then GateClosed
	DrainGate bool                // let the backends that have an answer commit, then as CloseGate; this node still leads
	Works     []Work              // disk and network
	Answers   []Answer            // to backends, in order
	OpenGate  paxos.Ballot        // not 0: open the gate for this epoch
	IDLimit   changeset.IDLimit   // not 0: the server may give out transaction ids below it
	Lease     paxos.Instant       // until when the server may trust its leadership; 0 = not at all
	LearnSoon bool                // within some milliseconds, FlushLearn
	Gather    paxos.Span          // not 0: after it, Gathered
	PeerReads []paxos.ReadRequest // chosen entries of the own journal for a peer
	Read      *Read               // chosen entries of the own journal for the cursor
	Apply     *Batch              // one at a time; answered by Applied or ApplyFailed
	Mark      *Mark               // take a snapshot; answered by MarkDone
	Joins     []Joined
	Replies   []Reply
	Survey    *Survey      // what do these hold? Answered by Surveyed
	Purge     *paxos.Floor // make this the journal's floor
	Backup    bool         // the server is behind every floor: it needs a base backup
	Diverged  string       // not empty: the server holds something else than the order; stop it
}

// Work is one Ready of the Paxos core: Messages go at once, AfterDurable when Records (and those of all earlier Works) are durable, and
// then Synced tells so.
type Work struct {
	Seq          uint64
	Records      []paxos.Record
	Messages     []paxos.Outgoing
	AfterDurable []paxos.Outgoing
}

// Verdict is what a backend is told.
type Verdict uint8

// The verdicts. Refused was never in a Work; everything between is Unknown.
const (
	Chosen  Verdict = iota + 1 // at Position, on top of Predecessor
	Agreed                     // the sequence states are agreed on
	Refused                    // never proposed: safe to run again
	Unknown                    // it was proposed and the epoch ended
)

// Answer goes to one request of one backend.
type Answer struct {
	Backend     BackendID
	Request     uint64
	Verdict     Verdict
	Position    changeset.Position // Chosen
	Predecessor changeset.Position // Chosen
	Committed   int64              // Chosen: the commit time, microseconds since 2000-01-01 UTC
	SQLState    string             // Refused
	Message     string             // Refused
}

// Read asks for chosen entries from From to To (inclusive) of the own journal.
type Read struct{ From, To paxos.Index }

// Batch is one local transaction of apply.
type Batch struct {
	Number      uint64
	Database    string
	Predecessor changeset.Position // must be the server's applied position
	Position    changeset.Position // to store; equal to Predecessor when there is nothing but sequences
	Items       []Item

	sets int // of Items that are change sets
}

// Item is a change set, a list of sequence states or a limit of transaction ids, in their order.
type Item struct {
	Set       *changeset.ChangeSet
	Pieces    Pieces                    // before the last part, for a chunked set; nil: there are none
	Sequences []changeset.SequenceState // one that is missing is no error
	IDLimit   changeset.IDLimit         // not 0: nothing else. The first item of its batch

	pieces []piece // what Pieces gives
}

// Mark asks for a snapshot that shows exactly the order up to Position.
type Mark struct {
	ID       changeset.MarkID
	Index    paxos.Index
	Position changeset.Position
}

// Reply answers a request of an operator.
type Reply struct {
	Ticket  uint64
	Done    bool   // it is so; else, without a Refusal: not yet, ask again
	Refusal string // why it will not be
}

// Joined answers a Join.
type Joined struct {
	Reply   uint64
	Node    paxos.NodeID // 0: not now; ask again
	Members paxos.Membership
	Refusal string // not empty: not before somebody orders it
}
