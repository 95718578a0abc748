package paxos

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Config is what a Node needs to know from the start. All fields are required
// but Drift.
type Config struct {
	ID      NodeID
	Cluster [16]byte

	// Tick is about how often the driver calls Node.Tick.
	Tick Span
	// Lease is for how long an acceptor that acknowledged a heartbeat promises
	// nobody else. The shorter one counts where nodes differ.
	Lease Span
	// Drift is by how much a clock may run fast or slow in the course of one
	// lease (see lease.go).
	Drift Span
	// A voter that has heard no leader for a time between ElectionMin and
	// ElectionMax campaigns. ElectionMin is at least Lease: before that nobody
	// would answer.
	ElectionMin, ElectionMax Span
	// SuspendLimit is for how long a leader without a lease waits to get it back.
	SuspendLimit Span

	// MaxInflight and MaxInflightBytes bound what a leader has proposed and not
	// yet seen chosen. All nodes must agree on MaxInflight: an acceptor keeps at
	// most twice as many indexes above its ChosenTo.
	MaxInflight      int
	MaxInflightBytes int

	// Protocol is how this node has entries agreed on when it leads.
	Protocol Protocol

	// Rand is owned by the node.
	Rand *rand.Rand
	// Now is when the node starts. It promises nobody for one Lease and the Drift
	// from here, because it may have forgotten a lease that it acknowledged.
	Now Instant
}

func (c Config) validate() error {
	for _, check := range []struct {
		ok   bool
		text string
	}{
		{c.ID != 0, "no node number"},
		{c.Tick > 0, "the tick is not positive"},
		{c.Drift >= 0, "the drift is negative"},
		{c.Lease > c.Tick+c.Drift, "the lease does not outlast a tick and the drift"},
		{c.ElectionMin >= c.Lease, "elections begin before the lease ends"},
		{c.ElectionMax > c.ElectionMin, "the election timeout has no range"},
		{c.SuspendLimit > 0, "the limit of suspension is not positive"},
		{c.MaxInflight > 0, "the number of entries in flight is not positive"},
		{c.MaxInflightBytes > 0, "the number of bytes in flight is not positive"},
		{c.Protocol <= Basic, "the protocol is unknown"},
		{c.Rand != nil, "no random generator"},
	} {
		if !check.ok {
			return fmt.Errorf("paxos configuration: %s", check.text)
		}
	}
	return nil
}

// Restored is what the journal held when the node started. In a new cluster
// its first node has Floor.Members and Members from FirstMembership; a node
// that has nothing yet, not even a floor, takes no entry before it was given a
// peer's floor (see Node.InstallFloor).
type Restored struct {
	Floor    Floor
	Promised Ballot  // the greatest in a PromiseRecord
	Entries  []Entry // accepted above ChosenTo, at most one for each index
	ChosenTo Index   // at least Floor.Index
	Members  Membership

	// Life is the acceptor's past, the run that begins now included (Life.Begin),
	// which is durable already. Sightings are those that the journal has.
	Life      Life
	Sightings []Sighting

	// Disowned says that peers have found in an earlier run that the journal is
	// an older copy. They may not be there to say so again.
	Disowned bool
}

func (r Restored) validate() error {
	if r.ChosenTo < r.Floor.Index {
		return fmt.Errorf("restore: chosen to %d, below the floor %d", r.ChosenTo, r.Floor.Index)
	}
	if r.Members.Version < r.Floor.Members.Version {
		return errors.New("restore: the membership is older than that of the floor")
	}
	if r.Members.Version == 0 && r.ChosenTo > 0 {
		return errors.New("restore: there are chosen entries and no membership")
	}
	seen := make(map[Index]bool, len(r.Entries))
	for _, e := range r.Entries {
		if e.Index <= r.ChosenTo || seen[e.Index] {
			return fmt.Errorf("restore: entry %d is chosen already or there twice", e.Index)
		}
		seen[e.Index] = true
	}
	return nil
}
