package node

import (
	"slices"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/paxos"
)

func TestParting(t *testing.T) {
	// A node that was removed is left alone after some time, once; one that was let in again is not.
	all := paxos.FirstMembership("n1", 1, "a:1").AddLearner("n2", 2, "a:2")
	gone := all.Dismiss(2)
	start := time.Now()
	p := partings{}
	for _, step := range []struct {
		name    string
		members paxos.Membership
		after   time.Duration
		want    []string
	}{
		{"a member", all, 0, nil},
		{"just removed", gone, 0, nil},
		{"soon after", gone, partingTime / 2, nil},
		{"at last", gone, partingTime + 1, []string{"n2"}},
		{"once", gone, 2 * partingTime, nil},
		{"expected again", gone.Expect("n2"), 2 * partingTime, nil},
		{"removed again", gone, 3 * partingTime, nil},
		{"and left alone again", gone, 4*partingTime + 1, []string{"n2"}},
	} {
		if got := p.due(step.members, start.Add(step.after)); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.name, got, step.want)
		}
	}
}
