package paxos

// A reign is the state of a leadership of this node, from the end of phase 1
// until it steps down.
//
//	1 ... chosenTo ... base | first ... first+len(inflight)-1 | held
//	known to be chosen      | proposed, not known to be chosen | adopted, must wait
type reign struct {
	ballot Ballot
	since  Instant

	base     Index // phase 1 found everything up to here chosen
	first    Index // the index of inflight[0]
	inflight []proposal
	bytes    int     // of the bodies in flight
	held     []Value // adopted values behind a member entry that is in flight
	line     []Value // under Basic: what waits for its phase 1; its indexes follow on those in flight
	round    round   // of the first in line
	fence    Index   // the index of the member entry in flight or in line; 0: none
	stuck    Instant // since when the log below base has not grown

	followers  []follower // in the order of the members
	heartbeats sentHeartbeats
	leaseEnd   Instant
	probing    bool  // the last heartbeat was a probe
	aged       Index // what was proposed before the last tick ends here
}

// A proposal is an entry in flight.
type proposal struct {
	value Value
	votes ballotBox
}

// A follower is what a leader keeps of a member, itself included.
type follower struct {
	lease    Instant // until when it stands for the lease
	acked    Instant // when the newest heartbeat or probe that it acknowledged was sent
	told     Index   // the greatest ChosenTo sent to it
	progress bool    // it accepted something since the last tick
}

// next is the index of the next proposal.
func (r *reign) next() Index { return r.first + Index(len(r.inflight)) }

// lead begins a reign: the adopted values go to base+1 and on.
func (n *Node) lead(b Ballot, base Index, adopted []Value) {
	n.role = Leader
	n.candidacy = candidacy{}
	n.leadership.ballot, n.leadership.leader = b, n.cfg.ID
	n.lastReign = b
	n.reign = reign{
		ballot: b, since: n.now, base: base, first: base + 1, stuck: n.now,
		followers: make([]follower, len(n.members.Members)), leaseEnd: never,
	}
	for slot := range n.reign.followers {
		n.reign.followers[slot].lease, n.reign.followers[slot].acked = never, never
	}
	n.heartbeat()
	n.proposeAdopted(adopted)
}

// Propose puts values at the next indexes, in one message to each voter if they
// are not very long, and returns the index of the first. The node fills in their version, and their
// epoch if it is 0. It takes all or, returning false, none: if it does not
// lead, is suspended, has no room, or waits for a member entry.
//
// A member entry is proposed alone, when nothing is in flight, and only if a
// majority of its voters and each new voter durably hold all that is chosen
// (see Node.Progress): otherwise a majority of the new membership could be
// without an entry that was chosen under the old one.
func (n *Node) Propose(now Instant, values ...Value) (first Index, ok bool) {
	n.enter(now)
	if n.role != Leader || n.mute || n.lapsed() || len(values) == 0 || !n.roomFor(values) || !n.orderly(values) {
		return 0, false
	}
	proposed := make([]Value, len(values))
	for i, v := range values {
		v.Version = n.version()
		if v.Epoch == 0 {
			v.Epoch = n.reign.ballot
		}
		proposed[i] = v
	}
	if n.cfg.Protocol == Basic {
		first = n.queue(proposed)
	} else {
		first = n.propose(proposed)
	}
	n.check()
	return first, true
}

// roomFor reports whether values fit into the window. When nothing is in flight
// a value of any size does.
func (n *Node) roomFor(values []Value) bool {
	r := &n.reign
	if r.end()+Index(len(values))-1 > n.chosenTo+Index(n.cfg.MaxInflight) {
		return false
	}
	bytes := r.bytes
	for _, v := range values {
		bytes += len(v.Body)
	}
	return bytes <= n.cfg.MaxInflightBytes || len(r.inflight)+len(r.line) == 0
}

