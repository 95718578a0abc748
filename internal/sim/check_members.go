package sim

import (
	"slices"

	"github.com/baristadb/barista/internal/paxos"
)

// changesMembers follows the membership through the log. A change that has an effect adds or removes one voter at most, so that any majority
// before it and any after it have a member in common; and a new voter holds everything below the entry that makes it one.
func (c *checkers) changesMembers(i paxos.Index, v paxos.Value) {
	a := &c.agreement
	if v.Kind != paxos.KindMember {
		return
	}
	base, next, err := paxos.DecodeMember(v.Body)
	if err != nil {
		c.world.violated("membership", "index %d: %v", i, err)
	}
	if base != a.members.Version {
		return // it names another version: without effect
	}
	if !blind("membership") {
		c.changesByOne(i, a.members, next)
	}
	a.members, a.changed = next, i
	c.holds(i)
	c.world.figures.Changes++
	if c.cluster == c.world.cluster {
		c.world.membersChanged(next)
	}
}

// changesByOne: one voter at most is added or removed, and an added one is complete.
func (c *checkers) changesByOne(i paxos.Index, old, next paxos.Membership) {
	before, after := old.Voters(), next.Voters()
	changed := 0
	for _, id := range before {
		if !slices.Contains(after, id) {
			changed++
		}
	}
	for _, id := range after {
		if !slices.Contains(before, id) {
			changed++
			c.newVoterIsComplete(i, next, id)
		}
	}
	if changed > 1 || len(after) == 0 {
		c.world.violated("membership", "index %d changes the voters from %v to %v in one step", i, before, after)
	}
}

// newVoterIsComplete: the disk of a new voter holds every entry below its admission, in the journal or in the server's data.
func (c *checkers) newVoterIsComplete(i paxos.Index, next paxos.Membership, id paxos.NodeID) {
	member, _ := next.Find(id)
	m := c.world.machineNamed(member.Name)
	if m.journal == nil || m.cluster != c.cluster || m.journal.Identity().Node != id {
		return // it was replaced again meanwhile
	}
	floor := m.journal.Floor()
	for at := floor.Index + 1; at < i; at++ {
		if kept, ok := c.agreement.keepers[at][id]; !ok || !kept.Equal(c.agreement.at(at)) {
			c.world.violated("membership", "index %d makes node %d a voter, which does not hold index %d", i, id, at)
		}
	}
	if floor.Position > 0 && (m.server.data == nil || uint64(m.server.data.applied()) < floor.Position) {
		c.world.violated("membership", "index %d makes node %d a voter, whose server lacks what is below its floor %d", i, id, floor.Index)
	}
}
