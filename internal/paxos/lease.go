package paxos

import "slices"

// The lease keeps a deposed leader from serving reads: while a leader's lease
// runs, nobody else can lead, so nothing is chosen that its server lacks.
//
// The rule. An acceptor that acknowledges a heartbeat promises no other node
// for Lease + Drift from then, on its own clock. The leader counts Lease - Drift
// from the moment at which it *sent* that heartbeat, on its own clock, and holds
// the lease while a majority stands for it. Whoever else wants to lead needs a
// promise from one of that majority.
//
// The assumption about clocks is about rates alone; no two clocks are ever
// compared. In the course of one Lease no clock runs Drift fast or slow. Say
// that Drift is d of a Lease. The heartbeat was sent before it was received, so
// the leader's lease ends at most (1-d)/(1-d) = 1 Lease of true time after the
// receipt, and the acceptor's promise at least (1+d)/(1+d) = 1 Lease after it.
// Drivers set d to a tenth, which is the most by which Linux lets a clock be
// slewed (chrony goes up to 8.3 % unless told otherwise). The clock must run
// while the machine sleeps: CLOCK_BOOTTIME does. A virtual machine that is
// brought back from a snapshot breaks the assumption.
//
// "Now" may be late for the leader and must not be early for the acceptor: the
// driver reads the clock after it has taken an event from its queue. Otherwise
// an acceptor that is paused between the two would grant a lease that has ended
// already to a heartbeat that was sent a moment ago.
//
// What happens:
//
//   - A pause of a minute, of the leader: when it goes on, the published end of
//     its lease has long passed by the clock that its server reads itself, so no
//     read is served; Propose refuses; its next tick finds it suspended for too
//     long. Of an acceptor: its promise ended while it slept, and it
//     acknowledges old heartbeats from the time at which it reads them, which
//     is late, and harmless because the leader counts from the sending.
//   - A restart of an acceptor: it forgets what it acknowledged, so it promises
//     nobody at all for Lease + Drift after its start (quietUntil). This rests
//     on its own Lease; a lease that is made shorter in the configuration counts
//     only when every node has stopped for the length of the old one. Nodes that
//     merely differ are safe: the acknowledgement says for how long it holds.
//   - A restart of the leader: the driver ends the old server before the new
//     process opens its journal; the acceptors still promise the node, as
//     holder, and so it can lead again at once, with a new ballot.
//   - A hand-over: the gate is closed and no session of the epoch is left
//     before Release is sent. An acceptor that does not hear it waits for the end
//     of its promise. A heartbeat that arrives after the Release is ignored.
//   - A one-way cut, nobody hears the leader: the lease runs out, and a majority
//     elects another. The leader hears nobody: its lease runs out likewise. The
//     others still hear it, but a suspended leader only probes, which asks for no
//     lease and keeps nobody from campaigning: they elect another, too. One
//     follower is deaf: it asks for votes, and everyone refuses while the lease
//     runs (PreVote), so its ballot does not grow. It disturbs nobody when it
//     hears again.
//   - A node that promised itself a higher ballot, and was cut off before anyone
//     heard of it, rejects the leader when it is back. A leader that has its
//     lease goes on with the others (handleReject), and the node forgets a
//     promise that it made to itself alone when it gives its candidacy up
//     (disengage). If it crashed as a candidate it cannot forget it, and looks on
//     until the next election (mayLookOn).
//   - A change of membership: old and new majorities differ by one voter and so
//     have one in common, and the lease is cut to what the new voters stand for.

// A grant is the lease that an acceptor has acknowledged.
type grant struct {
	holder NodeID
	ballot Ballot
	until  Instant
}

// mayPromise reports whether no lease forbids to promise a node anything.
func (n *Node) mayPromise(candidate NodeID) bool {
	if n.now < n.quietUntil || !n.mayVote() {
		return false
	}
	return n.lease.holder == candidate || n.now >= n.lease.until
}

// grantLease promises nobody but the leader of a ballot for one Lease, and more
// in case this clock runs fast.
func (n *Node) grantLease(leader NodeID, b Ballot) {
	n.lease = grant{holder: leader, ballot: b, until: n.now.Add(n.cfg.Lease + n.cfg.Drift)}
}

func (n *Node) handleHeartbeat(from NodeID, m Heartbeat) {
	n.heardChosen(from, m.ChosenTo)
	if m.Ballot.Node() != from {
		return
	}
	refused := n.refuse(from, m.Version, m.Ballot)
	if refused && !n.mayLookOn(m) || m.Ballot <= n.leadership.released {
		return // too low, or late: its sender leads no longer
	}
	granted := Span(0)
	if !m.Probe {
		n.follow(m.Ballot)
	}
	n.hearSightings(from, m.Seen)
	if !m.Probe && !refused && n.mayVote() {
		n.grantLease(from, m.Ballot)
		granted = n.cfg.Lease
	} else if n.role == Leader {
		n.stepDown() // its ballot is lower
	}
	n.heardBallot(m.Ballot)
	n.learn(m.Ballot, m.ChosenTo)
	n.fetchFrom(from)
	n.allDurable = m.AllDurable
	n.out.now(from, HeartbeatAck{
		Version: n.version(), Ballot: m.Ballot, Seq: m.Seq, Lease: granted,
		ChosenTo: n.chosenTo, DurableTo: n.reportedDurable(),
	})
}

