//go:build barista_mutations

package sim

import (
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

var plantedHere string

func planted(bug string) bool { return bug == plantedHere }

// plant puts a bug into the code under test, or into the world; empty: none. It is called while nothing runs.
func plant(bug string) { plantedHere, paxos.Planted, replicator.Planted = bug, bug, bug }
