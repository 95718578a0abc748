package usage

import (
	"cmp"
	"slices"
	"time"
)

// A Cost is what processes have cost between two samples.
type Cost struct {
	CPU time.Duration // user and system, also of processes that have ended in between
	// Switches are the context switches of the processes that are in both samples.
	Switches int64
}

// Between returns the time between two samples and what all processes have cost in it.
func Between(before, after Sample) (time.Duration, Cost) {
	var cost Cost
	for _, share := range Shares(before, after) {
		cost.CPU += share.CPU
		cost.Switches += share.Switches
	}
	return after.at.Sub(before.at), cost
}

// A Role is what a process does, and of what it is a part.
type Role struct{ Of, Does string }

// A Share is what the processes with one role have cost.
type Share struct {
	Role
	Cost
}

// ended is what processes do of which only their parent still tells what they have cost.
const ended = "processes that ended"

// Shares returns what the processes of each role have cost between two samples, the dearest first.
func Shares(before, after Sample) []Share {
	costs := map[Role]Cost{}
	add := func(role Role, cpu time.Duration, switches int64) {
		cost := costs[role]
		costs[role] = Cost{cost.CPU + cpu, cost.Switches + switches}
	}
	for pid, p := range after.processes {
		gone := Role{p.role.Of, ended}
		was, found := before.processes[pid]
		if !found {
			add(p.role, p.CPU, 0)
			add(gone, p.Buried, 0)
			continue
		}
		add(p.role, p.CPU-was.CPU, p.switches-was.switches)
		add(gone, p.Buried-was.Buried, 0)
	}
	// What the buried had cost before the first sample is not of this time.
	for pid, was := range before.processes {
		if _, found := after.processes[pid]; !found {
			add(Role{was.role.Of, ended}, -was.CPU-was.Buried, 0)
		}
	}
	var shares []Share
	for role, cost := range costs {
		if cost != (Cost{}) {
			shares = append(shares, Share{role, cost})
		}
	}
	slices.SortFunc(shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Does, b.Does))
	})
	return shares
}
