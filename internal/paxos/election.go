package paxos

// A candidacy is one attempt to lead: first the question whether it would
// succeed (PreVote, which disturbs nobody), then phase 1.
type candidacy struct {
	preparing bool   // phase 1 has begun
	ballot    Ballot // in phase 1 the node's own; before, only a guess
	before    Ballot // the lowest ballot in which the node took part before phase 1
	durable   bool   // this node's own promise is on disk: Prepare may go
	votes     ballotBox
	until     Instant // when it is given up

	heardTo [MaxMembers]Index // where the parts of each member's promise end, plus one

	base     Index  // the greatest ChosenTo in the promises
	basePeer NodeID // whose it is
	adopted  map[Index]Entry
}

// awaitLeader sets the time at which the node campaigns unless it hears a leader.
func (n *Node) awaitLeader() {
	n.electionAt = n.now.Add(n.spanBetween(n.cfg.ElectionMin, n.cfg.ElectionMax))
}

// spanBetween draws a span of at least low and less than high.
func (n *Node) spanBetween(low, high Span) Span {
	return low + Span(n.cfg.Rand.Int64N(int64(high-low)))
}

// heardBallot remembers a ballot, so that the next one of this node is higher.
func (n *Node) heardBallot(b Ballot) { n.greatest = max(n.greatest, b) }

func (n *Node) nextBallot() Ballot { return MakeBallot(n.greatest.Round()+1, n.cfg.ID) }

func (n *Node) tickFollower() {
	if n.now < n.electionAt {
		return
	}
	n.leadership.leader = 0
	if n.electable && n.isVoter(n.cfg.ID) && n.mayPromise(n.cfg.ID) {
		n.campaign()
	}
}

func (n *Node) tickCandidate() {
	switch {
	case n.now >= n.candidacy.until:
		n.stepDown()
	case n.candidacy.preparing:
		n.sendPrepares()
	default:
		n.sendPreVotes()
	}
}

// campaign asks the others whether they would promise.
func (n *Node) campaign() {
	n.role = Candidate
	n.candidacy = candidacy{ballot: n.nextBallot(), until: n.now.Add(n.cfg.ElectionMin)}
	n.candidacy.votes.add(n.electorate.self)
	n.sendPreVotes()
	n.countPreVotes()
}

func (n *Node) sendPreVotes() {
	n.toVoters(func(slot int, to NodeID) {
		if !n.candidacy.votes.has(slot) {
			n.out.now(to, PreVote{Version: n.version(), Ballot: n.candidacy.ballot, ChosenTo: n.chosenTo})
		}
	})
}

func (n *Node) handlePreVoteReply(from NodeID, m PreVoteReply) {
	n.heardChosen(from, m.ChosenTo)
	n.heardBallot(m.Promised)
	n.fetchFrom(from)
	c, slot := &n.candidacy, n.members.slot(from)
	if n.role != Candidate || c.preparing || m.Ballot != c.ballot || !m.Granted || !n.electorate.isVoter(slot) {
		return
	}
	c.votes.add(slot)
	n.countPreVotes()
}

func (n *Node) countPreVotes() {
	if n.electorate.majority(n.candidacy.votes) {
		n.prepare()
	}
}

// prepare begins phase 1. The ballot is new, and on disk before anyone hears
// of it.
func (n *Node) prepare() {
	b := n.nextBallot()
	n.candidacy = candidacy{
		preparing: true, ballot: b, before: n.bound, until: n.now.Add(n.cfg.ElectionMin),
		base: n.chosenTo, adopted: make(map[Index]Entry),
	}
	for _, p := range n.peers {
		p.before = p.seen.Acts
	}
	n.promise(b)
	n.out.promised = b
	n.toVoters(func(_ int, to NodeID) { n.out.afterDurable(to, n.prepareMessage()) })
}

func (n *Node) prepareMessage() Prepare {
	return Prepare{Version: n.version(), Ballot: n.candidacy.ballot, ChosenTo: n.chosenTo}
}

// sendPrepares asks again those who have not answered.
func (n *Node) sendPrepares() {
	if !n.candidacy.durable {
		return
	}
	n.toVoters(func(slot int, to NodeID) {
		if !n.candidacy.votes.has(slot) {
			n.out.now(to, n.prepareMessage())
		}
	})
}

// ownPromiseDurable counts this node's own promise.
func (n *Node) ownPromiseDurable(b Ballot) {
	c := &n.candidacy
	if n.role != Candidate || !c.preparing || c.ballot != b {
		return
	}
	c.durable = true
	c.votes.add(n.electorate.self)
	n.countPromises()
}

