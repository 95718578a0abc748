package lobby

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// hall is a lobby under test, with the names of those that had to give way.
type hall struct {
	*Lobby
	t    *testing.T
	gone []string
}

func newHall(t *testing.T, o Options) *hall {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &hall{Lobby: l, t: t}
}

func (h *hall) enter(name string) *Guest {
	return h.Enter(func() { h.gone = append(h.gone, name) })
}

// wait returns the guest, or nil if it had to wait for longer than limit.
func (h *hall) wait(limit time.Duration, origin, name string) *Guest {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), limit)
	defer cancel()
	g, err := h.Wait(ctx, origin, func() { h.gone = append(h.gone, name) })
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		h.t.Fatal(err)
	}
	return g
}

func (h *hall) expectGone(names ...string) {
	h.t.Helper()
	synctest.Wait()
	if !slices.Equal(h.gone, names) {
		h.t.Errorf("%q gave way, want %q", h.gone, names)
	}
}

// In a full lobby the longest silent gives way, then the first that came; who has left does not.
func TestEnter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowded := 0
		h := newHall(t, Options{Limit: 4, Crowded: func() { crowded++ }})
		a, b, c := h.enter("a"), h.enter("b"), h.enter("c")
		h.enter("d")
		for _, g := range []*Guest{c, b, a} {
			g.Silent()
			<-time.After(time.Second)
		}
		b.Heard()
		c.Silent() // it was silent before
		h.enter("e")
		h.expectGone("c")
		a.Leave()
		a.Leave()
		h.enter("f")
		h.expectGone("c")
		h.enter("g")
		h.expectGone("c", "b")
		c.Silent() // nobody minds one that has left
		h.enter("h")
		h.expectGone("c", "b", "d")
		if crowded != 3 {
			t.Errorf("%d gave way, and %d were told of", len(h.gone), crowded)
		}
	})
}

// Who waits is let in when somebody leaves, or has been silent for the time of grace; not before, and never for one that is not silent.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Options{Limit: 1, Grace: time.Second})
		a := h.wait(0, "", "a")
		if h.wait(time.Hour, "", "b") != nil {
			t.Fatal("let in while another was being served")
		}
		a.Silent()
		if h.wait(900*time.Millisecond, "", "c") != nil {
			t.Fatal("let in before the time of grace")
		}
		d := h.wait(100*time.Millisecond+1, "", "d")
		h.expectGone("a")
		time.AfterFunc(time.Minute, d.Leave)
		if h.wait(time.Minute+1, "", "e") == nil {
			t.Fatal("not let in though the only guest had left")
		}
		h.expectGone("a")
		if len(h.waiters) != 0 || len(h.guests) != 1 || len(h.from) != 1 {
			t.Errorf("left behind: %d, %d, %v", len(h.waiters), len(h.guests), h.from)
		}
	})
}

// However many silent ones wait, one that comes last is let in with the second place that is free, and the first that came with the first or
// the second.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Options{Limit: 1, Grace: time.Second})
		h.wait(0, "", "first").Silent()
		let := make(chan int, 100)
		for k := range 100 {
			go func() { // ends when it was let in, which all are
				g, err := h.Wait(context.Background(), "", nil)
				if err != nil {
					t.Error(err)
				}
				let <- k
				g.Silent()
			}()
			synctest.Wait()
		}
		order := make([]int, 0, 100)
		for range 100 {
			order = append(order, <-let)
		}
		if first := order[:2]; !slices.Contains(first, 0) || !slices.Contains(first, 99) {
			t.Errorf("let in first: %v", first)
		}
		if !slices.Contains(order[:20], 95) || !slices.Contains(order[:20], 4) {
			t.Errorf("let in first: %v", order[:20])
		}
	})
}

// The silent ones of one origin cannot keep out another: neither those that are in, nor those that wait.
func TestOrigins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Options{Limit: 6, Each: 3, Grace: time.Second})
		flood := func(origin string) {
			for range 50 {
				go func() { // ends with the test
					if g, err := h.Wait(t.Context(), origin, nil); err == nil {
						g.Silent()
					}
				}()
			}
			synctest.Wait()
		}
		flood("a")
		if h.from["a"] != 3 {
			t.Errorf("%d of one origin are in", h.from["a"])
		}
		if h.wait(0, "b", "b") == nil {
			t.Error("there was room for another origin")
		}
		flood("c") // all places are taken, and two origins have more than the third
		if b := h.wait(time.Second+1, "b", "b2"); b == nil {
			t.Error("the silence of others was not ended")
		}
		h.expectGone()
	})
}

// Nobody at all may be told anything.
func TestNobody(t *testing.T) {
	var g *Guest
	g.Silent()
	g.Heard()
	g.Leave()
}

// A limit of zero is a mistake, not no limit.
func TestNoLimit(t *testing.T) {
	for _, o := range []Options{{}, {Limit: -1}, {Limit: 1, Each: -1}, {Limit: 1, Grace: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// What happens often is said once, and then once a minute with its number, until it has stopped for a minute.
func TestRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rarely
		var said []int
		happen := func(times int) {
			for range times {
				r.Say(func(n int) { said = append(said, n) })
			}
			<-time.After(rarely + time.Second)
			synctest.Wait()
		}
		happen(1000)
		happen(0)
		happen(0)
		happen(2)
		happen(0)
		if want := []int{1, 999, 1, 1}; !slices.Equal(said, want) {
			t.Errorf("said %v, want %v", said, want)
		}
	})
}
