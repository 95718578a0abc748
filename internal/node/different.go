package node

import (
	"context"
	"fmt"
	"strings"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// watchDifferent says in the log when this node's log holds something else than others', until ctx ends.
func (n *node) watchDifferent(ctx context.Context) {
	told := ""
	for {
		next := n.driver.Watch()
		if text := n.different(n.driver.Status()); text != "" && text != told {
			told = text
			n.log.Error("nodes hold different entries at one index", "reason", text)
		}
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

// different says which nodes hold other entries than this one, and what to do; empty when none is known.
func (n *node) different(s replicator.Status) string {
	if s.Odd != "" {
		return s.Odd + ". Each may hold writes that were acknowledged and that the others lack. Find out which (barista verify, and the data folders); to have this node " +
			"follow the others, stop it, put its folder aside, and start it with an empty one"
	}
	if len(s.Differing) == 0 {
		return ""
	}
	return fmt.Sprintf("the log of %s holds another entry than this node's, and no majority says which is right: barista verify compares what they hold",
		strings.Join(n.namesOf(s.Differing...), " and "))
}

// namesOf returns names of members; their numbers where a name is not known.
func (n *node) namesOf(ids ...paxos.NodeID) []string {
	names := make([]string, len(ids))
	for k, id := range ids {
		if names[k] = n.directory.name(id); names[k] == "" {
			names[k] = fmt.Sprintf("node %d", id)
		}
	}
	return names
}
