package paxos

// A fetch is a request for chosen entries that has not been answered. At most
// one is outstanding.
type fetch struct {
	peer NodeID // 0: none
	from Index
	sent Instant
}

// fetchPatience is for how many ticks a Fetch waits before another peer is
// asked.
const fetchPatience = 4

func (n *Node) heardChosen(from NodeID, to Index) {
	p := n.peer(from)
	p.ChosenTo = max(p.ChosenTo, to)
}

func (n *Node) heardDurable(from NodeID, to Index) {
	p := n.peer(from)
	p.DurableTo = max(p.DurableTo, to)
}

// learn advances over what was accepted here at exactly the ballot of a leader
// that says it is chosen. At another ballot the value here may be another one.
func (n *Node) learn(b Ballot, to Index) {
	for n.chosenTo < to {
		e, ok := n.accepted.get(n.chosenTo + 1)
		if !ok || e.Ballot != b && !planted("learn without ballot") {
			break
		}
		n.advance(e)
	}
	n.chooseProposals()
}

// advance takes the entry after chosenTo as chosen.
func (n *Node) advance(e Entry) {
	n.accepted.drop(e.Index)
	n.chosenTo = e.Index
	n.out.Chosen = append(n.out.Chosen, e)
	if n.role == Leader {
		n.reign.stuck = n.now
	}
	if next := n.members.Apply(e.Value); next.Version != n.version() {
		n.membersChanged(next, e.Index)
	}
}

// membersChanged makes a membership that was chosen at an index the current one.
//
// A leader that proposed it goes on with its ballot. Its phase 1 was made under
// the old membership, and still holds: the new one differs by one voter, so its
// majorities meet those of the old, which accepted the member entry at this
// ballot and refuse every lower one. Values of lower ballots under the new
// membership cannot exist either: an acceptor takes part in it only when it
// knows it, and then it would have rejected the old Prepare.
func (n *Node) membersChanged(next Membership, at Index) {
	old := n.members
	n.setMembers(next)
	switch {
	case n.role == Candidate:
		n.stepDown()
		n.electionAt = n.now // phase 1 again, under the new membership
	case n.role == Leader && (at <= n.reign.base || !n.isVoter(n.cfg.ID)):
		n.announce(old, Membership{})
		n.stepDown()
	case n.role == Leader:
		n.announce(old, next)
		n.regroup(old)
	}
}

// announce tells those members of the old membership what is chosen that this
// leader will tell nothing any more, because they are not members of the new
// one, or because it steps down.
func (n *Node) announce(old, next Membership) {
	for _, member := range old.Members {
		if next.slot(member.Node) < 0 && member.Node != n.cfg.ID {
			n.out.now(member.Node, Learn{Version: n.version(), Ballot: n.reign.ballot, ChosenTo: n.chosenTo})
		}
	}
}

// regroup carries what the leader knows of its followers over to the new
// membership. The lease is now only what the new voters stand for.
func (n *Node) regroup(old Membership) {
	r := &n.reign
	followers := make([]follower, len(n.members.Members))
	for slot, member := range n.members.Members {
		followers[slot].lease, followers[slot].acked = never, never
		if before := old.slot(member.Node); before >= 0 {
			followers[slot] = r.followers[before]
		}
	}
	r.followers = followers
	r.leaseEnd = min(r.leaseEnd, n.acknowledgedLease())
}

func (n *Node) handleLearn(from NodeID, m Learn) {
	n.heardChosen(from, m.ChosenTo)
	if m.Ballot.Node() != from {
		return
	}
	n.learn(m.Ballot, m.ChosenTo)
	n.fetchFrom(from)
}

// fetchFrom asks a peer for what it has said to have and this node lacks,
// unless a request is already on its way.
func (n *Node) fetchFrom(peer NodeID) {
	if peer == 0 || n.mute || n.fetch.peer != 0 || n.peer(peer).ChosenTo <= n.chosenTo {
		return
	}
	n.sendFetch(peer)
}

func (n *Node) sendFetch(peer NodeID) {
	n.fetch = fetch{peer: peer, from: n.chosenTo + 1, sent: n.now}
	if n.isBlank() {
		n.fetch.from = 0 // below every floor
	}
	n.out.now(peer, Fetch{Version: n.version(), From: n.fetch.from})
}

// tickFetch asks another peer when the last one does not answer.
func (n *Node) tickFetch() {
	if n.fetch.peer != 0 && n.now.Since(n.fetch.sent) < fetchPatience*n.cfg.Tick {
		return
	}
	failed := n.fetch.peer
	n.fetch = fetch{}
	if peer := n.fetchTarget(failed); peer != 0 && !n.mute {
		n.sendFetch(peer)
	}
}

// inquiry is what a node asked last that hears of no leader.
type inquiry struct {
	peer NodeID
	sent Instant
}