func (n *Node) handlePromise(from NodeID, m Promise) {
	n.heardChosen(from, m.ChosenTo)
	c, slot := &n.candidacy, n.members.slot(from)
	if n.role == Leader && m.Ballot == n.reign.ballot && m.First == m.Last {
		n.promisedFor(slot, m.First)
	}
	if n.role != Candidate || !c.preparing || m.Ballot != c.ballot || !n.electorate.isVoter(slot) || c.votes.has(slot) {
		return
	}
	c.merge(m.Entries)
	if m.ChosenTo > c.base {
		c.base, c.basePeer = m.ChosenTo, from
	}
	if c.complete(slot, m) {
		c.votes.add(slot)
		n.countPromises()
	}
}

// complete adds a part to what was heard of a member's promise, and reports
// whether that is all now. Parts of an earlier and a later answer fit together:
// after its promise an acceptor accepts nothing new before the candidate leads.
func (c *candidacy) complete(slot int, m Promise) bool {
	if m.First > c.heardTo[slot] {
		return false // a part before it was lost; the next prepare brings all again
	}
	if m.Last == LastIndex {
		return true
	}
	c.heardTo[slot] = max(c.heardTo[slot], m.Last+1)
	return false
}

// merge keeps, for each index, the value accepted at the highest ballot.
func (c *candidacy) merge(entries []Entry) {
	for _, e := range entries {
		old, ok := c.adopted[e.Index]
		if ok && old.Ballot == e.Ballot && !old.Value.Equal(e.Value) {
			violated("index %d has two values at ballot %v", e.Index, e.Ballot)
		}
		if !ok || e.Ballot > old.Ballot {
			c.adopted[e.Index] = e
		}
	}
}

func (n *Node) countPromises() {
	if n.electorate.majority(n.candidacy.votes) {
		n.win()
	}
}

// win ends phase 1. Up to the greatest ChosenTo of the quorum everything is
// chosen; what is missing here is fetched. Above it, each index gets the value
// accepted at the highest ballot, and a gap gets a no-op, since nothing can
// have been chosen there.
func (n *Node) win() {
	c := &n.candidacy
	c.merge(n.accepted.sorted())
	if n.chosenTo >= c.base {
		c.base, c.basePeer = n.chosenTo, 0
	}
	last := c.base
	for i := range c.adopted {
		last = max(last, i)
	}
	adopted := make([]Value, 0, last-c.base)
	for i := c.base + 1; i <= last; i++ {
		value := Value{Version: n.version(), Epoch: c.ballot, Kind: KindNoop}
		if e, ok := c.adopted[i]; ok && !planted("accepted value ignored by a new leader") {
			value = e.Value
		} else if planted("gap not filled") {
			continue
		}
		adopted = append(adopted, value)
	}
	n.lead(c.ballot, c.base, adopted)
	n.fetchFrom(c.basePeer)
}

// handleReject gives way to a higher ballot or a newer membership. A leader that
// has its lease gives way to no ballot: a majority promises nobody else, so
// nobody leads with that ballot, and whoever promised it was cut off in the
// middle of an election. Without its vote the leader goes on for as long as the
// others make a majority; when they do not, the lease lapses, and the next
// Reject ends the leadership.
func (n *Node) handleReject(from NodeID, m Reject) {
	n.heardChosen(from, m.ChosenTo)
	n.heardBallot(m.Promised)
	newer := m.Version > n.version()
	n.fetchFrom(from)
	switch {
	case n.role == Leader && (newer || m.Promised > n.reign.ballot && n.lapsed()):
		n.stepDown()
	case n.role == Candidate && n.candidacy.preparing && (newer || m.Promised > n.candidacy.ballot):
		n.stepDown()
	}
}

// stepDown makes the node a follower that knows of no leader. Its ballot is
// never used again.
func (n *Node) stepDown() {
	if n.role == Candidate {
		n.disengage()
	}
	n.role, n.heir = Follower, false
	n.leadership.leader = 0
	n.candidacy, n.reign = candidacy{}, reign{}
	n.awaitLeader()
}

// disengage lets the node take part again in the ballots between its last promise
// and the one that it made to itself as a candidate. Nobody will lead with its
// ballot any more: only this node counts promises for it, and does so no longer.
// So nobody relies on its own promise, and it would only keep the node from
// working with a leader whose ballot is a little lower. The promise stays in
// the journal, because the ballot must not be used again; after a restart, when
// it is not known what became of the candidacy, it binds.
func (n *Node) disengage() {
	if c := &n.candidacy; c.preparing && n.bound == c.ballot {
		n.bound = c.before
	}
}

// follow takes the node that leads with ballot b, which is as high as any
// promised here, for the leader.
func (n *Node) follow(b Ballot) {
	if n.role != Follower {
		n.stepDown()
	}
	n.heir = false
	n.heardBallot(b)
	n.leadership.ballot, n.leadership.leader = b, b.Node()
	n.awaitLeader()
}
