package node

import (
	"slices"
	"testing"
)

// A base backup comes from a follower if one can give it, and from the leader if the last copy was of no use.
func TestSortSources(t *testing.T) {
	for _, c := range []struct {
		leader      string
		leaderFirst bool
		want        []string
	}{
		{"n2", false, []string{"n1", "n3", "n2"}},
		{"n2", true, []string{"n2", "n1", "n3"}},
		{"", true, []string{"n1", "n2", "n3"}},
	} {
		names := []string{"n3", "n2", "n1"}
		if sortSources(names, c.leader, c.leaderFirst); !slices.Equal(names, c.want) {
			t.Errorf("leader %q, first %t: %v, want %v", c.leader, c.leaderFirst, names, c.want)
		}
	}
}
