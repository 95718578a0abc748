package paxos

// A Record is one thing that the journal keeps. Each is its own type; the
// order in which a Ready lists them is the order in which they must be kept.
type Record interface{ record() }

// PromiseRecord: no ballot below this one will be promised or accepted.
type PromiseRecord struct{ Ballot Ballot }

// AcceptRecord: the entry was accepted, or is known to be chosen. It replaces
// what the journal held at its index.
type AcceptRecord struct{ Entry Entry }

// ChosenRecord: every index up to To is chosen, with the value that the
// journal holds for it at this place. It is lazy: it needs no sync of its own,
// because forgetting it only costs asking again.
type ChosenRecord struct{ To Index }

// FloorRecord: everything at or below the floor is gone and was chosen; this
// is the log's state there.
type FloorRecord struct{ Floor Floor }

// IdentityRecord says whose journal it is. Node is 0 until the node is a
// member.
type IdentityRecord struct {
	Cluster     [16]byte
	Name        string
	Incarnation uint64
	Node        NodeID
}

// LifeRecord says how many acts the acceptor has done, and which runs there
// were. It replaces an earlier one; each act after it counts on.
type LifeRecord struct{ Life Life }

// SightingRecord is what was seen of a peer. It replaces an earlier one of the
// same node.
type SightingRecord struct{ Sighting Sighting }

func (PromiseRecord) record()  {}
func (AcceptRecord) record()   {}
func (ChosenRecord) record()   {}
func (FloorRecord) record()    {}
func (IdentityRecord) record() {}
func (LifeRecord) record()     {}
func (SightingRecord) record() {}
