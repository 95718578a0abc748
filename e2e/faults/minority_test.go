package faults

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestMinorityTellsTheTruth(t *testing.T) {
	// A leader without a majority refuses what it did not propose (40001), does not know what it did (08007), takes no new
	// connection (57P03), and nothing of what it refused ever appears.
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		cfg.Hold = 2 * time.Second
		cfg.Lease, cfg.ElectionMin, cfg.ElectionMax = 3*time.Second, 3*time.Second, 4*time.Second // time enough to send a commit
	}})
	leader := c.AwaitLeader(t)
	through := c.Connect(t, leader)
	harness.Run(t, through, harness.LedgerTable)

	const inFlight, held, idle = 1, 2, 3
	begin := func(id int) *pgx.Conn {
		conn := c.Connect(t, leader)
		harness.Run(t, conn, "BEGIN", fmt.Sprintf("INSERT INTO written VALUES (%d, 0)", id))
		return conn
	}
	proposed, late, asleep := begin(inFlight), begin(held), begin(idle)

	for _, k := range c.Others(leader) {
		if err := c.Node(k).Pause(); err != nil {
			t.Fatal(err)
		}
	}
	// The lease has not run out yet, so this one is proposed.
	toldInFlight := harness.ExecLater(t, proposed, "COMMIT")
	harness.Await(t, harness.ServeLimit, "the leader to be suspended", func(ctx context.Context) error {
		own, err := harness.OwnStatus(ctx, "http://"+c.Node(leader).Config.HTTP+"/status")
		if err == nil && own.Detail != "suspended" {
			err = fmt.Errorf("it is %s %s", own.Role, own.Detail)
		}
		return err
	})
	toldHeld := harness.ExecLater(t, late, "COMMIT")

	if got := harness.Code(<-toldHeld); got != "40001" {
		t.Errorf("a commit on the suspended leader was told %q, want 40001", got)
	}
	if got := harness.Code(<-toldInFlight); got != "08007" {
		t.Errorf("the commit in flight was told %q, want 08007", got)
	}
	if _, err := asleep.Exec(harness.Limited(t, harness.QueryLimit), "COMMIT"); err == nil {
		t.Error("a transaction that slept through the end of its epoch was committed")
	}
	began := time.Now()
	conn, err := pgx.Connect(harness.Limited(t, harness.QueryLimit), c.URL(leader))
	if err == nil {
		conn.Close(context.Background())
	}
	if got := harness.Code(err); got != "57P03" {
		t.Errorf("a new connection was told %q (%v), want 57P03", got, err)
	}
	if waited := time.Since(began); waited < 2*time.Second {
		t.Errorf("a new connection was held for %v only", waited)
	}

	for _, k := range c.Others(leader) {
		if err := c.Node(k).Continue(); err != nil {
			t.Fatal(err)
		}
	}
	c.Ready(t)
	harness.Run(t, c.Connect(t, c.Follower(t)), "INSERT INTO written VALUES (4, 0)")
	c.VerifyAll(t)
	for _, k := range c.All() {
		conn := c.Local(t, k)
		if n := harness.One[int](t, conn, "SELECT count(*) FROM written WHERE id IN (2, 3)"); n != 0 {
			t.Errorf("n%d: %d refused rows are there", k, n)
		}
		if n := harness.One[int](t, conn, "SELECT count(*) FROM written WHERE id = 1"); n > 1 {
			t.Errorf("n%d: the row of the unknown commit is there %d times", k, n)
		}
		if n := harness.One[int](t, conn, "SELECT count(*) FROM written WHERE id = 4"); n != 1 {
			t.Errorf("n%d: the acknowledged row is there %d times", k, n)
		}
	}
}
