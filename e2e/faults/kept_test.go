package faults

import (
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestWhatApplicationsKeepOverChangesOfLeader(t *testing.T) {
	// What applications store of transaction ids, OIDs and sequences, and compare with what they are told later, is right under each leader.
	c := harness.StartCluster(t, devcluster.Options{})
	for _, story := range []struct {
		name string
		tell func(*testing.T, *harness.Cluster)
	}{
		{"sequences", sequences},
		{"OIDs", oids},
		{"transaction ids", transactionIDs},
		{"readers by transaction id", readersByTransactionID},
	} {
		if !t.Run(story.name, func(t *testing.T) { story.tell(t, c) }) {
			return // the next one needs a whole cluster
		}
	}
}
