package clients

import (
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestWhatTheNextLeaderHolds(t *testing.T) {
	// When a leader has died, the next one and all followers hold what clients made, and nothing that was to go with it.
	c := harness.StartCluster(t, devcluster.Options{})
	for _, story := range []struct {
		name string
		tell func(*testing.T, *harness.Cluster)
	}{
		{"databases", databases},
		{"large objects", largeObjects},
		{"unlogged tables", unloggedTables},
	} {
		if !t.Run(story.name, func(t *testing.T) { story.tell(t, c) }) {
			return // the next one needs a whole cluster
		}
	}
}