// tickInquiry lets a node that hears of no leader and does not campaign ask one
// member after the other for what comes next, though none has said to have it.
// The leader may be a member of which this node has not heard yet, so that its
// messages are not taken here; and those of which it has heard have nothing to
// say by themselves if they follow.
func (n *Node) tickInquiry() {
	lost := n.role == Follower && n.leadership.leader == 0 && n.now.Since(n.electionAt) >= n.cfg.ElectionMax
	if !lost || n.now.Since(n.inquiry.sent) < fetchPatience*n.cfg.Tick {
		return
	}
	if peer := n.memberAfter(n.inquiry.peer); peer != 0 {
		n.inquiry = inquiry{peer: peer, sent: n.now}
		n.out.now(peer, Fetch{Version: n.version(), From: n.chosenTo + 1})
	}
}

// memberAfter returns the member after one in the list, round and round; 0 if
// there is no other.
func (n *Node) memberAfter(id NodeID) NodeID {
	first := NodeID(0)
	for _, m := range n.members.Members {
		switch {
		case m.Node == n.cfg.ID:
		case m.Node > id:
			return m.Node
		case first == 0:
			first = m.Node
		}
	}
	return first
}

// fetchTarget returns a peer that has more than this node: the leader, else the
// next after the one that failed, and that one again only if there is no other.
func (n *Node) fetchTarget(failed NodeID) NodeID {
	if leader := n.leadership.leader; leader != failed && n.isAhead(leader) {
		return leader
	}
	var lowest, next NodeID
	for id := range n.peers {
		if !n.isAhead(id) {
			continue
		}
		if lowest == 0 || id < lowest {
			lowest = id
		}
		if id > failed && (next == 0 || id < next) {
			next = id
		}
	}
	if next != 0 {
		return next
	}
	return lowest
}

func (n *Node) isAhead(id NodeID) bool {
	p, ok := n.peers[id]
	return ok && p.ChosenTo > n.chosenTo
}

// isBlank reports whether the node knows no membership: without the state at
// some floor it could not tell what later member entries change.
func (n *Node) isBlank() bool { return n.members.Version == 0 }

// handleFetch has the driver read what a peer lacks. Anyone may ask.
func (n *Node) handleFetch(from NodeID, m Fetch) {
	if m.From > n.chosenTo {
		n.out.now(from, Entries{Version: n.version(), First: m.From, ChosenTo: n.chosenTo})
		return
	}
	n.out.read(ReadRequest{To: from, From: m.From, Until: n.chosenTo})
}

func (n *Node) handleEntries(from NodeID, m Entries) {
	n.heardChosen(from, m.ChosenTo)
	for _, e := range m.Entries {
		if e.Index == n.chosenTo+1 && !n.isBlank() {
			n.install(e)
		}
	}
	n.chooseProposals()
	if n.fetch.peer != from || n.fetch.from != m.First {
		return
	}
	n.fetch = fetch{}
	if len(m.Entries) == 0 {
		n.peer(from).ChosenTo = min(m.ChosenTo, n.chosenTo) // it has forgotten what it said it had
	}
	n.fetchFrom(from)
}

// install takes a fetched entry as chosen. It goes into the journal as if
// accepted: that is harmless even if the ChosenRecord after it is lost, because
// no other value can be chosen at its index.
func (n *Node) install(e Entry) {
	if n.role == Leader && e.Index >= n.reign.first {
		n.confirm(e)
		return
	}
	if old, ok := n.accepted.get(e.Index); !ok || old.Ballot != e.Ballot {
		n.out.record(AcceptRecord{Entry: e})
	} else if !old.Value.Equal(e.Value) {
		violated("index %d is chosen with another value than was accepted at ballot %v", e.Index, e.Ballot)
	}
	n.advance(e)
}

// confirm compares a fetched entry with the leader's own proposal for its index.
// If they differ, a higher ballot chose it, and this leadership is over.
func (n *Node) confirm(e Entry) {
	r := &n.reign
	if e.Index < r.next() && r.inflight[0].value.Equal(e.Value) {
		n.takeProposal()
		return
	}
	n.stepDown()
	n.install(e)
}

func (n *Node) handleFloorState(from NodeID, m FloorState) {
	n.heardChosen(from, m.Floor.Index)
	if n.adoptable(m.Floor) {
		n.out.Floors = append(n.out.Floors, FloorOffer{From: from, Floor: m.Floor})
	}
}

// adoptable reports whether a floor is above everything here. To a node without
// a membership any floor is, also one at index 0.
func (n *Node) adoptable(f Floor) bool {
	return f.Index > n.chosenTo || n.isBlank() && f.Members.Version > 0
}

// InstallFloor adopts a peer's floor: everything up to it counts as chosen, and
// the entries below it will never be here. The driver's server must have them
// already. A floor that is not above ChosenTo is ignored, unless the node knows
// no membership yet.
func (n *Node) InstallFloor(now Instant, f Floor) {
	n.enter(now)
	if !n.adoptable(f) {
		return
	}
	if n.role != Follower {
		n.stepDown()
	}
	n.out.record(FloorRecord{Floor: f})
	n.accepted.dropTo(f.Index)
	n.chosenTo, n.purgedTo, n.out.written = f.Index, f.Index, f.Index
	if f.Members.Version > n.version() {
		n.setMembers(f.Members)
	}
	n.fetch = fetch{}
	n.fetchFrom(n.fetchTarget(0))
	n.check()
}
