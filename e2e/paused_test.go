package e2e

import (
	"context"
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
	asFrontDoor := c.localURL(leader) + " options='-c barista.session=leader'"
	session, late := connectTo(t, asFrontDoor), connectTo(t, asFrontDoor)
	run(t, reader, "SELECT tick FROM clock")
	run(t, session, "BEGIN", "SELECT 1")

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

	// Whoever asks the paused leader's own server waits while it stands still. A session as the front doors make them is never
	// told the old tick, not even when the gate has closed; one of the own socket then reads as on any follower.
	asks := []<-chan readAnswer{askTick(reader), askTick(session), askTick(late), askTickAnew(c.localURL(leader))}
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
	l.awaitMore(t, 50)
	w.stopped()
	c.ready(t)
	c.verifyAll(t)
	l.checkOn(t, c, c.all()...)
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
		ctx, cancel := context.WithTimeout(context.Background(), serveLimit)
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
		ctx, cancel := context.WithTimeout(context.Background(), serveLimit)
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
