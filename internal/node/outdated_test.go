package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

func TestRestartOfADisownedNode(t *testing.T) {
	// Shows that the file which says that a journal is an older copy keeps the next process from voting, and that nothing does without it.
	dir := filepath.Join(t.TempDir(), "journal")
	members := paxos.FirstMembership("n1", 1, "n1:1")
	identity := paxos.IdentityRecord{Cluster: [16]byte{1}, Name: "n1", Incarnation: 1, Node: 1}
	if err := journal.Create(dir, identity, paxos.Floor{Members: members}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		change func(string) error
		want   bool
	}{{removeMark, false}, {writeMark, true}, {removeMark, false}} {
		if err := step.change(dir + disownedSuffix); err != nil {
			t.Fatal(err)
		}
		disowned, err := hasMark(dir + disownedSuffix)
		if err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		restored, _, err := restore(j, disowned)
		if err != nil {
			t.Fatal(err)
		}
		if restored.Disowned != step.want {
			t.Errorf("with the file %v it is disowned: %v", step.want, restored.Disowned)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoseDataAreNotCopied(t *testing.T) {
	// Shows that nobody copies the server of a node whose folder is an older copy, that stopped for another cluster or for its log, or that holds
	// something else than the log says.
	for _, test := range []struct {
		status replicator.Status
		want   bool
	}{
		{replicator.Status{}, true},
		{replicator.Status{Disowned: &paxos.Disowned{}}, false},
		{replicator.Status{Retired: "another cluster"}, false},
		{replicator.Status{Odd: "another log"}, false},
		{replicator.Status{Diverged: "a row"}, false},
	} {
		if got := mayBeCopied(test.status); got != test.want {
			t.Errorf("with %+v it may be copied: %v", test.status, got)
		}
	}
}

func TestWhoVotesAlone(t *testing.T) {
	// Shows which node asks whether there are members of whom it does not know: the only voter, whoever learns from it.
	alone := paxos.FirstMembership("n1", 1, "n1:1")
	learner := alone.AddLearner("n2", 2, "n2:1")
	for _, test := range []struct {
		members paxos.Membership
		node    paxos.NodeID
		want    bool
	}{{alone, 1, true}, {learner, 1, true}, {learner, 2, false}, {learner.Promote(2), 1, false}, {paxos.Membership{}, 1, false}} {
		if got := votesAlone(test.members, test.node); got != test.want {
			t.Errorf("node %d of %+v votes alone: %v", test.node, test.members, got)
		}
	}
}

func TestNodeThatAskedToJoinAnew(t *testing.T) {
	// Shows that a node whose number was removed because it had asked to be admitted anew goes on as another incarnation, also if it was pardoned meanwhile; and
	// that one which did not ask, or which was removed for good, ends.
	before := paxos.FirstMembership("n1", 1, "n1:1").AddLearner("n2", 2, "n2:1").Promote(2)
	without := before.Remove(2)
	for name, test := range map[string]struct {
		members         paxos.Membership
		asked, disowned bool
		want            bool
	}{
		"pardoned, and its number was removed":           {without, true, false, true},
		"pardoned, and its new number is there already":  {without.AddLearner("n2", 77, "n2:1"), true, false, true},
		"disowned, and the process that asked has died":  {without, false, true, true},
		"pardoned, and then removed for good":            {before.Dismiss(2), true, false, false},
		"it did not ask, and another one took its place": {without.AddLearner("n2", 77, "n2:1"), false, false, false},
	} {
		n := dataNode(t)
		if err := os.Mkdir(n.cfg.JournalDir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if n.asked.Store(test.asked); test.disowned {
			if err := writeMark(n.cfg.JournalDir() + disownedSuffix); err != nil {
				t.Fatal(err)
			}
		}
		again, err := n.goOn(t.Context(), n.errRemoved(test.members))
		_, aside := os.Stat(n.cfg.JournalDir() + outdatedSuffix)
		if again != test.want || (err == nil) != test.want || (aside == nil) != test.want {
			t.Errorf("%s: it goes on: %v, %v", name, again, err)
		}
	}
}
