package paxos

import "fmt"

// seen is what the node was like after the last event.
type seen struct {
	promised  Ballot
	chosenTo  Index
	durableTo Index
	version   uint32
	led       Ballot
}

// violated stops a node that has broken its own rules.
func violated(format string, args ...any) {
	panic("paxos: " + fmt.Sprintf(format, args...))
}

// check runs after every event, in production too. It costs a few comparisons.
func (n *Node) check() {
	n.checkProgress()
	switch n.role {
	case Candidate:
		n.checkCandidate()
	case Leader:
		n.checkLeader()
	}
}

// checkProgress: what only ever grows has not shrunk.
func (n *Node) checkProgress() {
	was := n.seen
	switch {
	case n.promised < was.promised:
		violated("promised %v after %v", n.promised, was.promised)
	case n.accepted.greatest > n.promised:
		violated("accepted at ballot %v, promised only %v", n.accepted.greatest, n.promised)
	case n.bound > n.promised:
		violated("bound to %v, promised only %v", n.bound, n.promised)
	case n.greatest < n.promised:
		violated("promised %v but heard only of %v", n.promised, n.greatest)
	case n.chosenTo < was.chosenTo:
		violated("chosen to %d after %d", n.chosenTo, was.chosenTo)
	case n.durableTo < was.durableTo || n.durableTo > n.chosenTo:
		violated("durable to %d after %d, chosen to %d", n.durableTo, was.durableTo, n.chosenTo)
	case n.purgedTo > n.chosenTo:
		violated("purged to %d, chosen to %d", n.purgedTo, n.chosenTo)
	case n.members.Version < was.version:
		violated("membership version %d after %d", n.members.Version, was.version)
	case n.accepted.has(n.chosenTo):
		violated("index %d is chosen and still waits", n.chosenTo)
	}
	n.seen.promised, n.seen.chosenTo, n.seen.durableTo = n.promised, n.chosenTo, n.durableTo
	n.seen.version = n.members.Version
}

// checkCandidate: a candidate is a voter, and in phase 1 its ballot is its own
// and promised here.
func (n *Node) checkCandidate() {
	c := &n.candidacy
	switch {
	case !n.electorate.isVoter(n.electorate.self):
		violated("node %d campaigns and is no voter", n.cfg.ID)
	case c.preparing && (c.ballot != n.bound || c.ballot != n.promised || c.ballot.Node() != n.cfg.ID):
		violated("node %d prepares %v, promised %v", n.cfg.ID, c.ballot, n.promised)
	}
}

// checkLeader: a leader leads with one ballot, its own, the highest promised
// here, and higher than that of every earlier reign; its proposals follow
// directly on what is chosen, or on what phase 1 found chosen.
func (n *Node) checkLeader() {
	r := &n.reign
	switch {
	case !n.electorate.isVoter(n.electorate.self):
		violated("node %d leads and is no voter", n.cfg.ID)
	case r.ballot != n.bound || r.ballot != n.promised || r.ballot.Node() != n.cfg.ID || r.ballot != n.leadership.ballot:
		violated("node %d leads with %v, promised %v, last leadership %v", n.cfg.ID, r.ballot, n.promised, n.leadership.ballot)
	case r.ballot < n.seen.led:
		violated("node %d leads with %v after %v", n.cfg.ID, r.ballot, n.seen.led)
	case r.first != max(n.chosenTo, r.base)+1:
		violated("proposals begin at %d, chosen to %d, base %d", r.first, n.chosenTo, r.base)
	case len(r.followers) != len(n.members.Members):
		violated("%d followers, %d members", len(r.followers), len(n.members.Members))
	case r.fence != 0 && r.fence != r.end()-1:
		violated("proposed to %d past the member entry %d", r.end()-1, r.fence)
	case r.round.index != 0 && (r.round.index != r.next() || len(r.inflight) > 0 || len(r.line) == 0):
		violated("phase 1 for %d, %d in flight from %d on, %d in line", r.round.index, len(r.inflight), r.first, len(r.line))
	case len(r.held) > 0 && r.fence == 0:
		violated("%d adopted values wait for nothing", len(r.held))
	case r.bytes < 0:
		violated("%d bytes in flight", r.bytes)
	}
	n.seen.led = r.ballot
}
