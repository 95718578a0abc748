package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/contender"
)

// smallEvery is the pause of the small client between two commits.
const smallEvery = 2 * time.Millisecond

// small is a client that commits one row after the other, through the leader's node.
type small struct {
	cancel  context.CancelFunc
	done    sync.WaitGroup
	turn    chan struct{} // holds a token while it may commit
	commits []write       // its goroutine's until stop has returned
	err     error         // likewise
}

func startSmall(ctx context.Context, b *contender.Barista) (*small, error) {
	address, err := b.Doors()[0].Address(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := contender.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS small (k serial PRIMARY KEY)"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &small{cancel: cancel, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	s.done.Go(func() { // ends with ctx, which stop ends; stop waits for it
		s.work(ctx, conn)
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing is lost with it
	})
	return s, nil
}

func (s *small) work(ctx context.Context, conn *pgx.Conn) {
	for pause(ctx, smallEvery) == nil {
		select {
		case <-s.turn:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		_, err := conn.Exec(context.WithoutCancel(ctx), "INSERT INTO small DEFAULT VALUES")
		s.commits = append(s.commits, write{began, time.Now()})
		s.turn <- struct{}{}
		if err != nil {
			s.err = err
			return
		}
	}
}

// pauseAnd lets the client commit for a moment longer, and then does something while it does not: copies become level only when nothing new
// is committed.
func (s *small) pauseAnd(ctx context.Context, do func(context.Context) error) error {
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { s.turn <- struct{}{} }()
	return do(ctx)
}

// stop ends the client and returns its commits, in order.
func (s *small) stop() []write {
	s.cancel()
	s.done.Wait()
	return s.commits
}

// longest returns the longest commit of those that were under way between two moments.
func longest(commits []write, from, to time.Time) (d time.Duration) {
	for _, c := range commits {
		if c.ended.After(from) && c.began.Before(to) {
			d = max(d, c.ended.Sub(c.began))
		}
	}
	return d
}

// usual returns the median of the commits.
func usual(commits []write) time.Duration {
	var all []time.Duration
	for _, c := range commits {
		all = append(all, c.ended.Sub(c.began))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
