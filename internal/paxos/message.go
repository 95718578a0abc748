package paxos

// A Message goes from node to node. Each kind is its own type. Every message
// may be lost, doubled, delayed or overtaken. Version is the membership version
// of the sender's ChosenTo; ChosenTo is the index up to which the sender knows
// and holds what was chosen.
type Message interface {
	// version is the sender's membership version.
	version() uint32
	// code is the type byte on the wire.
	code() uint8
	// append writes the body to b.
	append(b []byte, cluster [16]byte) []byte
}

// PreVote asks whether a Prepare with about this ballot would be answered. It
// changes nothing at the receiver.
type PreVote struct {
	Version  uint32
	Ballot   Ballot
	ChosenTo Index
}

// PreVoteReply answers a PreVote.
type PreVoteReply struct {
	Version  uint32
	Ballot   Ballot // of the PreVote
	Granted  bool
	Promised Ballot // the greatest ballot that the sender knows of
	ChosenTo Index
}

// Prepare is phase 1 for all indexes that are not chosen yet, or, from a leader
// under Basic, for one.
type Prepare struct {
	Version  uint32
	Ballot   Ballot
	ChosenTo Index
	Index    Index // 0: all
}

// Promise answers Prepare: the sender takes part in nothing below Ballot any
// more. All up to ChosenTo is chosen, and the sender can be asked for it. What
// it accepted above comes in one or more parts: Entries holds all from First to
// Last. The first part begins at 0, each other where one ended, and the last
// one ends at LastIndex. The answer for one index has that one as First and Last.
type Promise struct {
	Version     uint32
	Ballot      Ballot
	ChosenTo    Index
	First, Last Index
	Entries     []Entry
}

// Reject says that Ballot came too late: the sender has promised Promised, or
// knows a newer membership.
type Reject struct {
	Version  uint32
	Ballot   Ballot
	Promised Ballot
	ChosenTo Index
}

// Accept is phase 2 for the indexes from First on.
type Accept struct {
	Version  uint32
	Ballot   Ballot
	First    Index
	Values   []Value
	ChosenTo Index // a Learn that rides along
}

// Accepted says that the sender durably accepted First to Last at Ballot. The
// range may be empty (Last < First): the sender then has only its ChosenTo to
// tell.
type Accepted struct {
	Version     uint32
	Ballot      Ballot
	First, Last Index
	ChosenTo    Index
	DurableTo   Index
}

// Heartbeat holds the lease and, with ChosenTo, is a Learn. AllDurable is what
// every member, learners too, durably holds: nobody will ask for it again. A
// Probe asks for no lease and keeps nobody from campaigning. Seen is what the
// leader has seen of the members, so that all of them know it.
type Heartbeat struct {
	Version    uint32
	Ballot     Ballot
	Seq        uint64
	ChosenTo   Index
	AllDurable Index
	Probe      bool
	Seen       []Sighting
}

// HeartbeatAck promises that the sender will promise no other node for Lease
// from now; to a Probe that is 0. DurableTo is the part of ChosenTo that would
// survive a crash of the sender.
type HeartbeatAck struct {
	Version   uint32
	Ballot    Ballot
	Seq       uint64
	Lease     Span
	ChosenTo  Index
	DurableTo Index
}

// Learn says that everything up to ChosenTo is chosen. For an index this tells
// the value only to a node that accepted it at exactly Ballot; others Fetch.
type Learn struct {
	Version  uint32
	Ballot   Ballot
	ChosenTo Index
}

// Fetch asks for chosen entries from From on; from 0 on, for the floor.
type Fetch struct {
	Version uint32
	From    Index
}

// Entries answers Fetch with chosen entries, contiguous from First on. There
// may be fewer than ChosenTo says, or none.
type Entries struct {
	Version  uint32
	First    Index
	Entries  []Entry
	ChosenTo Index
}

// FloorState answers a Fetch of what the sender has purged.
type FloorState struct {
	Version uint32
	Floor   Floor
}

// Release gives the lease of a ballot back: its holder leads no longer and its
// server serves nobody. The heir, if there is one, is to lead next.
type Release struct {
	Version uint32
	Ballot  Ballot
	Heir    NodeID // 0: whoever is first
}

// Return asks a peer to take part with the sender, which was started: it has
// done what Life says, and knows its runs. Pardoned: an operator has ordered
// that it counts in spite of what it may have forgotten.
type Return struct {
	Version  uint32
	ChosenTo Index
	Life     Life
	Pardoned bool
}

// Welcome answers Return: the sender has seen nothing of the other's that it
// has forgotten, and knows its run on its disk.
type Welcome struct {
	Version  uint32
	ChosenTo Index
	Run      Run // that is welcome
}

// Disown says that a run may not vote, because its node has forgotten what the
// sender has seen of it, or has been started again since.
type Disown struct {
	Version uint32
	Run     Run // that is disowned
	Seen    Sighting
}

func (m PreVote) version() uint32      { return m.Version }
func (m PreVoteReply) version() uint32 { return m.Version }
func (m Prepare) version() uint32      { return m.Version }
func (m Promise) version() uint32      { return m.Version }
func (m Reject) version() uint32       { return m.Version }
func (m Accept) version() uint32       { return m.Version }
func (m Accepted) version() uint32     { return m.Version }
func (m Heartbeat) version() uint32    { return m.Version }
func (m HeartbeatAck) version() uint32 { return m.Version }
func (m Learn) version() uint32        { return m.Version }
func (m Fetch) version() uint32        { return m.Version }
func (m Entries) version() uint32      { return m.Version }
func (m FloorState) version() uint32   { return m.Version }
func (m Release) version() uint32      { return m.Version }
func (m Return) version() uint32       { return m.Version }
func (m Welcome) version() uint32      { return m.Version }
func (m Disown) version() uint32       { return m.Version }
