package paxos

import "strconv"

// A NodeID names one incarnation of a named node. It is never used again after
// the node was removed; 0 is nobody.
type NodeID uint16

// A Ballot orders leaderships: a round, and in the low 16 bits the node whose
// ballot it is. 0 is no ballot and is lower than every other. No two nodes
// share a ballot, and no node uses one twice, not even after a restart.
type Ballot uint64

// MakeBallot returns node's ballot of a round. Rounds have 48 bits.
func MakeBallot(round uint64, node NodeID) Ballot {
	return Ballot(round<<16 | uint64(node))
}

// Round returns the ballot's round; 0 for no ballot.
func (b Ballot) Round() uint64 { return uint64(b >> 16) }

// Node returns the node whose ballot it is; 0 for no ballot.
func (b Ballot) Node() NodeID { return NodeID(b) }

// String writes a ballot as people read it: round 7 of node 1 is "7.1".
func (b Ballot) String() string {
	return strconv.FormatUint(b.Round(), 10) + "." + strconv.FormatUint(uint64(b.Node()), 10)
}
