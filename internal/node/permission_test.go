package node

import (
	"testing"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

func TestWhoseDataOthersRelyOn(t *testing.T) {
	// Shows that nobody drops data because of a node whose server once held everything, and does not run now, holds something else than
	// the log says, or has met a damaged page; nor of one that is about to join anew.
	damaged := replicator.Failing{Code: "XX001", Times: damagedTries, Since: 1}
	for _, test := range []struct {
		name   string
		status replicator.Status
		want   bool
	}{
		{"runs", replicator.Status{Server: 7}, true},
		{"does not run, or is stopped because it diverged", replicator.Status{}, false},
		{"has met a damaged page", replicator.Status{Server: 7, Failing: damaged}, false},
		{"is disowned", replicator.Status{Server: 7, Disowned: &paxos.Disowned{}}, false},
	} {
		if got := reliable(test.status, 1+paxos.Instant(damagedFor)); got != test.want {
			t.Errorf("a node that %s is relied on: %v", test.name, got)
		}
	}
}
