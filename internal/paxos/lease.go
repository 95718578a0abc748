package paxos

import "slices"

// The lease keeps a deposed leader from serving reads.
//
// An acceptor that acknowledges a heartbeat promises no other node for one
// Lease from then, on its own clock. A majority of such acceptors cannot take
// part in another's phase 1, so nobody else can lead. The leader counts from
// the moment when it *sent* the heartbeat, which was before any acceptor
// received it, and takes off what clocks may drift by.
//
// An acceptor forgets its lease in a crash; so it promises nobody at all for
// one Lease after its start.

// A grant is the lease that an acceptor has acknowledged.
type grant struct {
	holder NodeID
	ballot Ballot
	until  Instant
}

// mayPromise reports whether no lease forbids to promise a node anything.
func (n *Node) mayPromise(candidate NodeID) bool {
	if n.now < n.quietUntil {
		return false
	}
	return n.lease.holder == candidate || n.now >= n.lease.until
}

// grantLease promises nobody but the leader of a ballot for one Lease.
func (n *Node) grantLease(leader NodeID, b Ballot) {
	n.lease = grant{holder: leader, ballot: b, until: n.now.Add(n.cfg.Lease)}
}

func (n *Node) handleHeartbeat(from NodeID, m Heartbeat) {
	n.heardChosen(from, m.ChosenTo)
	if m.Ballot.Node() != from || n.refuse(from, m.Version, m.Ballot) {
		return
	}
	if m.Ballot <= n.leadership.released {
		return // late: its sender leads no longer
	}
	n.follow(m.Ballot)
	n.learn(m.Ballot, m.ChosenTo)
	n.fetchFrom(from)
	n.allDurable = m.AllDurable
	n.grantLease(from, m.Ballot)
	n.out.now(from, HeartbeatAck{
		Version: n.version(), Ballot: m.Ballot, Seq: m.Seq, ChosenTo: n.chosenTo, DurableTo: n.reportedDurable(),
	})
}

func (n *Node) handleRelease(from NodeID, m Release) {
	if m.Ballot.Node() != from {
		return
	}
	n.heardBallot(m.Ballot)
	n.release(m.Ballot)
	if n.role == Follower && n.leadership.ballot == m.Ballot {
		n.leadership.leader = 0
		// A node that was just restarted and may promise nobody yet would otherwise campaign in the very moment in which it may, before
		// one that has long been asking for its vote.
		n.electionAt = max(n.now, n.quietUntil).Add(n.spanBetween(0, n.cfg.Tick*2))
	}
}

// release ends the lease of a ballot and of every earlier one of its node.
func (n *Node) release(b Ballot) {
	n.leadership.released = max(n.leadership.released, b)
	if n.lease.holder == b.Node() && n.lease.ballot <= b {
		n.lease = grant{until: never}
	}
}

// sentHeartbeats remembers when the latest heartbeats of a reign were sent.
type sentHeartbeats struct {
	last uint64 // the sequence number of the latest
	at   [64]Instant
}

func (s *sentHeartbeats) next(now Instant) uint64 {
	s.last++
	s.at[s.last%uint64(len(s.at))] = now
	return s.last
}

// when returns the send time of a heartbeat; never for one that was not sent or
// is too old to matter.
func (s *sentHeartbeats) when(seq uint64) Instant {
	if seq == 0 || seq > s.last || s.last-seq >= uint64(len(s.at)) {
		return never
	}
	return s.at[seq%uint64(len(s.at))]
}

// heartbeat sends one to every member, learners too, and acknowledges it for
// this node's own acceptor.
func (n *Node) heartbeat() {
	r := &n.reign
	seq := r.heartbeats.next(n.now)
	n.allDurable = n.leastDurable() // less than before when a member joins
	for slot, member := range n.members.Members {
		if member.Node == n.cfg.ID {
			continue
		}
		r.followers[slot].told = n.chosenTo
		n.out.now(member.Node, Heartbeat{
			Version: n.version(), Ballot: r.ballot, Seq: seq, ChosenTo: n.chosenTo, AllDurable: n.allDurable,
		})
	}
	n.grantLease(n.cfg.ID, r.ballot)
	r.followers[n.electorate.self].acked = n.now
	n.extendLease()
}

// leastDurable is what every member has said that it durably holds.
func (n *Node) leastDurable() Index {
	least := n.durableTo
	for _, member := range n.members.Members {
		p, _ := n.Progress(member.Node)
		least = min(least, p.DurableTo)
	}
	return least
}

func (n *Node) handleHeartbeatAck(from NodeID, m HeartbeatAck) {
	n.heardChosen(from, m.ChosenTo)
	n.heardDurable(from, m.DurableTo)
	slot := n.members.slot(from)
	if n.role != Leader || m.Ballot != n.reign.ballot || slot < 0 {
		return
	}
	f := &n.reign.followers[slot]
	f.acked = max(f.acked, n.reign.heartbeats.when(m.Seq))
	n.extendLease()
	n.fetchFrom(from)
}

// extendLease lets the lease grow to what a majority has acknowledged.
func (n *Node) extendLease() {
	n.reign.leaseEnd = max(n.reign.leaseEnd, n.acknowledgedLease())
}

// acknowledgedLease returns the end of the lease that a majority of the present
// voters stands for.
func (n *Node) acknowledgedLease() Instant {
	acked := make([]Instant, 0, 8)
	for slot := range n.members.Members {
		if n.electorate.isVoter(slot) {
			acked = append(acked, n.reign.followers[slot].acked)
		}
	}
	if len(acked) < n.electorate.quorum {
		return never
	}
	slices.Sort(acked)
	sent := acked[len(acked)-n.electorate.quorum]
	if sent == never {
		return never
	}
	return sent.Add(n.cfg.Lease - n.cfg.Drift)
}

// lapsed reports whether the leader's lease has run out or has not begun.
func (n *Node) lapsed() bool { return n.now >= n.reign.leaseEnd }
