package admin

import (
	"context"
	"slices"
	"sync"
	"time"
)

// gatherTime is for how long a node waits for the other members to say how they are.
const gatherTime = 2 * time.Second

// Cluster is what all members say, each of itself, ordered by name.
type Cluster struct {
	Nodes []Status `json:"nodes"`
}

// open returns what of it everybody may see.
func (c Cluster) open() Cluster {
	all := Cluster{Nodes: make([]Status, len(c.Nodes))}
	for i, s := range c.Nodes {
		all.Nodes[i] = s.Open()
	}
	return all
}

// Gather asks all members how they are, as far as ctx gives time.
func Gather(ctx context.Context, node Node, peers Peers) []Status {
	return gather(ctx, node, peers).Nodes
}

// gather asks all members at once. One that does not answer in time is Unreachable.
func gather(ctx context.Context, node Node, peers Peers) Cluster {
	ctx, stop := context.WithTimeout(ctx, gatherTime)
	defer stop()
	own := node.Status()
	names := slices.Sorted(slices.Values(peers.Names()))
	all := Cluster{Nodes: make([]Status, len(names))}
	var asked sync.WaitGroup
	for i, name := range names {
		if name == own.Name {
			all.Nodes[i] = own
			continue
		}
		asked.Go(func() { all.Nodes[i] = ask(ctx, peers, name) }) // ends with ctx
	}
	asked.Wait()
	for i := range all.Nodes {
		if all.Nodes[i].Role == Unreachable {
			all.Nodes[i].Member = standingOf(all.Nodes[i].Name, own.Members)
		}
	}
	return all
}

// standingOf returns what the member of a name is; empty if there is none.
func standingOf(name string, members []Member) string {
	for _, m := range members {
		if m.Name == name {
			return m.Standing()
		}
	}
	return ""
}

func ask(ctx context.Context, peers Peers, name string) Status {
	status, err := peers.Status(ctx, name)
	if err != nil {
		return Status{Name: name, Role: Unreachable, Reason: NoAnswer, Detail: err.Error()}
	}
	status.Name = name
	return status
}
