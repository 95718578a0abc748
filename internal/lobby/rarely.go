package lobby

import (
	"sync"
	"time"
)

// Rarely lets one line a minute into a log for what may happen a thousand times a second. The zero value is ready.
type Rarely struct {
	mu   sync.Mutex // guards the rest
	busy bool       // a line was said less than a minute ago
	held int        // calls since then
	last func(n int)
}

const rarely = time.Minute

// Say calls say with 1, at once; or if another call did so less than a minute ago, say of the last call is called when that minute is over,
// with the number of calls in it. say must not call Say.
func (r *Rarely) Say(say func(n int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		r.held, r.last = r.held+1, say
		return
	}
	r.busy = true
	say(1)
	time.AfterFunc(rarely, r.sum) // ends at once; a process that stops does not wait for it
}

// sum says what was held back, if there is anything.
func (r *Rarely) sum() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == 0 {
		r.busy = false
		return
	}
	r.last(r.held)
	r.held, r.last = 0, nil
	time.AfterFunc(rarely, r.sum) // as above
}
