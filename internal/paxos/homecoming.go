package paxos

import "slices"

// homecoming is how far a node has come, since it was started, to vote again
// (life.go). It asks every member. It begins when all other voters have welcomed
// it, or, after the time in which it may promise nobody anyway, when those who
// have are a majority with it. Even then it takes part only with those who
// welcomed it: a leader whose phase 1 rests on a promise that was forgotten does
// not get a vote that would look like a newer one.
type homecoming struct {
	done     bool
	until    Instant // then a majority is enough
	disowned *Disowned
	pardoned bool
	retired  bool    // it takes part no more in this run
	nextMark Instant // sightings are not written before
}

// Disowned is why a node may not vote.
type Disowned struct {
	By      NodeID   // a peer; 0: one that it does not know, because it was the only member when the copy was made
	Seen    Sighting // what that has seen of this node, which does not know it
	Earlier bool     // it was found in an earlier run, and no more is known
}

// An acquaintance is what is known of a peer.
type acquaintance struct {
	Progress
	seen     Sighting
	before   uint64  // of seen.Acts, when this node last asked for promises
	marked   uint64  // the part of seen.Acts that is in the journal, or on its way
	welcomed bool    // it has welcomed this run
	asked    Instant // when it was last asked for that
}

// markEvery is how often sightings are written at most, in ticks. They go with
// what is written anyway; only after as long a rest by themselves. What was seen
// later is forgotten when this node is restarted.
const markEvery = 1

// comeHome begins a run.
func (n *Node) comeHome(restored Restored) {
	if restored.Disowned {
		n.homecoming.disowned = &Disowned{Earlier: true}
	}
	for _, s := range restored.Sightings {
		p := n.peer(s.Node)
		p.seen, p.marked = s, s.Acts
	}
	n.homecoming.until = n.now.Add(n.cfg.Lease + n.cfg.Drift)
	n.homecoming.done = n.life.Run() == 0
	n.arrive()
}

// mayVote reports whether the node may take part in ballots.
func (n *Node) mayVote() bool {
	return n.homecoming.done && n.homecoming.disowned == nil && !n.homecoming.retired
}

// arrive looks whether enough have welcomed this node.
func (n *Node) arrive() {
	if n.homecoming.done || !n.isVoter(n.cfg.ID) {
		return
	}
	voters, welcomed := n.members.Voters(), 1
	for _, id := range voters {
		if p := n.peers[id]; p != nil && p.welcomed {
			welcomed++
		}
	}
	n.homecoming.done = welcomed == len(voters) || welcomed >= n.electorate.quorum && n.now >= n.homecoming.until
}

func (n *Node) tickHomecoming() {
	if n.life.Run() != 0 {
		for _, m := range n.members.Members {
			if m.Node != n.cfg.ID {
				n.askWelcome(m.Node)
			}
		}
	}
	n.arrive()
	if n.now >= n.homecoming.nextMark.Add(markEvery*n.cfg.Tick) && !n.mute {
		n.markSightings()
	}
}

// askWelcome asks a peer that has not welcomed this run, once a tick.
func (n *Node) askWelcome(id NodeID) {
	p := n.peer(id)
	if n.life.Run() == 0 || p.welcomed || n.now.Since(p.asked) < n.cfg.Tick/2 && p.asked != 0 {
		return
	}
	p.asked = n.now
	n.askHome(id)
}

// askHome asks a peer for a welcome, whether or not it has given one.
func (n *Node) askHome(id NodeID) {
	life := n.life
	life.Acts = n.durableActs
	n.out.now(id, Return{Version: n.version(), ChosenTo: n.chosenTo, Life: life, Pardoned: n.homecoming.pardoned})
}

