package paxos

// A Protocol says how a leader has entries agreed on.
type Protocol uint8

// The protocols. Nodes need not agree on it: an acceptor answers both.
const (
	// Multi is Multi-Paxos: one phase 1 for all entries of a leadership.
	Multi Protocol = iota
	// Basic is Standard Paxos, to compare with: both phases for every entry, and
	// one entry after the other. There is a leader all the same, with its lease
	// and its epoch; nobody else proposes.
	Basic
)

// Under Basic a proposal waits in line. When it is at the head, and the one
// before it is chosen, its index gets a phase 1 of its own under the ballot of
// the reign: a majority promises, each on its disk, to take part in nothing
// lower at this index. Then comes phase 2 as ever.
//
// An acceptor promised the same when it elected the leader, for all indexes, and
// that already settled what may be proposed here: values that were accepted
// under lower ballots are among those that the leader adopted, or were accepted
// by so few that they cannot be chosen. So the answers only have to come; what
// they list is not looked at. Whatever dies in between, the value was proposed
// nowhere, and its proposer learns that the reign is over.

// A round is the phase 1 of one index.
type round struct {
	index    Index // 0: none is under way
	promised ballotBox
}

// An ownRound is a leader's own promise for an index, which waits for the disk.
type ownRound struct {
	ballot Ballot
	index  Index // 0: none
}

// end is the index after all that is proposed or waits in line.
func (r *reign) end() Index { return r.next() + Index(len(r.line)) }

// queue puts values in line and returns the index that the first will have.
func (n *Node) queue(values []Value) (first Index) {
	r := &n.reign
	first = r.end()
	for i, v := range values {
		r.line = append(r.line, v)
		r.bytes += len(v.Body)
		if v.Kind == KindMember {
			r.fence = first + Index(i)
		}
	}
	n.beginRound()
	return first
}

// beginRound begins the phase 1 of the value at the head of the line, if
// nothing is in flight. A suspended leader does not.
func (n *Node) beginRound() {
	r := &n.reign
	if n.role != Leader || len(r.line) == 0 || len(r.inflight) > 0 || r.round.index != 0 || n.lapsed() || n.chosenTo < r.base {
		return
	}
	r.round = round{index: r.next()}
	n.out.record(PromiseRecord{Ballot: r.ballot})
	n.out.round = ownRound{ballot: r.ballot, index: r.round.index}
	n.sendRound()
}

// sendRound asks those who have not promised.
func (n *Node) sendRound() {
	r := &n.reign
	if r.round.index == 0 {
		return
	}
	n.toVoters(func(slot int, to NodeID) {
		if !r.round.promised.has(slot) {
			n.out.now(to, Prepare{Version: n.version(), Ballot: r.ballot, ChosenTo: n.chosenTo, Index: r.round.index})
		}
	})
}

// ownRoundDurable counts the leader's own promise for an index.
func (n *Node) ownRoundDurable(r ownRound) {
	if n.role == Leader && n.reign.ballot == r.ballot {
		n.promisedFor(n.electorate.self, r.index)
	}
}

// promisedFor counts a voter's promise for an index, and begins phase 2 when
// there are enough.
func (n *Node) promisedFor(slot int, at Index) {
	r := &n.reign
	if at == 0 || r.round.index != at || !n.electorate.isVoter(slot) {
		return
	}
	r.round.promised.add(slot)
	if !n.electorate.majority(r.round.promised) {
		return
	}
	r.round = round{}
	head := r.line[0]
	r.line = r.line[1:]
	r.bytes -= len(head.Body)
	n.propose([]Value{head})
}

// promiseFor answers a Prepare for one index, durably also if the ballot is the
// one that this acceptor has promised before.
func (n *Node) promiseFor(from NodeID, m Prepare) {
	n.out.record(PromiseRecord{Ballot: m.Ballot})
	answer := Promise{Version: n.version(), Ballot: m.Ballot, ChosenTo: n.chosenTo, First: m.Index, Last: m.Index}
	if e, ok := n.accepted.get(m.Index); ok {
		answer.Entries = []Entry{e}
	}
	n.out.afterDurable(from, answer)
}
