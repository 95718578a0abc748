package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Events happen in the order of their moments, and those of one moment in the order in which they were scheduled.
func TestScheduleKeepsOrder(t *testing.T) {
	type planned struct {
		at     moment
		number int
	}
	r := rand.New(rand.NewPCG(1, 1))
	var s schedule
	var want, got []planned
	for k := range 1000 {
		p := planned{moment(r.Int64N(50)), k}
		want = append(want, p)
		s.at(p.at, func() {
			if s.now != p.at {
				t.Errorf("event %d of %d happens at %d", p.number, p.at, s.now)
			}
			got = append(got, p)
		})
	}
	slices.SortStableFunc(want, func(a, b planned) int { return int(a.at - b.at) })
	for do, ok := s.next(); ok; do, ok = s.next() {
		do()
	}
	if !slices.Equal(got, want) {
		t.Error("the events did not happen in their order")
	}
}

// What a life was going to do waits while it, or what it is part of, is paused, and never happens when it has ended.
func TestLifePausesAndEnds(t *testing.T) {
	var s schedule
	var happened []string
	machine := &life{}
	process := &life{within: machine}
	note := func(what string) func() { return func() { happened = append(happened, what) } }
	s.during(process, 10, note("late"))
	s.during(machine, 30, note("machine"))
	s.at(5, func() { process.pausedUntil = 20 })
	s.at(15, note("meanwhile"))
	s.at(25, func() { process.over = true })
	s.during(process, 28, note("never"))
	for do, ok := s.next(); ok; do, ok = s.next() {
		do()
	}
	if want := []string{"meanwhile", "late", "machine"}; !slices.Equal(happened, want) {
		t.Errorf("%v, want %v", happened, want)
	}
}
