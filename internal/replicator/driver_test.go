package replicator

import (
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

func TestClockIsReadWhenAllIsTaken(t *testing.T) {
	// The time of a batch of events is that after the last of them was taken: a lease that is granted to one of them counts from there.
	d := NewDriver(DriverConfig{Replicator: newCluster(t, 1).nodes[1].r, Clock: nil})
	reads := 0
	d.clock = func() paxos.Instant {
		reads++
		if left := len(d.events) + len(d.submitted); left > 0 {
			t.Errorf("the clock is read while %d events wait", left)
		}
		return 2e9
	}
	for range 3 {
		d.Post(t.Context(), Tick{})
		d.Submit(t.Context(), BackendGone{Backend: 1})
	}
	d.stepAll(Tick{})
	if reads != 1 || d.replicator.now != 2e9 {
		t.Errorf("the clock was read %d times, and it is %d", reads, d.replicator.now)
	}
}
