package paxos

import (
	"cmp"
	"math"
	"slices"
)

// MaxMembers is how many members, voters and learners together, a cluster has
// at most: votes are counted in the bits of one word.
const MaxMembers = 64

// MaxNames is of how many names a membership says something.
const MaxNames = 1024

// A Member is one incarnation of a named node.
type Member struct {
	Node        NodeID
	Incarnation uint64
	Voter       bool // false: a learner, which counts in no quorum
	Spare       bool // a learner that is to stay one until it is recruited
	Name        string
	Address     string // of its peer port
}

// A Name is what was ordered about the nodes of a name. It outranks every
// node's configuration.
type Name struct {
	Name string
	// Expected: a node of this name may join, as a spare if Spare. Otherwise it
	// was removed, and none may, until that is ordered.
	Expected, Spare bool
}

// A Membership is who takes part, as of one index of the log. It is a value:
// the builders return a changed copy and nobody alters Members in place.
//
// Invariant: Members is in order of Node, and each Node is below Next. Names is
// in order of Name. No Voter is a Spare.
type Membership struct {
	Version uint32 // grows by one with each change; 0 is no membership at all
	Next    NodeID // the node number that the next member gets
	Members []Member
	Names   []Name
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

// KnownTo reports whether a majority of the voters know of this membership, or
// of a later one. version is the version that a voter has on its disk. As long
// as it is false, whoever was a voter before and is none now may be needed: it may
// be the only one to know that the change was chosen, and the others may not
// make a majority of those who were to choose it.
func (m Membership) KnownTo(version func(Member) uint32) bool {
	knowing := 0
	for _, member := range m.Members {
		if member.Voter && version(member) >= m.Version {
			knowing++
		}
	}
	return knowing >= m.Quorum()
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

// AddSpare is AddLearner for a node that is to stay a learner.
func (m Membership) AddSpare(name string, incarnation uint64, address string) Membership {
	next := m.AddLearner(name, incarnation, address)
	if next.Version != m.Version {
		next.Members[len(next.Members)-1].Spare = true
	}
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
	next.Members[slot].Voter, next.Members[slot].Spare = true, false
	return next
}

// Recruit returns the next membership, in which a spare is an ordinary learner,
// which becomes a voter when it is up to date, and in which its name is expected
// to be no spare. It returns m itself when there is no such spare.
func (m Membership) Recruit(spare NodeID) Membership {
	slot := m.slot(spare)
	if slot < 0 || !m.Members[slot].Spare || !m.hasRoomFor(m.Members[slot].Name) {
		return m
	}
	next := m.successor()
	next.Members[slot].Spare = false
	next.Names = withName(m.Names, Name{Name: m.Members[slot].Name, Expected: true})
	return next
}

// Dismiss is Remove for good: no node of the name may join any more.
func (m Membership) Dismiss(node NodeID) Membership {
	member, ok := m.Find(node)
	if !ok || !m.hasRoomFor(member.Name) {
		return m
	}
	next := m.Remove(node)
	next.Names = withName(m.Names, Name{Name: member.Name})
	return next
}

// Replace returns the next membership, in which a member is dismissed and a
// spare is recruited for it. The spare gets no vote by that. It returns m
// itself when there are no two such members.
func (m Membership) Replace(dead, spare NodeID) Membership {
	next := m.Dismiss(dead)
	both := next.Recruit(spare)
	if next.Version == m.Version || both.Version == next.Version {
		return m
	}
	both.Version = next.Version // it is one change
	return both
}

// Expect returns the next membership, in which a node of a name may join,
// whatever was ordered before. It returns m itself when that is so, or when
// there is no room.
func (m Membership) Expect(name string) Membership {
	return m.order(Name{Name: name, Expected: true})
}

// ExpectSpare is Expect for a node that is to be a spare.
func (m Membership) ExpectSpare(name string) Membership {
	return m.order(Name{Name: name, Expected: true, Spare: true})
}

// Bar returns the next membership, in which no node of a name may join. It
// returns m itself when that is so, or when there is no room.
func (m Membership) Bar(name string) Membership { return m.order(Name{Name: name}) }

func (m Membership) order(n Name) Membership {
	if known, ok := m.Ordered(n.Name); ok && known == n || !m.hasRoomFor(n.Name) {
		return m
	}
	next := m.successor()
	next.Names = withName(m.Names, n)
	return next
}

// Ordered returns what was ordered about a name; false if nothing was.
func (m Membership) Ordered(name string) (Name, bool) {
	at, ok := slices.BinarySearchFunc(m.Names, name, compareName)
	if !ok {
		return Name{}, false
	}
	return m.Names[at], true
}

func (m Membership) hasRoomFor(name string) bool {
	_, known := m.Ordered(name)
	return known || len(m.Names) < MaxNames
}

func compareName(n Name, name string) int { return cmp.Compare(n.Name, name) }

// withName returns a copy of names with one of them set.
func withName(names []Name, n Name) []Name {
	names = slices.Clone(names)
	at, known := slices.BinarySearchFunc(names, n.Name, compareName)
	if known {
		names[at] = n
		return names
	}
	return slices.Insert(names, at, n)
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
	return Membership{Version: m.Version + 1, Next: m.Next, Members: slices.Clone(m.Members), Names: m.Names}
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
