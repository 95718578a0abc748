package admin

import (
	"fmt"
	"sync"
	"time"
)

// When a trouble lasts, and when it is over. One failure passes by itself: a lock conflict, a restart, a peer that is busy.
const (
	lastingTries = 3                // failures in a row, and
	lastingTime  = 10 * time.Second // so long since the first of them: then the node needs help
	calmTime     = time.Minute      // that a lasting trouble stays away before it is over
)

// Trouble is what keeps a node from doing its part, as others are told.
type Trouble struct {
	Reason  Reason // empty: there is none
	Detail  string // a sentence with what the last failure said: for the operator
	Lasting bool   // it will not pass by itself, as far as one can tell
}

// Troubles remembers what fails in a node. A single failure is told and no reason for an alarm; a lasting trouble is one until it has stayed
// away for a while, so that a node which fails again and again is not called well between two tries. The zero value is a node without any.
type Troubles struct {
	mu     sync.Mutex // guards ailing
	ailing map[Reason]*ailment
}

// ailment is one thing that has failed.
type ailment struct {
	tries   int
	since   time.Time // the first failure
	why     string    // of the last
	well    time.Time // since when it has not failed; zero: it fails
	lasting bool
}

// troubles are the reasons that may be told of at once, the one that explains the others first.
var troubles = []Reason{NoRoom, ServerFails, NoBackup, ApplyFails}

// Failed says that something failed once more.
func (t *Troubles) Failed(what Reason, why string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass(now)
	a := t.ailing[what]
	if a == nil {
		if t.ailing == nil {
			t.ailing = make(map[Reason]*ailment)
		}
		a = &ailment{since: now}
		t.ailing[what] = a
	}
	a.tries++
	a.why, a.well = why, time.Time{}
	a.lasting = a.lasting || a.tries >= lastingTries && now.Sub(a.since) >= lastingTime
}

// Well says that it did not fail.
func (t *Troubles) Well(what Reason, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.ailing[what]
	switch {
	case a == nil:
	case !a.lasting:
		delete(t.ailing, what)
	case a.well.IsZero():
		a.well = now
	}
}

// pass forgets what is over. t.mu is held.
func (t *Troubles) pass(now time.Time) {
	for what, a := range t.ailing {
		if !a.well.IsZero() && now.Sub(a.well) >= calmTime {
			delete(t.ailing, what)
		}
	}
}

// Tell returns the trouble that explains most: a lasting one before others.
func (t *Troubles) Tell(now time.Time) (told Trouble) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass(now)
	for _, what := range troubles {
		if a := t.ailing[what]; a != nil && (told.Reason == "" || a.lasting && !told.Lasting) {
			told = Trouble{Reason: what, Detail: a.tell(what, now), Lasting: a.lasting}
		}
	}
	return told
}

// Lasting reports whether one trouble lasts.
func (t *Troubles) Lasting(what Reason, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass(now)
	a := t.ailing[what]
	return a != nil && a.lasting
}

func (a *ailment) tell(what Reason, now time.Time) string {
	tries := "once"
	if a.tries > 1 {
		tries = fmt.Sprintf("%d times in %v", a.tries, now.Sub(a.since).Round(time.Second))
	}
	text := fmt.Sprintf("%s (%s): %s", what, tries, a.why)
	if !a.well.IsZero() {
		text += fmt.Sprintf("; not again for %v", now.Sub(a.well).Round(time.Second))
	}
	return text
}
