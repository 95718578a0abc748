// Package lobby bounds the connections that have not proved yet who they are. A full lobby keeps nobody out for long: whoever has left
// the other side waiting for longest gives way, so that connections which say nothing cannot stand in the way of one that does. The
// package reads and writes nothing by itself, and does not know what a proof is.
package lobby

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Options say how many a Lobby holds.
type Options struct {
	// Limit is how many guests there are at once.
	Limit int
	// Each is how many of these may have the same origin; 0: Limit.
	Each int
	// Grace is for how long a guest of Wait may be silent before it has to give way: that long a busy machine may keep an honest one.
	Grace time.Duration
	// Crowded is called for each guest that gave way, outside of all locks. It may be nil.
	Crowded func()
}

// Lobby holds guests. Its methods may be called from any goroutine.
type Lobby struct {
	options Options

	mu      sync.Mutex // guards the rest, and the guests
	guests  []*Guest   // in the order in which they came
	from    map[string]int
	waiters []*waiter // in the order in which they came
	newest  bool      // it is the turn of the waiter that came last
	timer   *time.Timer
}

// Guest is one connection in a Lobby. A nil Guest is nobody: its methods do nothing.
type Guest struct {
	lobby   *Lobby
	origin  string
	giveWay func()
	silent  time.Time // since when it owes a word; zero: it owes none
	left    bool
}

// waiter is a connection that waits to become a guest.
type waiter struct {
	guest    *Guest
	admitted chan struct{} // closed when it is one
}

// New returns an empty Lobby.
func New(o Options) (*Lobby, error) {
	if o.Limit < 1 || o.Each < 0 || o.Grace < 0 {
		return nil, errors.New("lobby: a limit is missing or negative")
	}
	if o.Each == 0 {
		o.Each = o.Limit
	}
	return &Lobby{options: o, from: make(map[string]int)}, nil
}

// Enter makes a connection a guest at once. In a full lobby the guest that has been silent for longest gives way, or if nobody is silent the
// first that came. giveWay is called, at most once, when it is this one's turn to do so; it must not block.
func (l *Lobby) Enter(giveWay func()) *Guest {
	l.mu.Lock()
	g := &Guest{lobby: l, giveWay: giveWay}
	var loser *Guest
	if len(l.guests) >= l.options.Limit {
		loser = l.loser(func(*Guest) bool { return true })
		l.remove(loser)
	}
	l.add(g)
	l.mu.Unlock()
	l.sendAway(loser)
	return g
}