// mayLookOn reports whether a node may follow a leader that it refuses because
// of a promise to itself, from a candidacy that it was in when it crashed: nobody
// leads with that ballot. It learns, and knows who leads, and does not vote before
// the next election.
func (n *Node) mayLookOn(m Heartbeat) bool {
	return n.role == Follower && n.bound.Node() == n.cfg.ID && m.Ballot < n.bound &&
		m.Version >= n.version() && m.Ballot >= n.leadership.ballot
}

// Release resigns and gives the lease back, so that another node may lead at
// once: the heir, or whoever is first if that is 0. It is allowed only when the
// gate is closed and no session of the epoch is left, and also later, when the
// node has long stepped down. The heir is told last: it asks the others at once,
// and they should know by then.
//
// If this node dies before it has told anyone, the others wait for the end of
// their promise, as after any death of a leader. If only some were told, those
// ask the others in vain until then.
func (n *Node) Release(now Instant, heir NodeID) {
	n.Resign(now)
	if n.lastReign == 0 {
		return // it never led, or has given the lease back
	}
	m := Release{Version: n.version(), Ballot: n.lastReign, Heir: heir}
	for _, member := range n.members.Members {
		if member.Node != n.cfg.ID && member.Node != heir {
			n.out.now(member.Node, m)
		}
	}
	if _, ok := n.members.Find(heir); ok && heir != n.cfg.ID {
		n.out.now(heir, m)
	}
	n.release(n.lastReign)
	n.lastReign = 0
	n.check()
}

func (n *Node) handleRelease(from NodeID, m Release) {
	if m.Ballot.Node() != from {
		return
	}
	n.heardBallot(m.Ballot)
	n.release(m.Ballot)
	if n.role != Follower || n.leadership.ballot != m.Ballot {
		return
	}
	n.leadership.leader = 0
	n.electionAt = max(n.now, n.quietUntil).Add(n.headStart(m.Heir))
	if m.Heir == n.cfg.ID {
		n.heir = true
		n.tickFollower()
	}
}

// headStart is for how long a node waits before it campaigns when a lease was
// given back. An heir does not wait. Everyone else lets it win, but no longer
// than that takes, in case that it is dead or its server does not run. Without
// an heir they wait a little, each another time, also a node that was just
// restarted and may promise nobody yet: otherwise it would campaign in the very
// moment in which it may, before one that has long been asking for its vote.
func (n *Node) headStart(heir NodeID) Span {
	switch heir {
	case n.cfg.ID:
		return 0
	case 0:
		return n.spanBetween(0, 2*n.cfg.Tick)
	default:
		return n.spanBetween(3*n.cfg.Tick, 6*n.cfg.Tick)
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
// this node's own acceptor. A leader that lost its lease and to which no majority
// answers only probes: it may be that it is deaf, and the others hear it well.
func (n *Node) heartbeat() {
	r := &n.reign
	seq := r.heartbeats.next(n.now)
	r.followers[n.electorate.self].acked = n.now
	r.probing = n.lapsed() && n.now.Since(r.since) > n.cfg.Lease && !n.answered()
	n.allDurable = n.leastDurable() // less than before when a member joins
	seen := n.sightings()
	for slot, member := range n.members.Members {
		if member.Node == n.cfg.ID {
			continue
		}
		r.followers[slot].told = n.chosenTo
		n.out.now(member.Node, Heartbeat{
			Version: n.version(), Ballot: r.ballot, Seq: seq, ChosenTo: n.chosenTo, AllDurable: n.allDurable, Probe: r.probing, Seen: seen,
		})
	}
	if r.probing {
		return
	}
	n.grantLease(n.cfg.ID, r.ballot)
	r.followers[n.electorate.self].lease = n.leaseFrom(n.now, n.cfg.Lease)
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
	sent := n.reign.heartbeats.when(m.Seq)
	f.acked = max(f.acked, sent)
	f.lease = max(f.lease, n.leaseFrom(sent, m.Lease))
	n.extendLease()
	n.fetchFrom(from)
	if n.reign.probing && n.answered() {
		n.heartbeat() // now it may ask for the lease
	}
}

// answered reports whether a majority has answered to what was sent in the
// course of the last Lease.
func (n *Node) answered() bool {
	return n.majorityOf(func(f *follower) Instant { return f.acked }) >= n.now.Add(-n.cfg.Lease)
}

// leaseFrom returns the end of the lease that an acceptor stands for which
// grants a span to a heartbeat that was sent at an instant.
func (n *Node) leaseFrom(sent Instant, granted Span) Instant {
	if sent == never || granted <= n.cfg.Drift {
		return never
	}
	return sent.Add(min(granted, n.cfg.Lease) - n.cfg.Drift)
}

// extendLease lets the lease grow to what a majority has acknowledged.
func (n *Node) extendLease() {
	n.reign.leaseEnd = max(n.reign.leaseEnd, n.acknowledgedLease())
}

// acknowledgedLease returns the end of the lease that a majority of the present
// voters stands for.
func (n *Node) acknowledgedLease() Instant {
	return n.majorityOf(func(f *follower) Instant { return f.lease })
}

// majorityOf returns the latest instant that a majority of the present voters
// reaches.
func (n *Node) majorityOf(of func(f *follower) Instant) Instant {
	instants := make([]Instant, 0, 8)
	for slot := range n.members.Members {
		if n.electorate.isVoter(slot) {
			instants = append(instants, of(&n.reign.followers[slot]))
		}
	}
	if len(instants) < n.electorate.quorum {
		return never
	}
	slices.Sort(instants)
	return instants[len(instants)-n.electorate.quorum]
}

// lapsed reports whether the leader's lease has run out or has not begun.
func (n *Node) lapsed() bool { return n.now >= n.reign.leaseEnd }