// believes notes what a message tells of its sender's past, and reports whether
// it is to be taken. What helps to come home, and what is chosen, comes from
// anybody.
func (n *Node) believes(from NodeID, s Stamp, m Message) bool {
	p := n.peer(from)
	if s.Run == p.seen.Run {
		p.seen.Acts = max(p.seen.Acts, s.Acts)
	}
	switch m.(type) {
	case Return, Welcome, Disown, Fetch, Entries, FloorState:
		return true
	}
	switch {
	case s.Run.Count() < p.seen.Run.Count(), s.Run.Count() == p.seen.Run.Count() && s.Run != p.seen.Run:
		n.disown(from, s.Run)
		return false
	case n.homecoming.disowned != nil || n.homecoming.retired:
		return false
	case s.Run != p.seen.Run, !p.welcomed && n.life.Run() != 0:
		n.askWelcome(from) // it may be a member of whom this node's log does not tell yet; to be asked, it asks in turn
		return false
	}
	p.Heard = n.now
	switch m := m.(type) {
	case Promise:
		if n.forgot(p, s, m) {
			n.disown(from, s.Run)
			return false
		}
	case Prepare:
		// A candidate has promised its own ballot after all else that was seen of it. So this one is late, or its sender was put back with its memory; then
		// it is found when it is asked for a promise, or hears a leader.
		return s.Acts >= p.seen.Acts || m.Index != 0 || planted("forgotten votes are not missed")
	}
	return true
}

// forgot reports whether a promise to this candidate shows that its sender was
// put back with its memory: a promise is an act, so it comes after all acts that
// were seen before it was asked for. What a leader tells in heartbeats comes
// after an election.
func (n *Node) forgot(p *acquaintance, s Stamp, m Promise) bool {
	c := &n.candidacy
	return n.role == Candidate && c.preparing && m.Ballot == c.ballot && s.Run != 0 && s.Acts <= p.before &&
		!planted("forgotten votes are not missed")
}

func (n *Node) disown(id NodeID, r Run) {
	n.out.now(id, Disown{Version: n.version(), Run: r, Seen: n.peer(id).seen})
}

// handleReturn lets a peer take part in a new run, or not. The run is on this
// node's disk before the peer hears that it is welcome: a restart of this node
// does not make it welcome an older one.
func (n *Node) handleReturn(from NodeID, m Return) {
	p, run := n.peer(from), m.Life.Run()
	if !m.Life.Remembers(p.seen) && !m.Pardoned && !planted("forgotten votes are not missed") {
		n.disown(from, run)
		return
	}
	if p.seen.Run != run {
		p.seen.Run, p.seen.Acts = run, m.Life.Starts[len(m.Life.Starts)-1].Acts
		p.marked = p.seen.Acts
		p.ChosenTo, p.DurableTo = 0, 0 // it may know less than it did
		p.welcomed = false             // and may have lost that it knew this node's run
		n.out.record(SightingRecord{Sighting: p.seen})
	}
	if m.Pardoned && m.Life.Acts < p.seen.Acts { // it was put back with its memory, in this run: what it has forgotten counts no more
		p.seen.Acts, p.before, p.marked = m.Life.Acts, m.Life.Acts, m.Life.Acts
		n.out.record(SightingRecord{Sighting: p.seen})
	}
	n.heardChosen(from, m.ChosenTo)
	n.fetchFrom(from)
	n.out.afterDurable(from, Welcome{Version: n.version(), ChosenTo: n.chosenTo, Run: run})
	n.askWelcome(from)
}

func (n *Node) handleWelcome(from NodeID, m Welcome) {
	n.heardChosen(from, m.ChosenTo)
	if m.Run == n.life.Run() {
		n.peer(from).welcomed = true
		n.arrive()
	}
	n.fetchFrom(from)
}

// handleDisown ends this node's part in everything. It still tells what is
// chosen, and gives others their welcome.
func (n *Node) handleDisown(from NodeID, m Disown) {
	h := &n.homecoming
	if m.Run != n.life.Run() || m.Run == 0 || h.pardoned || h.disowned != nil {
		return
	}
	h.disowned = &Disowned{By: from, Seen: m.Seen}
	if n.role != Follower {
		n.stepDown()
	}
	n.leadership.leader = 0
}