// Wait makes a connection a guest when there is room for one of its origin. Room is made by a guest that has been silent for longer than
// Grace, of the origin that has most of them: so one origin's silence costs the others nothing. Those that wait are let in by turns, the
// last that came and the first: under a flood the first alone would mean that everybody waits for all that came before. giveWay is as for Enter.
func (l *Lobby) Wait(ctx context.Context, origin string, giveWay func()) (*Guest, error) {
	w := &waiter{guest: &Guest{lobby: l, origin: origin, giveWay: giveWay}, admitted: make(chan struct{})}
	l.mu.Lock()
	l.waiters = append(l.waiters, w)
	l.settle()
	select {
	case <-w.admitted: // even if ctx has ended
		return w.guest, nil
	default:
	}
	select {
	case <-w.admitted:
		return w.guest, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.waiters = without(l.waiters, w)
	l.mu.Unlock()
	select {
	case <-w.admitted: // at the same moment
		w.guest.Leave()
	default:
	}
	return nil, context.Cause(ctx)
}

// Silent notes that the next word is the guest's. It counts from the first call since the last word.
func (g *Guest) Silent() { g.note(time.Now()) }

// Heard notes that the guest has said all that it owed.
func (g *Guest) Heard() { g.note(time.Time{}) }

func (g *Guest) note(silent time.Time) {
	if g == nil {
		return
	}
	g.lobby.mu.Lock()
	if silent.IsZero() || g.silent.IsZero() {
		g.silent = silent
	}
	g.lobby.settle()
}

// Leave ends the guest's stay, because it has proved who it is or is gone. After it the guest has not to give way any more. Only the first
// call counts.
func (g *Guest) Leave() {
	if g == nil {
		return
	}
	g.lobby.mu.Lock()
	g.lobby.remove(g)
	g.lobby.settle()
}

// add and remove keep the books. l.mu is held.
func (l *Lobby) add(g *Guest) {
	l.guests = append(l.guests, g)
	l.from[g.origin]++
}

func (l *Lobby) remove(g *Guest) {
	if g.left {
		return
	}
	g.left = true
	l.guests = without(l.guests, g)
	if l.from[g.origin]--; l.from[g.origin] == 0 {
		delete(l.from, g.origin)
	}
}

// without returns all without one, in the same room.
func without[T comparable](all []T, one T) []T {
	for i, other := range all {
		if other == one {
			return append(all[:i], all[i+1:]...)
		}
	}
	return all
}

// sendAway tells guests that were removed to give way. No lock is held.
func (l *Lobby) sendAway(losers ...*Guest) {
	for _, g := range losers {
		if g == nil {
			continue
		}
		if g.giveWay != nil {
			g.giveWay()
		}
		if l.options.Crowded != nil {
			l.options.Crowded()
		}
	}
}

// settle lets in whom there is room for. It is called with l.mu held and gives it back.
func (l *Lobby) settle() {
	var losers []*Guest
	now := time.Now()
	for {
		w, loser := l.next(now)
		if w == nil {
			break
		}
		if loser != nil {
			l.remove(loser)
			losers = append(losers, loser)
		}
		l.waiters = without(l.waiters, w)
		l.newest = !l.newest
		l.add(w.guest)
		close(w.admitted)
	}
	l.wake(now)
	l.mu.Unlock()
	l.sendAway(losers...)
}

// next returns who is to be let in, and who gives way for it, or nothing. l.mu is held.
func (l *Lobby) next(now time.Time) (best *waiter, loser *Guest) {
	full := map[string]bool{} // origins for which there is no room
	for i := range l.waiters {
		w := l.waiters[i]
		if l.newest {
			w = l.waiters[len(l.waiters)-1-i]
		}
		origin := w.guest.origin
		if full[origin] || best != nil && l.from[origin] >= l.from[best.guest.origin] {
			continue
		}
		g, room := l.room(origin, now)
		if room {
			best, loser = w, g
		}
		full[origin] = !room
	}
	return best, loser
}

// room reports whether one more of an origin can be let in, and who has to give way for it. l.mu is held.
func (l *Lobby) room(origin string, now time.Time) (loser *Guest, room bool) {
	own := l.from[origin]
	if own < l.options.Each && len(l.guests) < l.options.Limit {
		return nil, true
	}
	loser = l.loser(func(g *Guest) bool {
		if own >= l.options.Each && g.origin != origin {
			return false
		}
		return !g.silent.IsZero() && now.Sub(g.silent) >= l.options.Grace && l.from[g.origin] >= own
	})
	return loser, loser != nil
}

// loser returns the one of the guests in question that has to give way first: of the origin that has most, the silent before the others,
// the longest silent, the first that came. l.mu is held.
func (l *Lobby) loser(inQuestion func(*Guest) bool) (worst *Guest) {
	for _, g := range l.guests {
		if inQuestion(g) && (worst == nil || l.before(g, worst)) {
			worst = g
		}
	}
	return worst
}

func (l *Lobby) before(g, other *Guest) bool {
	switch n, m := l.from[g.origin], l.from[other.origin]; {
	case n != m:
		return n > m
	case g.silent.IsZero() || other.silent.IsZero():
		return !g.silent.IsZero() && other.silent.IsZero()
	default:
		return g.silent.Before(other.silent)
	}
}

// wake has settle called again when the next guest may have to give way. l.mu is held.
func (l *Lobby) wake(now time.Time) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if len(l.waiters) == 0 {
		return
	}
	wait := time.Duration(-1)
	for _, g := range l.guests {
		if g.silent.IsZero() {
			continue
		}
		if left := g.silent.Add(l.options.Grace).Sub(now); left > 0 && (wait < 0 || left < wait) {
			wait = left
		}
	}
	if wait < 0 {
		return
	}
	l.timer = time.AfterFunc(wait, func() { // ends at once; the next settle stops it
		l.mu.Lock()
		l.settle()
	})
}
