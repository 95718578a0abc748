package faults

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

// faults may be raised to search for longer.
var faults = flag.Int("faults", 6, "rounds of faults at random")

func TestFaultsAtRandom(t *testing.T) {
	// Whatever happens to one node after the other, under writers on all nodes: acknowledged rows stay, counters that all
	// writers fight for lose no update, and the nodes end identical.
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable, "CREATE TABLE counters (k int PRIMARY KEY, n bigint NOT NULL)",
		"INSERT INTO counters SELECT g, 0 FROM generate_series(0, 3) g")
	l, counted := &harness.Ledger{}, &counter{}
	w := harness.StartWriters(t, l, harness.URLs(c, c.All()))
	stop := counted.start(t, harness.URLs(c, c.All()))
	for round := range *faults {
		victim := 1 + random.IntN(len(c.Nodes()))
		node, leader := c.Node(victim), c.AwaitLeader(t)
		var repair func() error
		var fault string
		switch random.IntN(6) {
		case 0:
			fault, repair = "barista killed", node.Start
			if err := node.Kill9(); err != nil {
				t.Fatal(err)
			}
		case 1:
			fault, repair = "postgres killed", func() error { return nil }
			if err := node.Kill9Postgres(); err != nil {
				t.Fatal(err)
			}
		case 2:
			fault, repair = "barista paused", node.Continue
			if err := node.Pause(); err != nil {
				t.Fatal(err)
			}
		case 3:
			fault, repair = "barista and postgres killed", node.Start
			if err := errors.Join(node.Kill9Postgres(), node.Kill9()); err != nil {
				t.Fatal(err)
			}
		case 4:
			fault, repair = "wiped", node.Start
			if err := node.Kill9(); err != nil {
				t.Fatal(err)
			}
			harness.Wipe(t, node.Config.Dir)
		case 5:
			fault, repair = "stopped in order", node.Start
			if err := node.Stop(harness.Limited(t, harness.ServeLimit)); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("round %d: n%d: %s (n%d led)", round, victim, fault, leader)
		l.AwaitMore(t, 50+random.IntN(500))
		if err := repair(); err != nil {
			t.Fatal(err)
		}
		c.Ready(t)
	}
	w.Stopped()
	stop()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
	sure, perhaps := counted.sure.Load(), counted.perhaps.Load()
	if n := harness.One[int64](t, c.Local(t, 1), "SELECT sum(n)::bigint FROM counters"); n < sure || n > sure+perhaps {
		t.Errorf("the counters show %d; %d increments were acknowledged and %d are unknown", n, sure, perhaps)
	}
	t.Logf("%d increments acknowledged, %d unknown", sure, perhaps)
}

// counter counts the increments of a few counters that many clients fight for.
type counter struct{ sure, perhaps atomic.Int64 }

// start starts clients on the nodes with the given URLs; the returned function ends them.
func (n *counter) start(t testing.TB, urls []string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	for k := range 2 * len(urls) {
		tasks.Go(func() { n.increment(ctx, k, urls) }) // ended by stop, which waits
	}
	stop = func() { cancel(); tasks.Wait() }
	t.Cleanup(stop)
	return stop
}

func (n *counter) increment(ctx context.Context, client int, urls []string) {
	for ctx.Err() == nil {
		conn, err := harness.ConnectAnew(ctx, urls[client%len(urls)])
		if err != nil {
			harness.Pause(ctx, 50*time.Millisecond)
			continue
		}
		for k := 0; err == nil && ctx.Err() == nil; k++ {
			err = n.incrementOnce(conn, k%4)
		}
		conn.Close(context.Background())
	}
}

// incrementOnce reads a counter and writes one more: only the row lock keeps another from doing so meanwhile.
func (n *counter) incrementOnce(conn *pgx.Conn, k int) error {
	ctx, cancel := context.WithTimeout(context.Background(), harness.ServeLimit)
	defer cancel()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	var value int64
	err = tx.QueryRow(ctx, "SELECT n FROM counters WHERE k = $1 FOR UPDATE", k).Scan(&value)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE counters SET n = $2 WHERE k = $1", k, value+1)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	err = tx.Commit(ctx)
	switch (&harness.Ledger{}).FateOf(err) {
	case harness.Acknowledged:
		n.sure.Add(1)
	case harness.Unknown:
		n.perhaps.Add(1)
	}
	return err
}