// HearStranger tells that a member of this cluster that this node does not know
// names a membership version. Who votes alone asks nobody and may be an older copy,
// of a time when it was alone; but then nobody else can have changed the
// membership since, unless it is one. Or it has changed that itself, and was
// restarted before it had noted that the change is chosen.
func (n *Node) HearStranger(now Instant, version uint32) {
	n.enter(now)
	h := &n.homecoming
	if version <= n.version() || !n.isVoter(n.cfg.ID) || n.electorate.quorum > 1 || h.pardoned || h.disowned != nil || n.changesMembers() {
		return
	}
	h.disowned = &Disowned{}
	if n.role != Follower {
		n.stepDown()
	}
	n.leadership.leader = 0
	n.check()
}

// changesMembers reports whether a member entry was accepted here of which it is not known whether it is chosen.
func (n *Node) changesMembers() bool {
	return slices.ContainsFunc(n.accepted.sorted(), func(e Entry) bool { return e.Value.Kind == KindMember })
}

// Retire ends this node's part in everything for this run: it leads and votes no
// more. It still tells what is chosen.
func (n *Node) Retire(now Instant) {
	n.enter(now)
	n.homecoming.retired = true
	if n.role != Follower {
		n.stepDown()
	}
	n.leadership.leader = 0
	n.check()
}

// Pardon lets a disowned node count again, as an operator has ordered: whatever
// it has forgotten may be lost by that. It holds for this run.
func (n *Node) Pardon(now Instant) {
	n.enter(now)
	n.homecoming.pardoned, n.homecoming.disowned = true, nil
	for _, p := range n.peers {
		p.asked, p.welcomed = 0, false // a peer that has welcomed this run may have seen more of it
	}
	n.tickHomecoming()
	n.check()
}

// Disowned returns why the node may not vote; nil when nobody says so.
func (n *Node) Disowned() *Disowned { return n.homecoming.disowned }

// Returning reports whether the node still waits to be welcomed before it votes.
func (n *Node) Returning() bool { return !n.homecoming.done && n.isVoter(n.cfg.ID) }

// sightings are what this node has seen of the other members.
func (n *Node) sightings() (seen []Sighting) {
	for _, m := range n.members.Members {
		if p := n.peers[m.Node]; p != nil && p.seen.Run != 0 {
			seen = append(seen, p.seen)
		}
	}
	return seen
}

// hearSightings takes over what a leader has seen in the same runs. If it has
// seen more of this run than this node has done, that was put back while it ran:
// a virtual machine, with its memory.
func (n *Node) hearSightings(leader NodeID, seen []Sighting) {
	for _, s := range seen {
		if s.Node == n.cfg.ID && s.Run == n.life.Run() && s.Acts > n.life.Acts {
			n.handleDisown(leader, Disown{Run: s.Run, Seen: s})
		}
		if p := n.peers[s.Node]; p != nil && p.seen.Run == s.Run {
			p.seen.Acts = max(p.seen.Acts, s.Acts)
		}
	}
}

// noteSightings has sightings go with acts of this node, from time to time.
func (n *Node) noteSightings() {
	if n.now < n.homecoming.nextMark {
		return
	}
	for _, r := range n.out.Records {
		if isAct(r) {
			n.markSightings()
			return
		}
	}
}

func (n *Node) markSightings() {
	n.homecoming.nextMark = n.now.Add(markEvery * n.cfg.Tick)
	for _, m := range n.members.Members {
		if p := n.peers[m.Node]; p != nil && p.seen.Acts > p.marked {
			p.marked = p.seen.Acts
			n.out.record(SightingRecord{Sighting: p.seen})
		}
	}
}

// stamp puts the stamps on what goes out with the next Ready.
func (n *Node) stamp() {
	for _, r := range n.out.Records {
		n.life.Take(r)
	}
	run := n.life.Run()
	if run == 0 {
		return
	}
	for k := range n.out.Messages {
		n.out.Messages[k].Stamp = Stamp{Run: run, Acts: n.durableActs, Prefix: n.prefix}
	}
	for k := range n.out.AfterDurable {
		n.out.AfterDurable[k].Stamp = Stamp{Run: run, Acts: n.life.Acts, Prefix: n.prefix}
	}
}
