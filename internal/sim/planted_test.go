//go:build barista_mutations

package sim

import (
	"strings"
	"testing"
)

// enough is how many seeds a planted bug must be found in.
const enough = 600

// plantedBugs are the mistakes that Multi-Paxos and what stands on it invite. Where two rules object to the same bug, it is planted again with the
// checkers blind to the quicker one; not so a message before its record, since a node that is found to have forgotten what it said votes no more.
var plantedBugs = []struct{ name, unseen string }{
	{"promise not durable", ""},
	{"same acceptor counted twice", ""},
	{"same acceptor counted twice", "majority"},
	{"accepted value ignored by a new leader", ""},
	{"gap not filled", ""},
	{"learn without ballot", ""},
	{"lease trusted after it expired", ""},
	{"lease trusted after it expired", "lease"},
	{"message sent before its record is durable", ""},
	{"applying past a gap", ""},
	{"void rule missing", ""},
	{"void rule missing", "floor"},
	{"what follows on a gap stands", ""},
	{locksReleased, ""},
	{"double apply after step-down", ""},
	{amnesiacVotes, ""},
	{"member change in one step of two", ""},
	{"purge of what no server has flushed", ""},
	{"ballot reused after a restart", ""},
	{filesGoFirst, ""},
	{"floor with the states of the head", ""},
	{"refresh with the states of the head", ""},
	{"refresh before the log has come so far", ""},
	{"states below a server applied again", ""},
	{"sequences of a chunked set passed over", ""},
	{"sequences of a chunked set passed over", "floor's sequences"},
	{"commit times from the clock alone", ""},
	{namesNotTold, ""},
	{namesNotTold, "floor's sequences"},
	{"ids go on where the server was", ""},
	{"rows applied below the limit of ids", ""},
	{"ids given out before they are agreed on", ""},
	{"of two clusters with as many voters none stops", ""},
	{servesAgain, ""},
	{disownedVotes, ""},
}

// scriptedBugs need a schedule that chance hardly finds.
var scriptedBugs = []struct{ name, script string }{
	{"floor with the states of the head", "states at a floor, and names that change above it"},
	{"refresh with the states of the head", "states above a server that lost commits, and names that change below them"},
	{"states below a server applied again", "states below a base backup, and names that change above them"},
	{"leader never gives up what it lacks", "the leader lacks what all others have purged"},
	{partsAtOnce, "the last but one removes itself"},
	{"a node that cannot apply campaigns", "a server that cannot apply, and the death of the leader"},
	{"a refresh is progress", "a new leader whose server cannot apply"},
	{keepsAnyCopy, "a copy of a late follower"},
	{"promise leaves out chosen entries", "a candidate that lacks what is chosen"},
	{"lease forgotten in a restart", "a voter that is restarted under a lease"},
	{"floor within a chunked set", "a floor beside a chunked set"},
	{"of two clusters with as many voters none stops", "two clusters that were just initialised"},
	{"forgotten votes are not missed", "an older copy of a folder"},
	{servesAgain, "a second cluster that meets the first"},
	{joinsAny, "a disowned node beside another cluster"},
}

func TestScriptedBugs(t *testing.T) {
	// Shows that each script finds the bug that it was written for.
	defer plant("", "")
	for _, bug := range scriptedBugs {
		plant(bug.name, "")
		var found error
		for _, s := range scripts {
			for chance := uint64(0); s.name == bug.script && chance < 20 && found == nil; chance++ {
				found = s.run(chance, nil).Err
			}
		}
		if found == nil {
			t.Errorf("%s: the script does not find it", bug.name)
		}
	}
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
