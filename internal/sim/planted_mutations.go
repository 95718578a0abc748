//go:build barista_mutations

package sim

import (
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/rivals"
)

var plantedHere, blindTo string

func planted(bug string) bool { return bug == plantedHere }

func blind(rule string) bool { return rule == blindTo }

// plant puts a bug into the code under test, or into the world, and makes the checkers blind to a rule; empty: none. It is called while
// nothing runs.
func plant(bug, unseen string) {
	plantedHere, paxos.Planted, replicator.Planted, rivals.Planted, blindTo = bug, bug, bug, bug, unseen
}