// orderly reports whether nothing is proposed past a member entry, and no member
// entry before its time.
func (n *Node) orderly(values []Value) bool {
	if n.reign.fence != 0 {
		return false
	}
	for _, v := range values {
		if v.Kind == KindMember && (len(values) > 1 || !n.mayChange(v)) {
			return false
		}
	}
	return true
}

// mayChange reports whether a member entry may be proposed now.
func (n *Node) mayChange(v Value) bool {
	base, next, err := DecodeMember(v.Body)
	if err != nil || base != n.version() || n.Inflight() > 0 || n.chosenTo < n.reign.base {
		return false
	}
	if planted("member change in one step of two") {
		return true
	}
	if votersChanged(n.members, next) > 1 || len(next.Voters()) == 0 {
		return false
	}
	complete := 0
	for _, id := range next.Voters() {
		p, _ := n.Progress(id)
		switch {
		case p.DurableTo >= n.chosenTo:
			complete++
		case !n.isVoter(id):
			return false
		}
	}
	return complete >= next.Quorum()
}

// propose accepts values here and asks the other voters to; the leader's own
// vote counts once they are on its disk.
func (n *Node) propose(values []Value) (first Index) {
	r := &n.reign
	first = r.next()
	for i, v := range values {
		at := first + Index(i)
		n.accept(Entry{Index: at, Ballot: r.ballot, Value: v})
		r.inflight = append(r.inflight, proposal{value: v})
		r.bytes += len(v.Body)
		if v.Kind == KindMember {
			r.fence = at
		}
	}
	n.out.votes = append(n.out.votes, votes{ballot: r.ballot, first: first, last: r.next() - 1})
	n.toVoters(func(slot int, to NodeID) { n.sendAccept(slot, to, first, values) })
	return first
}

// sendAccept asks a voter to accept values, in as many messages as they need.
func (n *Node) sendAccept(slot int, to NodeID, first Index, values []Value) {
	n.reign.followers[slot].told = n.chosenTo
	for len(values) > 0 {
		fit := fitting(values)
		n.out.now(to, Accept{
			Version: n.version(), Ballot: n.reign.ballot, First: first, Values: values[:fit], ChosenTo: n.chosenTo,
		})
		first, values = first+Index(fit), values[fit:]
	}
}

// fitting returns how many of the values, at least one, go into one message.
func fitting(values []Value) int {
	bytes := 0
	for k, v := range values {
		bytes += len(v.Body)
		if bytes > messageBytes && k > 0 {
			return k
		}
	}
	return len(values)
}

// proposeAdopted proposes what phase 1 found, up to a member entry; the rest
// waits until that is chosen.
func (n *Node) proposeAdopted(values []Value) {
	end := len(values)
	for i, v := range values {
		if v.Kind == KindMember {
			end = i + 1
			break
		}
	}
	n.reign.held = values[end:]
	if end > 0 {
		n.propose(values[:end])
	}
}

// ownVoteDurable counts this node's votes for its own proposals.
func (n *Node) ownVoteDurable(v votes) {
	if n.role == Leader && n.reign.ballot == v.ballot {
		n.vote(n.electorate.self, v.first, v.last)
	}
}

func (n *Node) handleAccepted(from NodeID, m Accepted) {
	n.heardChosen(from, m.ChosenTo)
	n.heardDurable(from, m.DurableTo)
	slot := n.members.slot(from)
	if n.role != Leader || m.Ballot != n.reign.ballot || !n.electorate.isVoter(slot) {
		return
	}
	n.reign.followers[slot].progress = true
	n.vote(slot, m.First, m.Last)
	n.fetchFrom(from)
}

// vote counts a member's vote for a range of proposals.
func (n *Node) vote(slot int, first, last Index) {
	r := &n.reign
	for i := max(first, r.first); i <= last && i < r.next(); i++ {
		if planted("same acceptor counted twice") && r.inflight[i-r.first].votes.has(slot) {
			slot = (slot + 1) % len(r.followers)
		}
		r.inflight[i-r.first].votes.add(slot)
	}
	n.chooseProposals()
}

