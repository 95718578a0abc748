package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/contender"
)

// A crew are writers that insert one row after the other and connect again whenever they are thrown out.
type crew struct {
	ledger *ledger
	all    sync.WaitGroup
	// acknowledged gets one for each acknowledged write. Writers do not wait for a reader: what does not fit is
	// left out, and the newest matter no more than the oldest.
	acknowledged chan write
}

// A write is one that was acknowledged.
type write struct{ began, ended time.Time }

// start puts writers to work at each of the addresses. They end with ctx; wait waits for it.
func (l *ledger) start(ctx context.Context, addresses []string, each int) *crew {
	c := &crew{ledger: l, acknowledged: make(chan write, 1024)}
	for _, address := range addresses {
		for range each {
			c.all.Go(func() { c.work(ctx, address) })
		}
	}
	return c
}

func (c *crew) wait() { c.all.Wait() }

// retryAfter is how long a writer waits after it was refused, so that it does not spin.
const retryAfter = 2 * time.Millisecond

func (c *crew) work(ctx context.Context, address string) {
	for ctx.Err() == nil {
		conn, err := contender.Connect(ctx, address)
		if err == nil {
			c.write(ctx, conn)
			// The connection may be broken already, which is why it is closed.
			_ = conn.Close(context.WithoutCancel(ctx))
		}
		if pause(ctx, retryAfter) != nil {
			return
		}
	}
}

// write inserts rows until the first that fails. One that is under way when ctx ends is waited for.
func (c *crew) write(ctx context.Context, conn *pgx.Conn) {
	for ctx.Err() == nil {
		began := time.Now()
		err := c.insert(ctx, conn)
		c.ledger.note(err)
		if err != nil {
			return
		}
		select {
		case c.acknowledged <- write{began, time.Now()}:
		default:
		}
	}
}

func (c *crew) insert(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failoverLimit)
	defer cancel()
	_, err := conn.Exec(ctx, "INSERT INTO ledger VALUES ($1)", c.ledger.last.Add(1))
	return err
}

// awaitFlow waits until a number of writes have been acknowledged.
func (c *crew) awaitFlow(ctx context.Context, writes int) error {
	limit := time.NewTimer(flowLimit)
	defer limit.Stop()
	for range writes {
		select {
		case <-c.acknowledged:
		case <-limit.C:
			return errors.New("the writers write nothing")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// awaitFirst waits for a write that began after the moment, and returns when it was acknowledged.
func (c *crew) awaitFirst(ctx context.Context, after time.Time) (time.Time, error) {
	limit := time.NewTimer(failoverLimit)
	defer limit.Stop()
	for {
		select {
		case w := <-c.acknowledged:
			if w.began.After(after) {
				return w.ended, nil
			}
		case <-limit.C:
			return time.Time{}, fmt.Errorf("no write was acknowledged for %v", failoverLimit)
		case <-ctx.Done():
			return time.Time{}, context.Cause(ctx)
		}
	}
}
