package node

import (
	"testing"

	"github.com/baristadb/barista/internal/replicator"
)

func TestAttempts(t *testing.T) {
	// What is written between two attempts that fail neither makes the next one come sooner nor counts as the end of the trouble.
	sets, sequences := &replicator.Batch{Predecessor: 3, Position: 5}, &replicator.Batch{Predecessor: 3, Position: 3}
	a := attempts{retry: applyRetryMin}
	a.failed(sequences)
	if !a.applied(sequences) {
		t.Error("sequences that were written at last are no progress")
	}
	a.failed(sets)
	if a.applied(sequences) {
		t.Error("sequences between two attempts are progress")
	}
	a.failed(sets)
	if a.retry != 4*applyRetryMin {
		t.Errorf("the third attempt comes after %v", a.retry)
	}
	if !a.applied(sets) || a.retry != applyRetryMin || a.stuck {
		t.Errorf("after a change set was applied: %+v", a)
	}
}
