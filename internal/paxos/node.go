package paxos

// A Role is the part that a node plays towards the others.
type Role uint8

// The roles.
const (
	Follower Role = iota
	Candidate
	Leader
)

// String returns the role's name.
func (r Role) String() string {
	return [...]string{"follower", "candidate", "leader"}[r]
}

// A Node is one member's whole part in Paxos. It is not safe for concurrent
// use. Every event carries the time of the node's boot clock; a time before the
// last one counts as the last one.
type Node struct {
	cfg Config
	now Instant

	// What the acceptor keeps. Everything here but the leases is in the journal,
	// or in Records on their way to it.
	promised       Ballot // the greatest ever. Invariant: no lower than any ballot in accepted.
	bound          Ballot // the lowest ballot in which it takes part; promised, but see disengage
	accepted       window // above chosenTo
	chosenTo       Index  // everything up to here is chosen and known
	durableTo      Index  // the part of chosenTo that would survive a crash
	purgedTo       Index  // the journal's floor
	allDurable     Index  // what every member durably holds, as the leader has last said
	members        Membership
	durableMembers Membership // at durableTo
	electorate     electorate // of members
	lease          grant
	quietUntil     Instant // after a restart nobody is promised anything until then

	role       Role
	electable  bool
	complete   bool // the server holds everything at or below the floor
	mute       bool // nothing can be made durable just now
	leadership leadership
	candidacy  candidacy // while Candidate
	reign      reign     // while Leader
	lastReign  Ballot    // the last one led, until its lease was given back
	heir       bool      // a lease was given back in its favour, and nobody else has led since
	greatest   Ballot    // of every ballot heard of
	electionAt Instant

	peers map[NodeID]*acquaintance
	fetch fetch

	life        Life   // with all that was handed out as records
	durableActs uint64 // the part of its acts that would survive a crash
	homecoming  homecoming
	prefix      Prefix // as the driver says

	inquiry inquiry

	out   output
	seq   uint64
	syncs []pendingSync
	seen  seen
}

// leadership is who leads, as far as this node knows.
type leadership struct {
	ballot   Ballot // the greatest that anyone led
	leader   NodeID // 0: not known, or not heard of for too long
	released Ballot // the greatest that was given back
}

// Progress is what a peer has last said of itself.
type Progress struct {
	ChosenTo  Index
	DurableTo Index
	Heard     Instant // when the last message came
}

// New returns a node that goes on from what its journal held.
func New(cfg Config, restored Restored) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := restored.validate(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, now: cfg.Now,
		promised: restored.Promised, accepted: newWindow(),
		chosenTo: restored.ChosenTo, durableTo: restored.ChosenTo, purgedTo: restored.Floor.Index,
		quietUntil: cfg.Now.Add(cfg.Lease + cfg.Drift), lease: grant{until: never},
		electable: true, peers: make(map[NodeID]*acquaintance),
		life: restored.Life, durableActs: restored.Life.Acts,
	}
	if planted("lease forgotten in a restart") {
		n.quietUntil = never
	}
	n.out.written = n.chosenTo
	for _, e := range restored.Entries {
		n.accepted.put(e)
		n.promised = max(n.promised, e.Ballot)
	}
	n.greatest, n.bound = n.promised, n.promised
	n.setMembers(restored.Members)
	n.durableMembers = n.members
	n.awaitLeader()
	n.comeHome(restored)
	n.check()
	return n, nil
}

// Tick lets time pass: heartbeats, elections, whatever has to be sent again.
func (n *Node) Tick(now Instant) {
	n.enter(now)
	switch n.role {
	case Leader:
		n.tickLeader()
	case Candidate:
		n.tickCandidate()
	case Follower:
		n.tickFollower()
	}
	n.tickFetch()
	n.tickInquiry()
	n.tickHomecoming()
	n.check()
}

// Receive takes a message from a peer. The driver vouches for from.
func (n *Node) Receive(now Instant, from NodeID, s Stamp, m Message) {
	n.enter(now)
	if from == 0 || from == n.cfg.ID || !n.believes(from, s, m) || n.mute && needsDisk(m) {
		return
	}
	n.dispatch(from, m)
	n.check()
}

func (n *Node) dispatch(from NodeID, m Message) {
	switch m := m.(type) {
	case PreVote:
		n.handlePreVote(from, m)
	case PreVoteReply:
		n.handlePreVoteReply(from, m)
	case Prepare:
		n.handlePrepare(from, m)
	case Promise:
		n.handlePromise(from, m)
	case Reject:
		n.handleReject(from, m)
	case Accept:
		n.handleAccept(from, m)
	case Accepted:
		n.handleAccepted(from, m)
	case Heartbeat:
		n.handleHeartbeat(from, m)
	case HeartbeatAck:
		n.handleHeartbeatAck(from, m)
	case Learn:
		n.handleLearn(from, m)
	case Fetch:
		n.handleFetch(from, m)
	case Entries:
		n.handleEntries(from, m)
	case FloorState:
		n.handleFloorState(from, m)
	case Release:
		n.handleRelease(from, m)
	case Return:
		n.handleReturn(from, m)
	case Welcome:
		n.handleWelcome(from, m)
	case Disown:
		n.handleDisown(from, m)
	}
}

func (n *Node) enter(now Instant) { n.now = max(n.now, now) }

func (n *Node) peer(id NodeID) *acquaintance {
	p := n.peers[id]
	if p == nil {
		p = &acquaintance{Progress: Progress{Heard: never}}
		p.seen.Node = id
		n.peers[id] = p
	}
	return p
}

// setMembers makes a membership the one that governs the next index.
func (n *Node) setMembers(m Membership) {
	n.members = m
	n.electorate = newElectorate(m, n.cfg.ID)
}

// version is the one that this node's messages carry.
func (n *Node) version() uint32 { return n.members.Version }

// isVoter reports whether a node votes, as far as this node knows.
func (n *Node) isVoter(id NodeID) bool { return n.electorate.isVoter(n.members.slot(id)) }

// toVoters calls send for each voter but this node.
func (n *Node) toVoters(send func(slot int, to NodeID)) {
	for slot, member := range n.members.Members {
		if member.Voter && member.Node != n.cfg.ID {
			send(slot, member.Node)
		}
	}
}
