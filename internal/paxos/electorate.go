package paxos

import "math/bits"

// A ballotBox holds the votes of members, one bit for each place in the
// membership's list, so that nobody counts twice.
type ballotBox uint64

func (b *ballotBox) add(slot int) { *b |= 1 << slot }

func (b ballotBox) has(slot int) bool { return b&(1<<slot) != 0 }

// An electorate is a membership prepared for counting.
type electorate struct {
	voters ballotBox // the places of those who vote
	quorum int
	self   int // this node's own place, or -1
}

func newElectorate(m Membership, self NodeID) electorate {
	e := electorate{quorum: m.Quorum(), self: m.slot(self)}
	for slot, member := range m.Members {
		if member.Voter {
			e.voters.add(slot)
		}
	}
	return e
}

// isVoter reports whether the member at a place votes; no place, no vote.
func (e electorate) isVoter(slot int) bool { return slot >= 0 && e.voters.has(slot) }

// majority reports whether the votes are enough.
func (e electorate) majority(votes ballotBox) bool {
	if votes&^e.voters != 0 {
		violated("votes %b of non-voters, voters are %b", votes, e.voters)
	}
	return bits.OnesCount64(uint64(votes)) >= e.quorum
}
