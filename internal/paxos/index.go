package paxos

// An Index is a place in the log. The first is 1; 0 is before the first.
type Index uint64

// LastIndex is above every index that is ever used.
const LastIndex = ^Index(0)

// An Entry is a value that was accepted at an index under a ballot.
type Entry struct {
	Index  Index
	Ballot Ballot
	Value  Value
}
