package budget

import (
	"context"
	"testing"
)

func TestBudget(t *testing.T) {
	// What fits is taken at once, what does not waits until enough is given back, and one item alone may be of any size.
	b := New(10)
	take := func(n int) bool { _, ok := b.try(n); return ok }
	if !take(100) || take(1) {
		t.Error("an item of any size alone, and nothing beside it")
	}
	b.Give(100)
	if !take(4) || !take(6) || take(1) || b.Taken() != 10 {
		t.Errorf("%d of 10 bytes are taken", b.Taken())
	}
	waited := make(chan error, 1)
	go func() { waited <- b.Take(t.Context(), 5) }()
	b.Give(4)
	b.Give(6)
	if err := <-waited; err != nil || b.Taken() != 5 {
		t.Errorf("after the wait %d bytes are taken: %v", b.Taken(), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if b.Take(ended, 6) == nil {
		t.Error("taken although there is no room")
	}
}
