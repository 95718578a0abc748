package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestLeaderIsPaused(t *testing.T) {
	// While the leader's barista stands still for 20 s, its server serves no stale read and acknowledges no write; when it goes
	// on, it follows.
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	const still = 20 * time.Second
	c := startCluster(t, devcluster.Options{})
	leader := c.leader(t)
	survivors := c.others(leader)
	run(t, c.connect(t, leader), ledgerTable, "CREATE TABLE clock (tick int); INSERT INTO clock VALUES (0)")
	l := &ledger{}
	reader, writer := c.local(t, leader), c.local(t, leader)
	run(t, reader, "SELECT tick FROM clock")

	w := startWriters(t, l, urls(c, survivors))
	l.awaitMore(t, 50)
	if err := c.Node(leader).Pause(); err != nil {
		t.Fatal(err)
	}
	paused := time.Now()
	told := make(chan error, 1)
	go func() { // bounded by its context
		ctx, cancel := context.WithTimeout(context.Background(), serveLimit)
		defer cancel()
		told <- l.insert(ctx, writer, -1)
	}()
	t.Logf("the first write was acknowledged %v after the pause", l.awaitMore(t, 1))
	run(t, c.connect(t, survivors[0]), "UPDATE clock SET tick = 1")

	// Whoever asks the paused leader's own server waits, or is told an error; never the old tick.
	stale := make(chan error, 1)
	go func() { // bounded by its context
		ctx, cancel := context.WithTimeout(context.Background(), serveLimit)
		defer cancel()
		stale <- readTick(ctx, reader)
	}()
	fresh := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), serveLimit)
		defer cancel()
		conn, err := pgx.Connect(ctx, c.localURL(leader))
		if err != nil {
			fresh <- nil // nothing was served
			return
		}
		defer conn.Close(ctx)
		fresh <- readTick(ctx, conn)
	}()
	timer := time.NewTimer(time.Until(paused.Add(still)))
	defer timer.Stop()
	select {
	case err := <-told:
		if err == nil {
			t.Error("the paused leader acknowledged a write")
		}
		<-timer.C
	case <-timer.C:
	}
	if err := c.Node(leader).Continue(); err != nil {
		t.Fatal(err)
	}
	for _, read := range []<-chan error{stale, fresh} {
		if err := <-read; err != nil {
			t.Error(err)
		}
	}
	l.awaitMore(t, 50)
	w.stopped()
	c.ready(t)
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
}

// readTick returns an error if the server serves the tick as it was before the pause.
func readTick(ctx context.Context, conn *pgx.Conn) error {
	var tick int
	if err := conn.QueryRow(ctx, "SELECT tick FROM clock").Scan(&tick); err != nil {
		return nil // an error is the truth
	}
	if tick == 0 {
		return fmt.Errorf("the paused leader's server served a stale read")
	}
	return nil
}
