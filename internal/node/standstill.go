package node

import (
	"sync/atomic"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// standstillLimit is how long a server with something under way may show nothing new before its processes are looked at one by one. That costs little,
// and says nothing against it.
const standstillLimit = time.Second

// standstill watches whether a server moves.
type standstill struct {
	applying atomic.Bool // a batch is under way

	// Of standsStill alone, which one goroutine calls.
	applied changeset.Position
	since   time.Time // when it last moved, or had nothing under way
}

// standsStill reports whether backends wait at the gate, or a batch is applied, and nothing new has become visible for some time. It is called by the
// server's watch alone.
func (r *run) standsStill() (still bool) {
	r.owner.with(func(current *run) { // the mapped file of an earlier one is gone
		if current != r {
			return
		}
		w, applied, now := &r.stands, r.shared.Applied(), time.Now()
		busy := r.shared.Waiting() > 0 || w.applying.Load()
		if !busy || applied != w.applied {
			w.applied, w.since = applied, now
		}
		still = now.Sub(w.since) >= standstillLimit
	})
	return still
}
