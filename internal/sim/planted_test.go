//go:build barista_mutations

package sim

import (
	"strings"
	"testing"
)

// enough is how many seeds a planted bug must be found in.
const enough = 3000

// plantedBugs are the mistakes that Multi-Paxos and what stands on it invite. Where two rules object to the same bug, it is planted again with the
// checkers blind to the quicker one.
var plantedBugs = []struct{ name, unseen string }{
	{"promise not durable", ""},
	{"promise leaves out chosen entries", ""},
	{"same acceptor counted twice", ""},
	{"same acceptor counted twice", "majority"},
	{"accepted value ignored by a new leader", ""},
	{"gap not filled", ""},
	{"learn without ballot", ""},
	{"lease trusted after it expired", ""},
	{"lease trusted after it expired", "lease"},
	{"lease forgotten in a restart", ""},
	{"message sent before its record is durable", ""},
	{"message sent before its record is durable", "majority"},
	{"applying past a gap", ""},
	{"void rule missing", ""},
	{"void rule missing", "floor"},
	{"what follows on a gap stands", ""},
	{"floor within a chunked set", ""},
	{locksReleased, ""},
	{"double apply after step-down", ""},
	{amnesiacVotes, ""},
	{"member change in one step of two", ""},
	{"purge of what no server has flushed", ""},
	{"ballot reused after a restart", ""},
	{filesGoFirst, ""},
}

func TestPlantedBugs(t *testing.T) {
	// Shows that the simulation finds every bug that is planted, and how many seeds it takes.
	defer plant("", "")
	for _, bug := range plantedBugs {
		plant(bug.name, bug.unseen)
		seed, err := firstFailure()
		name := bug.name
		if bug.unseen != "" {
			name += ", blind to " + bug.unseen
		}
		if err == nil {
			t.Errorf("%s: not found in %d seeds", name, enough)
			continue
		}
		text, _, _ := strings.Cut(err.Error(), "\n")
		t.Logf("%-60s seed %3d: %.140s", name, seed, text)
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
