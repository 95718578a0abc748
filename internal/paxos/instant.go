package paxos

import "math"

// An Instant is a reading of the node's boot clock, in nanoseconds: a clock
// that never goes back and that runs while the machine sleeps. Instants of two
// nodes cannot be compared.
type Instant int64

// A Span is a length of time in nanoseconds.
type Span int64

// never is earlier than every instant that a clock can show.
const never Instant = math.MinInt64

// Add returns the instant a span later.
func (t Instant) Add(s Span) Instant { return t + Instant(s) }

// Since returns the span from an earlier instant to t.
func (t Instant) Since(earlier Instant) Span { return Span(t - earlier) }
