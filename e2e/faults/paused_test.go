package faults

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
)

// leaderIsPaused shows that while the leader's barista stands still, for longer than anything waits for it (hold: 10 s, suspend: 5 s, lease: 1 s), its server
// serves no stale read and acknowledges no write; when it goes on, it follows.
func leaderIsPaused(t *testing.T, c *harness.Cluster, l *harness.Ledger) {
	const still = 12 * time.Second
	leader := c.AwaitLeader(t)
	survivors := c.Others(leader)
	harness.Run(t, c.Connect(t, leader), "CREATE TABLE clock (tick int); INSERT INTO clock VALUES (0)")
	reader, writer := c.Local(t, leader), c.Local(t, leader)
	asFrontDoor := c.LocalURL(leader) + " options='-c barista.session=leader'"
	session, late := harness.ConnectTo(t, asFrontDoor), harness.ConnectTo(t, asFrontDoor)
	harness.Run(t, reader, "SELECT tick FROM clock")
	harness.Run(t, session, "BEGIN", "SELECT 1")

	w := harness.StartWriters(t, l, harness.URLs(c, survivors))
	l.AwaitMore(t, 50)
	if err := c.Node(leader).Pause(); err != nil {
		t.Fatal(err)
	}
	paused := time.Now()
	told := make(chan error, 1)
	go func() { // bounded by its context
		ctx, cancel := context.WithTimeout(context.Background(), harness.ServeLimit)
		defer cancel()
		told <- l.Insert(ctx, writer, -1)
	}()
	t.Logf("the first write was acknowledged %v after the pause", l.AwaitMore(t, 1))
	harness.Run(t, c.Connect(t, survivors[0]), "UPDATE clock SET tick = 1")

	// Whoever asks the paused leader's own server waits while it stands still. A session as the front doors make them is never
	// told the old tick, not even when the gate has closed; one of the own socket then reads as on any follower.
	asks := []<-chan readAnswer{askTick(reader), askTick(session), askTick(late), askTickAnew(c.LocalURL(leader))}
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
	continued := time.Now()
	if err := c.Node(leader).Continue(); err != nil {
		t.Fatal(err)
	}
	for i, ask := range asks {
		answer := <-ask
		if answer.err != nil || answer.tick == 1 {
			continue // an error is the truth
		}
		ownSocket := i == 0 || i == 3
		if !ownSocket || answer.at.Before(continued) {
			t.Errorf("read %d was told the old tick %v after the pause, which took %v", i, answer.at.Sub(paused), continued.Sub(paused))
		}
	}
	l.AwaitMore(t, 50)
	w.Stopped()
	c.Ready(t)
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}

// A readAnswer is what a reader of the clock was told, and when.
type readAnswer struct {
	tick int
	err  error
	at   time.Time
}

// askTick asks for the tick and returns where the answer will come.
func askTick(conn *pgx.Conn) <-chan readAnswer {
	told := make(chan readAnswer, 1)
	go func() { // bounded by its context
		ctx, cancel := context.WithTimeout(context.Background(), harness.ServeLimit)
		defer cancel()
		var a readAnswer
		a.err = conn.QueryRow(ctx, "SELECT tick FROM clock").Scan(&a.tick)
		a.at = time.Now()
		told <- a
	}()
	return told
}

// askTickAnew is askTick through a connection of its own.
func askTickAnew(url string) <-chan readAnswer {
	told := make(chan readAnswer, 1)
	go func() { // bounded by its context
		ctx, cancel := context.WithTimeout(context.Background(), harness.ServeLimit)
		defer cancel()
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			told <- readAnswer{err: err}
			return
		}
		defer conn.Close(ctx)
		told <- <-askTick(conn)
	}()
	return told
}