// chooseProposals takes the proposals that have a majority from the front of
// the window. While the log has a gap below base none is taken.
func (n *Node) chooseProposals() {
	for n.role == Leader && len(n.reign.inflight) > 0 && n.chosenTo+1 == n.reign.first &&
		n.electorate.majority(n.reign.inflight[0].votes) {
		n.takeProposal()
	}
	if n.role == Leader && n.reign.fence == 0 && len(n.reign.held) > 0 {
		n.proposeAdopted(n.reign.held)
	}
	n.beginRound()
}

// takeProposal takes the first proposal, which is chosen, out of the window.
func (n *Node) takeProposal() {
	r := &n.reign
	r.bytes -= len(r.inflight[0].value.Body)
	r.inflight[0] = proposal{}
	r.inflight = r.inflight[1:]
	r.first++
	if r.fence == r.first-1 {
		r.fence = 0
	}
	e, ok := n.accepted.get(r.first - 1)
	if !ok || e.Ballot != r.ballot {
		violated("index %d is chosen at ballot %v, but was not accepted here", r.first-1, r.ballot)
	}
	n.advance(e)
}

// FlushLearn tells the voters what they have not been told is chosen. In the
// steady state that rides on the next Accept.
func (n *Node) FlushLearn(now Instant) {
	n.enter(now)
	if n.role != Leader {
		return
	}
	n.toVoters(func(slot int, to NodeID) {
		f := &n.reign.followers[slot]
		if f.told < n.chosenTo {
			f.told = n.chosenTo
			n.out.now(to, Learn{Version: n.version(), Ballot: n.reign.ballot, ChosenTo: n.chosenTo})
		}
	})
}

func (n *Node) tickLeader() {
	n.heartbeat()
	r := &n.reign
	suspendedFor := n.now.Since(max(r.leaseEnd, r.since))
	stuckFor := n.now.Since(r.stuck)
	switch {
	case n.lapsed() && suspendedFor >= n.cfg.SuspendLimit:
		n.stepDown()
	case n.chosenTo < r.base && stuckFor >= n.cfg.ElectionMax:
		// Whoever knew the entries below base is gone. They are still accepted by
		// a majority, so a new phase 1 finds them there.
		n.stepDown()
	case !n.lapsed():
		n.resend()
		n.sendRound()
		n.beginRound()
	}
	if n.role == Leader {
		r.aged = r.next()
	}
}

// resend sends again what voters did not accept for a whole tick, to those that
// are alive and near enough to keep it. Whoever is far behind fetches instead.
func (n *Node) resend() {
	n.toVoters(func(slot int, to NodeID) {
		f, peer := &n.reign.followers[slot], n.peer(to)
		if !f.progress && peer.Heard != never && n.now.Since(peer.Heard) <= 3*n.cfg.Tick {
			n.resendTo(slot, to, peer.ChosenTo+2*Index(n.cfg.MaxInflight))
		}
		f.progress = false
	})
}

// resendTo sends a voter the old proposals up to an index that it has not
// accepted, each run of them in one message.
func (n *Node) resendTo(slot int, to NodeID, limit Index) {
	r := &n.reign
	var run []Value
	first := r.first
	flush := func() {
		if len(run) > 0 {
			n.sendAccept(slot, to, first, run)
		}
		run = nil
	}
	for i := r.first; i < min(r.aged, r.next()) && i <= limit; i++ {
		p := r.inflight[i-r.first]
		if p.votes.has(slot) {
			flush()
			continue
		}
		if len(run) == 0 {
			first = i
		}
		run = append(run, p.value)
	}
	flush()
}

// Resign gives up leadership, or a candidacy. The lease runs on.
func (n *Node) Resign(now Instant) {
	n.enter(now)
	if n.role != Follower {
		n.stepDown()
	}
	n.check()
}
