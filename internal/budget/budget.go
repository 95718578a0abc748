// Package budget bounds the bytes that are on their way between goroutines, where a count of items says little about memory. It queues
// nothing: who takes from a Budget holds the bytes, and who lets go of them gives back.
package budget

import (
	"context"
	"sync"
)

// Budget is a number of bytes that may be out at once. Its methods may be called from any goroutine; its zero value lets one item out at a
// time.
type Budget struct {
	limit int // one item alone may be larger

	mu    sync.Mutex // guards what follows
	used  int
	freed chan struct{} // closed when something is given back; nil: nobody waits
}

// New returns a Budget of limit bytes.
func New(limit int) *Budget { return &Budget{limit: limit} }

// Take waits until n bytes fit, or returns ctx's error when it ends first.
func (b *Budget) Take(ctx context.Context, n int) error {
	for {
		freed, ok := b.try(n)
		if ok {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try takes n bytes if they fit; else it returns what is closed when it is worth trying again.
func (b *Budget) try(n int) (freed <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == 0 || b.used+n <= b.limit {
		b.used += n
		return nil, true
	}
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	return b.freed, false
}

// Give gives n bytes back.
func (b *Budget) Give(n int) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// Taken returns how many bytes are out.
func (b *Budget) Taken() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
