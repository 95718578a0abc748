package paxos

import (
	"math"
	"slices"
)

// MaxMembers is how many members, voters and learners together, a cluster has
// at most: votes are counted in the bits of one word.
const MaxMembers = 64

// A Member is one incarnation of a named node.
type Member struct {
	Node        NodeID
	Incarnation uint64
	Voter       bool // false: a learner, which counts in no quorum
	Name        string
	Address     string // of its peer port
}

// A Membership is who takes part, as of one index of the log. It is a value:
// the builders return a changed copy and nobody alters Members in place.
//
// Invariant: Members is in order of Node, and each Node is below Next.
type Membership struct {
	Version uint32 // grows by one with each change; 0 is no membership at all
	Next    NodeID // the node number that the next member gets
	Members []Member
}

// FirstMembership is that of a new cluster: one node, the voter 1.
func FirstMembership(name string, incarnation uint64, address string) Membership {
	return Membership{Version: 1, Next: 2, Members: []Member{
		{Node: 1, Incarnation: incarnation, Voter: true, Name: name, Address: address},
	}}
}

// Find returns the member with a node number.
func (m Membership) Find(node NodeID) (Member, bool) {
	if slot := m.slot(node); slot >= 0 {
		return m.Members[slot], true
	}
	return Member{}, false
}

// FindName returns the member that is this incarnation of a named node.
func (m Membership) FindName(name string, incarnation uint64) (Member, bool) {
	for _, member := range m.Members {
		if member.Name == name && member.Incarnation == incarnation {
			return member, true
		}
	}
	return Member{}, false
}

// Voters returns the nodes that count in quorums, in order.
func (m Membership) Voters() []NodeID {
	var voters []NodeID
	for _, member := range m.Members {
		if member.Voter {
			voters = append(voters, member.Node)
		}
	}
	return voters
}

// Quorum is how many voters make a majority. Without voters it is 1, which
// nobody can reach.
func (m Membership) Quorum() int {
	return len(m.Voters())/2 + 1
}

// Remove returns the next membership, without a node. It returns m itself, of
// the same version, when there is no such member.
func (m Membership) Remove(node NodeID) Membership {
	slot := m.slot(node)
	if slot < 0 {
		return m
	}
	next := m.successor()
	next.Members = slices.Delete(next.Members, slot, slot+1)
	return next
}

// AddLearner returns the next membership, with a new member that does not vote
// yet. It returns m itself when there is no room for one.
func (m Membership) AddLearner(name string, incarnation uint64, address string) Membership {
	if len(m.Members) >= MaxMembers || m.Next == math.MaxUint16 {
		return m
	}
	next := m.successor()
	next.Members = append(next.Members, Member{Node: m.Next, Incarnation: incarnation, Name: name, Address: address})
	next.Next++
	return next
}

// Promote returns the next membership, in which a learner is a voter. It
// returns m itself when there is no such learner.
func (m Membership) Promote(node NodeID) Membership {
	slot := m.slot(node)
	if slot < 0 || m.Members[slot].Voter {
		return m
	}
	next := m.successor()
	next.Members[slot].Voter = true
	return next
}

// Apply returns the membership after a chosen entry: the one that a member
// entry names if it changes exactly this version, else m itself. The value must
// have come through DecodeValue or MemberValue.
func (m Membership) Apply(v Value) Membership {
	if v.Kind != KindMember {
		return m
	}
	base, next, err := DecodeMember(v.Body)
	if err != nil {
		violated("a chosen member entry cannot be read: %v", err)
	}
	if base != m.Version {
		return m
	}
	return next
}

// MemberValue returns the entry that changes the version before next into next.
func MemberValue(next Membership) Value {
	body := appendUint32(nil, next.Version-1)
	return Value{Kind: KindMember, Body: appendMembership(body, next)}
}

func (m Membership) successor() Membership {
	return Membership{Version: m.Version + 1, Next: m.Next, Members: slices.Clone(m.Members)}
}

// slot returns a node's place in Members, or -1.
func (m Membership) slot(node NodeID) int {
	for i := range m.Members {
		if m.Members[i].Node == node {
			return i
		}
	}
	return -1
}

// votersChanged counts the nodes that vote in exactly one of two memberships.
func votersChanged(a, b Membership) int {
	changed := 0
	for _, pair := range [][2]Membership{{a, b}, {b, a}} {
		for _, node := range pair[0].Voters() {
			if member, ok := pair[1].Find(node); !ok || !member.Voter {
				changed++
			}
		}
	}
	return changed
}
