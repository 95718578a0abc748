package paxos

// An acceptor whose disk was put back to an older state has forgotten votes and
// must not vote as if it remembered. So each acceptor counts what it does, and
// its peers remember how far it had come:
//
//   - Each promise and each acceptance that it makes durable is an *act*.
//   - Each start of the node is a *run*, with a number of its own.
//   - Every message carries its sender's run and how many acts were durable. A
//     peer keeps the most that it saw (a *sighting*): at once in memory, on its
//     disk when it welcomes a run and from time to time.
//
// A node that was started votes with nobody before it was welcomed (Return,
// Welcome): it tells its runs, and where each began; a peer that saw a run, or
// more acts in one of them, than the node knows of, disowns it (Disown). An old
// copy has an older run than the peers know; a copy of the run that they saw
// last has fewer acts.
//
// What if nobody who answers knows? Those who welcome a node are, with it, a
// majority. So whoever saw what it forgot does not answer at all, and those who
// answer have not heard of it from a leader since: at least as many nodes are
// away as the cluster survives, and the copy is one more fault. Nobody could
// tell this from a node that had nothing to forget. It is found when one of those
// who were away is back, by its sighting.

// A Run names one start of a node: in the high 32 bits a count, in the low ones
// a random number, so that two starts from the same state differ. 0 is none: a
// node without runs is believed, which is for tests of other things.
type Run uint64

// Count is how many runs there were up to this one.
func (r Run) Count() uint32 { return uint32(r >> 32) }

// A Start is where a run began: with how many acts.
type Start struct {
	Run  Run
	Acts uint64
}

// maxStarts is how many of its runs a node remembers.
const maxStarts = 64

// A Life is what an acceptor knows of its own past.
type Life struct {
	Starts []Start // the last is of the run that is under way, or was; each Count is one more than the one before
	Acts   uint64
}

// Run returns the run that is under way, or was the last.
func (l Life) Run() Run {
	if len(l.Starts) == 0 {
		return 0
	}
	return l.Starts[len(l.Starts)-1].Run
}

// Begin returns the life with one more run, to be made durable before anything
// is said in it. draw is random.
func (l Life) Begin(draw uint32) Life {
	starts := l.Starts[max(0, len(l.Starts)+1-maxStarts):]
	next := Start{Run: Run(uint64(l.Run().Count()+1)<<32 | uint64(draw)), Acts: l.Acts}
	return Life{Starts: append(starts[:len(starts):len(starts)], next), Acts: l.Acts}
}

// A Stamp is on every message: the sender's run, how many of its acts were
// durable when the message left, and what it knows to be chosen.
type Stamp struct {
	Run    Run
	Acts   uint64
	Prefix Prefix
}

// A Sighting is the most that was seen of a node.
type Sighting struct {
	Node NodeID
	Run  Run
	Acts uint64
}

// Remembers reports whether a node with a life has forgotten nothing that was
// seen of it before its last run. Of a run that it does not list any more it is believed
// to know all, if it has done as much since.
func (l Life) Remembers(s Sighting) bool {
	if len(l.Starts) == 0 {
		return s.Run == 0
	}
	first, count := l.Starts[0].Run.Count(), s.Run.Count()
	if count < first {
		return l.Starts[0].Acts >= s.Acts
	}
	k := int(count - first)
	if k >= len(l.Starts) || l.Starts[k].Run != s.Run {
		return false
	}
	return k+1 == len(l.Starts) || l.Starts[k+1].Acts >= s.Acts
}

// isAct reports whether a record is an act of the acceptor.
func isAct(r Record) bool {
	switch r.(type) {
	case PromiseRecord, AcceptRecord:
		return true
	}
	return false
}

// Take counts the acts among records, and begins the life that one of them may
// tell. A journal does so with what it is given to keep.
func (l *Life) Take(r Record) {
	if begun, ok := r.(LifeRecord); ok {
		*l = begun.Life
	} else if isAct(r) {
		l.Acts++
	}
}
