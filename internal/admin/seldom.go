package admin

import (
	"sync"
	"time"
)

// seldom keeps a log short: one line in a minute, with how often it happened since the line before.
type seldom struct {
	mu     sync.Mutex // guards what follows
	next   time.Time  // before this there is no line
	passed int        // over, since the last line
}

// due counts one event, and returns how many there were since the last line if it is time for another one; else 0.
func (s *seldom) due(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed++
	if now.Before(s.next) {
		return 0
	}
	events := s.passed
	s.next, s.passed = now.Add(time.Minute), 0
	return events
}
