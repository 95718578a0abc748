package sim

import "github.com/baristadb/barista/internal/paxos"

// A clock is a machine's boot clock: it runs at its own rate, also while the machine is paused, and starts anew when that is booted.
type clock struct {
	begun moment // when it showed shift
	shift paxos.Instant
	rate  int64 // by how many millionths it runs faster than the world
}

// maxRate is how wrong a clock may run: just less than what the drift of a tenth of a lease allows.
const maxRate = 99000

func (c *clock) read(now moment) paxos.Instant {
	passed := int64(now - c.begun)
	return c.shift + paxos.Instant(passed+passed/1e6*c.rate+passed%1e6*c.rate/1e6)
}

// boot starts the clock anew.
func (w *world) bootClock() clock {
	return clock{begun: w.now, shift: paxos.Instant(w.rand.Int64N(int64(1000 * second))), rate: w.rand.Int64N(2*maxRate+1) - maxRate}
}
