//go:build barista_mutations

package sim

import (
	"strings"
	"testing"
)

// enough is how many seeds a planted bug must be found in.
const enough = 1000

// plantedBugs are the mistakes that Multi-Paxos and what stands on it invite.
var plantedBugs = []string{
	"promise not durable",
	"promise leaves out chosen entries",
	"same acceptor counted twice",
	"accepted value ignored by a new leader",
	"gap not filled",
	"learn without ballot",
	"lease trusted after it expired",
	"lease forgotten in a restart",
	"message sent before its record is durable",
	"applying past a gap",
	"void rule missing",
	"what follows on a gap stands",
	locksReleased,
	"double apply after step-down",
	amnesiacVotes,
	"member change in one step of two",
	"purge of what no server has flushed",
	"ballot reused after a restart",
}

func TestPlantedBugs(t *testing.T) {
	// Shows that the simulation finds every bug that is planted, and how many seeds it takes.
	defer plant("")
	for _, bug := range plantedBugs {
		plant(bug)
		seed, err := firstFailure()
		if err == nil {
			t.Errorf("%s: not found in %d seeds", bug, enough)
			continue
		}
		text, _, _ := strings.Cut(err.Error(), "\n")
		t.Logf("%-45s found by seed %d: %.160s", bug, seed, text)
	}
}

func firstFailure() (seed uint64, err error) {
	for seed = range enough {
		if r := Run(seed, nil); r.Err != nil {
			return seed, r.Err
		}
	}
	return 0, nil
}
