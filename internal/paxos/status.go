package paxos

// Role returns the part that the node plays.
func (n *Node) Role() Role { return n.role }

// Ballot returns the ballot of the current leadership: the node's own if it
// leads, else the greatest that it has heard a leader use; 0 if none.
func (n *Node) Ballot() Ballot { return n.leadership.ballot }

// Leader returns the node that leads, 0 if that is not known.
func (n *Node) Leader() NodeID { return n.leadership.leader }

// LeaseEnd returns until when no other node can lead, on this node's clock; a
// time that has passed if the node does not lead. A caller that publishes it
// must do so before it sends the Ready's messages: a change of membership can
// shorten it.
func (n *Node) LeaseEnd(now Instant) Instant {
	n.enter(now)
	if n.role != Leader {
		return never
	}
	if planted("lease trusted after it expired") {
		return n.reign.leaseEnd.Add(n.cfg.SuspendLimit)
	}
	return n.reign.leaseEnd
}

// Suspended reports whether the node leads and its lease has run out, or has
// not begun: it proposes nothing, and reads must wait.
func (n *Node) Suspended() bool { return n.role == Leader && n.lapsed() }

// Inherited reports whether the node leads because another one handed over to it.
func (n *Node) Inherited() bool { return n.role == Leader && n.heir }

// Quiet reports whether the node was restarted so lately that it promises nobody
// anything yet, itself included.
func (n *Node) Quiet() bool { return n.now < n.quietUntil }

// Votes reports whether the node votes, as far as it knows.
func (n *Node) Votes() bool { return n.isVoter(n.cfg.ID) }

// ChosenTo returns the index up to which everything is chosen and was handed out.
func (n *Node) ChosenTo() Index { return n.chosenTo }

// DurableTo returns the part of ChosenTo that would survive a crash.
func (n *Node) DurableTo() Index { return n.durableTo }

// Promised returns the ballot below which the node takes part in nothing.
func (n *Node) Promised() Ballot { return n.promised }

// SetComplete says that the server holds everything at or below the floor. Until
// then a learner reports nothing as durable: its journal begins at a floor that
// was given to it, and a voter without what is below would count for data that
// it does not have.
func (n *Node) SetComplete() { n.complete = true }

// reportedDurable is the DurableTo that the node tells others.
func (n *Node) reportedDurable() Index {
	if !n.complete && !n.isVoter(n.cfg.ID) {
		return 0
	}
	return n.durableTo
}

// AllDurable returns up to where every member durably holds the log, as far as
// the leaders have said: none of them will ask for that again.
func (n *Node) AllDurable() Index { return n.allDurable }

// Members returns the membership that governs the index after ChosenTo.
func (n *Node) Members() Membership { return n.members }

// DurableMembers returns the membership that the node would know after a crash.
func (n *Node) DurableMembers() Membership { return n.durableMembers }

// Removed reports whether the node was a member once and is none any more. It
// then takes part in nothing and never will again, but answers who asks what is
// chosen; see Membership.KnownTo.
func (n *Node) Removed() bool {
	return n.cfg.ID < n.members.Next && n.electorate.self < 0
}

// Inflight returns how many entries the leader has proposed that are not known
// to be chosen.
func (n *Node) Inflight() int {
	if n.role != Leader {
		return 0
	}
	return len(n.reign.inflight) + len(n.reign.held) + len(n.reign.line)
}

// Progress returns what a node has last said of itself; false if it has not
// been heard of.
func (n *Node) Progress(id NodeID) (Progress, bool) {
	if id == n.cfg.ID {
		return Progress{ChosenTo: n.chosenTo, DurableTo: n.durableTo, Heard: n.now}, true
	}
	if p, ok := n.peers[id]; ok {
		return p.Progress, true
	}
	return Progress{Heard: never}, false
}

// SetElectable says whether the node may campaign: not while its server is down
// or far behind. It goes on voting.
func (n *Node) SetElectable(electable bool) {
	n.electable = electable
	if !electable && n.role == Candidate {
		n.stepDown()
	}
	n.check()
}

// Purged says that the journal has dropped everything up to an index, and keeps
// the log's state there.
func (n *Node) Purged(to Index) { n.purgedTo = max(n.purgedTo, min(to, n.chosenTo)) }
