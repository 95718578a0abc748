package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// Progress is how far a node has come in the order. It grows while the node
// applies a large transaction, but not while it tries again what has failed.
type Progress struct {
	Position changeset.Position `json:"position"` // applied
	Parts    uint64             `json:"parts"`    // of what comes next, that the server has taken
}

func (p Progress) compare(other Progress) int {
	return cmp.Or(cmp.Compare(p.Position, other.Position), cmp.Compare(p.Parts, other.Parts))
}

// asksInPatience is how often a node is asked for its progress while patience
// lasts.
const asksInPatience = 10

var errLate = errors.New("it did not come nearer to the mark, or did not answer")

// open waits until the node has reached the mark, as long as it comes nearer to
// it: the error is errLate if it has not for patience.
func (p *peer) open(ctx context.Context, mark changeset.MarkID, patience time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { p.watch(ctx, patience, cancel) }) // until cancel
	err := p.ask(ctx, pathOpen, openRequest{Mark: mark}, &p.opened)
	late := errors.Is(context.Cause(ctx), errLate)
	cancel(nil)
	watching.Wait()
	if err != nil && late {
		return fmt.Errorf("%w, for %v", errLate, patience)
	}
	return err
}

// watch gives up when the node has made no progress for patience, or does not
// tell of any.
func (p *peer) watch(ctx context.Context, patience time.Duration, giveUp context.CancelCauseFunc) {
	giveUpLater := time.AfterFunc(patience, func() { giveUp(errLate) })
	defer giveUpLater.Stop()
	asks := time.NewTicker(patience / asksInPatience)
	defer asks.Stop()
	var reached Progress
	for {
		select {
		case <-ctx.Done():
			return
		case <-asks.C:
		}
		var answer aliveAnswer
		if err := p.ask(ctx, pathAlive, aliveRequest{}, &answer); err == nil && answer.Progress.compare(reached) > 0 {
			reached = answer.Progress
			giveUpLater.Reset(patience)
		}
	}
}

// keep tells the node, until ctx is done, that its session is needed: it may have
// to wait long for the others.
func (p *peer) keep(ctx context.Context) {
	tells := time.NewTicker(SessionTime / 6)
	defer tells.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tells.C:
		}
		limited, cancel := context.WithTimeout(ctx, SessionTime/6)
		// A node that has no session any more says so when it is asked to compare.
		_ = p.ask(limited, pathAlive, aliveRequest{Session: p.opened.Session}, &aliveAnswer{})
		cancel()
	}
}
