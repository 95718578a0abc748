package sim

import "github.com/baristadb/barista/internal/paxos"

// A moment is a point of virtual time, in nanoseconds from the beginning of the world. No node can read it: each has a clock of its own.
type moment int64

const (
	microsecond paxos.Span = 1e3
	millisecond paxos.Span = 1e6
	second      paxos.Span = 1e9
)

// add returns the moment a span later.
func (m moment) add(s paxos.Span) moment { return m + moment(s) }

// A schedule holds what is going to happen. What is due at one moment happens in the order in which it was scheduled.
type schedule struct {
	now    moment
	serial uint64
	heap   []event // the earliest is at 0, and the children of k are at 2k+1 and 2k+2
}

type event struct {
	at     moment
	serial uint64
	do     func()
}

func (e event) before(f event) bool { return e.at < f.at || e.at == f.at && e.serial < f.serial }

// after schedules something a span from now.
func (s *schedule) after(d paxos.Span, do func()) { s.at(s.now.add(max(d, 0)), do) }

func (s *schedule) at(at moment, do func()) {
	s.serial++
	s.heap = append(s.heap, event{at, s.serial, do})
	for k := len(s.heap) - 1; k > 0; {
		parent := (k - 1) / 2
		if !s.heap[k].before(s.heap[parent]) {
			break
		}
		s.heap[k], s.heap[parent] = s.heap[parent], s.heap[k]
		k = parent
	}
}

// next moves time to the earliest event and takes it off; false if there is none.
func (s *schedule) next() (do func(), ok bool) {
	if len(s.heap) == 0 {
		return nil, false
	}
	first := s.heap[0]
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap[last] = event{}
	s.heap = s.heap[:last]
	for k := 0; ; {
		least := k
		for child := 2*k + 1; child <= 2*k+2 && child < last; child++ {
			if s.heap[child].before(s.heap[least]) {
				least = child
			}
		}
		if least == k {
			break
		}
		s.heap[k], s.heap[least] = s.heap[least], s.heap[k]
		k = least
	}
	s.now = first.at
	return first.do, true
}

// A life is something that can be paused and that ends: a machine's power, a process, a start of a server. What it was going to do is
// dropped when it has ended, and waits while it is paused. A part of another life shares its pauses and its end.
type life struct {
	within      *life // nil: none
	over        bool
	pausedUntil moment
}

func (l *life) ended() bool { return l.over || l.within != nil && l.within.ended() }

// resumes is when a paused life goes on; a moment that has passed if it is not paused.
func (l *life) resumes() moment {
	if l.within == nil {
		return l.pausedUntil
	}
	return max(l.pausedUntil, l.within.resumes())
}

// during schedules something that a life is going to do.
func (s *schedule) during(l *life, d paxos.Span, do func()) {
	s.after(d, func() { s.live(l, do) })
}

func (s *schedule) live(l *life, do func()) {
	switch resumes := l.resumes(); {
	case l.ended():
	case resumes > s.now:
		s.at(resumes, func() { s.live(l, do) })
	default:
		do()
	}
}
