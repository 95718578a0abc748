package node

import (
	"path/filepath"
	"testing"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
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
