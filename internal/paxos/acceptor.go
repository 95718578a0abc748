package paxos

// refuse answers a proposer that comes too late, with a lower ballot or an
// older membership, and reports whether it did. No state changes.
func (n *Node) refuse(from NodeID, version uint32, b Ballot) bool {
	if version >= n.version() && b >= n.bound && b >= n.leadership.ballot {
		return false
	}
	n.out.now(from, Reject{
		Version: n.version(), Ballot: b, Promised: max(n.promised, n.leadership.ballot), ChosenTo: n.chosenTo,
	})
	return true
}

// promise makes b the lowest ballot in which this node takes part.
func (n *Node) promise(b Ballot) {
	n.bound = b
	if b <= n.promised {
		return // the journal holds this promise, or a higher one (see disengage)
	}
	n.promised = b
	n.heardBallot(b)
	if own := b.Node() == n.cfg.ID; planted("promise not durable") && !own || planted("ballot reused after a restart") && own {
		b = 0
	}
	n.out.record(PromiseRecord{Ballot: b})
}

// handlePreVote tells whether a Prepare would be answered. A candidate that
// lags by more than a window is told to catch up first, and so is one below
// this node's floor, which nobody may be able to help to catch up later.
func (n *Node) handlePreVote(from NodeID, m PreVote) {
	n.heardChosen(from, m.ChosenTo)
	n.fetchFrom(from)
	near := m.ChosenTo+Index(n.cfg.MaxInflight) >= n.chosenTo && m.ChosenTo >= n.purgedTo
	granted := m.Version == n.version() && near && n.isVoter(from) && n.isVoter(n.cfg.ID) && n.mayPromise(from)
	n.out.now(from, PreVoteReply{
		Version: n.version(), Ballot: m.Ballot, Granted: granted,
		Promised: max(n.promised, n.leadership.ballot), ChosenTo: n.chosenTo,
	})
}

// handlePrepare promises, durably, to take part in nothing below the ballot. A
// node of an older membership than the candidate's catches up first: that is
// what makes one phase 1 hold across a change (see Node.membersChanged).
func (n *Node) handlePrepare(from NodeID, m Prepare) {
	n.heardChosen(from, m.ChosenTo)
	n.fetchFrom(from)
	if m.Ballot.Node() != from || m.Version > n.version() || !n.mayPromise(from) {
		return
	}
	if n.refuse(from, m.Version, m.Ballot) || !n.isVoter(from) || !n.isVoter(n.cfg.ID) {
		return
	}
	n.yield(m.Ballot)
	n.promise(m.Ballot)
	if m.Ballot < n.promised {
		n.out.record(PromiseRecord{Ballot: n.promised}) // is there already; but each promise to another node is an act (see forgot)
	}
	if m.Index != 0 {
		n.promiseFor(from, m)
		return
	}
	for _, part := range promiseParts(n.accepted.sorted()) {
		part.Version, part.Ballot, part.ChosenTo = n.version(), m.Ballot, n.chosenTo
		if planted("promise leaves out chosen entries") {
			part.ChosenTo = 0
		}
		n.out.afterDurable(from, part)
	}
}

// messageBytes is how much of bodies goes into one message, unless a single
// body is longer.
const messageBytes = 1 << 20

// promiseParts divides the accepted entries, which are in index order, into
// messages.
func promiseParts(entries []Entry) []Promise {
	parts := []Promise{{Last: LastIndex}}
	bytes := 0
	for k, e := range entries {
		bytes += len(e.Value.Body)
		if bytes > messageBytes && k > 0 {
			parts[len(parts)-1].Last = e.Index - 1
			parts = append(parts, Promise{First: e.Index, Last: LastIndex})
			bytes = len(e.Value.Body)
		}
		part := &parts[len(parts)-1]
		part.Entries = append(part.Entries, e)
	}
	return parts
}

// yield gives way to a higher ballot that somebody else prepares. The old
// leader counts as unknown from here on.
func (n *Node) yield(b Ballot) {
	if b == n.bound {
		return
	}
	if n.role != Follower {
		n.stepDown()
	}
	n.leadership.leader = 0
	n.awaitLeader()
}

func (n *Node) handleAccept(from NodeID, m Accept) {
	n.heardChosen(from, m.ChosenTo)
	if m.Ballot.Node() != from || n.refuse(from, m.Version, m.Ballot) {
		return
	}
	switch {
	case m.Ballot > n.leadership.released:
		n.follow(m.Ballot)
	case n.role == Leader || n.candidacy.preparing:
		n.stepDown() // late, and its sender leads no longer; but this node's ballot is lower
	}
	n.learn(m.Ballot, m.ChosenTo)
	n.fetchFrom(from)
	if m.Version != n.version() || !n.isVoter(from) || !n.isVoter(n.cfg.ID) || !n.mayVote() {
		return // not before the member entries below it are known
	}
	n.promise(m.Ballot)
	first, last := n.acceptAll(m)
	n.out.afterDurable(from, Accepted{
		Version: n.version(), Ballot: m.Ballot, First: first, Last: last,
		ChosenTo: n.chosenTo, DurableTo: n.reportedDurable(),
	})
}

// acceptAll accepts what is not chosen already and what there is room for, and
// returns the range that is accepted now, which may be empty. What is dropped
// will come again, or be fetched.
func (n *Node) acceptAll(m Accept) (first, last Index) {
	first, last = m.First, m.First-1
	for k, v := range m.Values {
		at := m.First + Index(k)
		switch old, ok := n.accepted.get(at); {
		case at <= n.chosenTo:
			first, last = at+1, at
		case ok && old.Ballot == m.Ballot && !old.Value.Equal(v):
			leader := m.Ballot.Node()
			n.disown(leader, n.peer(leader).seen.Run) // it has forgotten what it proposed: it was put back with its memory
			return first, last
		case n.hasRoom(at, v):
			n.accept(Entry{Index: at, Ballot: m.Ballot, Value: v})
			last = at
		default:
			return first, last
		}
	}
	return first, last
}

// hasRoom bounds the memory of an acceptor whose ChosenTo does not move. The
// first index above it is always taken, so that it can.
func (n *Node) hasRoom(at Index, v Value) bool {
	if at == n.chosenTo+1 {
		return true
	}
	return at <= n.chosenTo+2*Index(n.cfg.MaxInflight) && n.accepted.bytesWith(at, v) <= 2*n.cfg.MaxInflightBytes
}

// accept records an entry at a ballot that was promised.
func (n *Node) accept(e Entry) {
	old, ok := n.accepted.get(e.Index)
	n.accepted.put(e)
	if !ok || old.Ballot != e.Ballot {
		n.out.record(AcceptRecord{Entry: e})
	}
}
