package node

import (
	"time"

	"github.com/baristadb/barista/internal/replicator"
)

// attempts tells how a server gets on with what it is to apply. States of sequences alone are written anew after each attempt that failed, which mostly goes
// well and is no progress.
type attempts struct {
	retry time.Duration // before the next attempt, when one fails
	stuck bool          // change sets have failed, and none was applied since
}

// failed notes a batch that was not applied.
func (a *attempts) failed(batch *replicator.Batch) {
	a.stuck = a.stuck || moves(batch)
	a.retry = min(2*a.retry, applyRetryMax)
}

// applied notes a batch that was, and reports whether that is progress.
func (a *attempts) applied(batch *replicator.Batch) bool {
	if a.stuck && !moves(batch) {
		return false
	}
	*a = attempts{retry: applyRetryMin}
	return true
}

// moves reports whether a batch brings a server further.
func moves(batch *replicator.Batch) bool { return batch.Position != batch.Predecessor }
