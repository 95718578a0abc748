package replicator

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Event is anything that happens to a Replicator.
type Event interface{ event() }

// BackendID names one connection at the gate; 0 is the node itself.
type BackendID uint64

type (
	// Tick says that one tick has passed.
	Tick struct{}

	// FlushLearn says that followers have waited long enough to be told what is chosen.
	FlushLearn struct{}

	// Gathered says that what there is to apply has gathered for long enough.
	Gathered struct{}

	// Received brings a message of another node.
	Received struct {
		From    paxos.NodeID
		Stamp   paxos.Stamp
		Message paxos.Message
		Bytes   int // of the frame in which it came
	}

	// Synced says that the records of every Work up to Seq are durable.
	Synced struct{ Seq uint64 }

	// Submitted brings what a backend wants agreed on: sequence states, and a change set unless Set is nil.
	Submitted struct {
		Backend   BackendID
		Request   uint64
		Epoch     paxos.Ballot
		Sequences []changeset.SequenceState
		Set       *changeset.ChangeSet
		Arrived   int64 // when Set came, by the machine's clock: microseconds since 2000-01-01 UTC
	}

	// ChunkSubmitted brings a piece of a large change set that is still being written.
	ChunkSubmitted struct {
		Backend BackendID
		Request uint64
		Ordinal uint32
		Data    []byte
	}

	// Discarded says that the transaction of a chunked request rolled back.
	Discarded struct {
		Backend BackendID
		Request uint64
	}

	// BackendGone says that a connection at the gate ended.
	BackendGone struct{ Backend BackendID }

	// ServerStarted says that the local server runs with a closed gate and shows everything up to Applied. Start names this start of it.
	ServerStarted struct {
		Start      uint64
		Applied    changeset.Position
		KeepsTimes bool // track_commit_timestamp is on
	}

	// ServerLost says that no process of the local server is left.
	ServerLost struct{}

	// GateClosed answers Output.CloseGate: no backend of the epoch is left and the server shows everything up to Applied.
	GateClosed struct{ Applied changeset.Position }

	// Applied says that the local server has committed and shows a Batch. Position is its applied position.
	Applied struct {
		Batch    uint64
		Position changeset.Position
	}

	// ApplyFailed says that a Batch was not applied. Position is the server's applied position; Divergence is not empty when
	// trying again cannot help. Reason and Code (an SQLSTATE, if there is one) say what was wrong.
	ApplyFailed struct {
		Batch      uint64
		Position   changeset.Position
		Divergence string
		Reason     string
		Code       string
	}

	// EntriesRead answers Output.Read: chosen entries of the own journal from From on, as many as were there.
	EntriesRead struct {
		From    paxos.Index
		Entries []paxos.Entry
	}

	// IDsWanted says up to which limit the server would like to give out transaction ids.
	IDsWanted struct{ Limit changeset.IDLimit }

	// MarkRequested asks for a mark entry.
	MarkRequested struct{ ID changeset.MarkID }

	// MarkDone says that the snapshot at a mark was taken (or given up).
	MarkDone struct{ ID changeset.MarkID }

	// Join asks for admission of an incarnation of a named node. Answered in Output.Joins when the membership holds it.
	Join struct {
		Name        string
		Incarnation uint64
		Address     string
		Reply       uint64 // chosen by the driver, to find the asker
		Spare       bool   // it wants to stay a learner until it is recruited; what was ordered about its name outranks that
	}

	// StepDown asks a leader to finish what it has taken on, to close its gate, and to let others lead: To, or the most caught-up one if
	// that is 0.
	StepDown struct{ To paxos.NodeID }

	// Transfer asks a leader to hand over to another member, or to the most caught-up one if To is 0. Applied is what that one's server has
	// applied, if it is known. It is answered at once: Done says that the hand-over has begun.
	Transfer struct {
		To      paxos.NodeID
		Applied changeset.Position
		Ticket  uint64 // chosen by the driver, to find the asker
	}

	// Expect asks a leader to let a node of a name join, as a spare or not, or to recruit the spare of that name. It is answered at
	// once, and has to be asked again until the answer is Done.
	Expect struct {
		Name   string
		Spare  bool
		Ticket uint64
	}

	// Dismiss asks a leader to remove the member of a name for good. Answers are as for Expect.
	Dismiss struct {
		Name   string
		Ticket uint64
	}

	// Surveyed answers Output.Survey: why the members must not become as asked about; empty when they may.
	Surveyed struct {
		Ticket  uint64
		Refused string
	}

	// GateFailed says that the server has closed its gate by itself.
	GateFailed struct{}

	// Flushed says that a start of the server has made everything up to Position durable, and what the journal holds. Of a start that is
	// over it says nothing: the one that runs may have begun lower, with a base backup.
	Flushed struct {
		Start        uint64
		Position     changeset.Position
		JournalBytes int64
		Pinned       paxos.Index // no floor above it; 0 = not pinned
	}

	// Room says that there is little room on the node's disks, and where; empty: there is room. Unless a node says otherwise it has room.
	Room struct{ Little string }

	// JournalFull says why the journal takes nothing just now, and whatever it is given has to wait; empty: it has room again.
	JournalFull struct{ Why string }

	// Stranger says that a member which this node does not know has named a membership version.
	Stranger struct{ Version uint32 }

	// Retire ends this node's part in the cluster, and says why.
	Retire struct{ Why string }

	// Pardon lets this node vote in spite of what it may have forgotten, as an operator has ordered.
	Pardon struct{}

	// Purged says that the journal has dropped everything up to To.
	Purged struct{ To paxos.Index }
)

func (Tick) event()           {}
func (FlushLearn) event()     {}
func (Gathered) event()       {}
func (Received) event()       {}
func (Synced) event()         {}
func (Submitted) event()      {}
func (ChunkSubmitted) event() {}
func (Discarded) event()      {}
func (BackendGone) event()    {}
func (ServerStarted) event()  {}
func (ServerLost) event()     {}
func (GateClosed) event()     {}
func (Applied) event()        {}
func (ApplyFailed) event()    {}
func (EntriesRead) event()    {}
func (IDsWanted) event()      {}
func (MarkRequested) event()  {}
func (MarkDone) event()       {}
func (Join) event()           {}
func (StepDown) event()       {}
func (Transfer) event()       {}
func (Expect) event()         {}
func (Dismiss) event()        {}
func (Surveyed) event()       {}
func (GateFailed) event()     {}
func (Flushed) event()        {}
func (Room) event()           {}
func (Purged) event()         {}
func (JournalFull) event()    {}
func (Stranger) event()       {}
func (Retire) event()         {}
func (Pardon) event()         {}
