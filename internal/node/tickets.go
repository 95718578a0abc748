package node

import "sync"

// tickets brings the answers of the replicator back to those who asked.
type tickets[T any] struct {
	mu    sync.Mutex // guards the rest
	last  uint64
	waits map[uint64]chan T
}

func newTickets[T any]() *tickets[T] { return &tickets[T]{waits: make(map[uint64]chan T)} }

// draw returns a number for a question, and where its answer comes. Whoever stops waiting tears the ticket.
func (t *tickets[T]) draw() (uint64, <-chan T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	wait := make(chan T, 1)
	t.waits[t.last] = wait
	return t.last, wait
}

// answer passes an answer on, if somebody still waits for it.
func (t *tickets[T]) answer(ticket uint64, answer T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := t.waits[ticket]; wait != nil {
		wait <- answer
		delete(t.waits, ticket)
	}
}

// tear forgets a question.
func (t *tickets[T]) tear(ticket uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waits, ticket)
}
