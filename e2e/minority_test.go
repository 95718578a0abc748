package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestMinorityTellsTheTruth(t *testing.T) {
	// A leader without a majority refuses what it did not propose (40001), does not know what it did (08007), takes no new
	// connection (57P03), and nothing of what it refused ever appears.
	c := startCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		cfg.Hold = 2 * time.Second
		cfg.Lease, cfg.ElectionMin, cfg.ElectionMax = 3*time.Second, 3*time.Second, 4*time.Second // time enough to send a commit
	}})
	leader := c.leader(t)
	through := c.connect(t, leader)
	run(t, through, ledgerTable)

	const inFlight, held, idle = 1, 2, 3
	begin := func(id int) *pgx.Conn {
		conn := c.connect(t, leader)
		run(t, conn, "BEGIN", fmt.Sprintf("INSERT INTO written VALUES (%d, 0)", id))
		return conn
	}
	proposed, late, asleep := begin(inFlight), begin(held), begin(idle)

	for _, k := range c.others(leader) {
		if err := c.Node(k).Pause(); err != nil {
			t.Fatal(err)
		}
	}
	// The lease has not run out yet, so this one is proposed.
	toldInFlight := execLater(t, proposed, "COMMIT")
	await(t, serveLimit, "the leader to be suspended", func(ctx context.Context) error {
		own, err := ownStatus(ctx, "http://"+c.Node(leader).Config.HTTP+"/status")
		if err == nil && own.Detail != "suspended" {
			err = fmt.Errorf("it is %s %s", own.Role, own.Detail)
		}
		return err
	})
	toldHeld := execLater(t, late, "COMMIT")

	if got := code(<-toldHeld); got != "40001" {
		t.Errorf("a commit on the suspended leader was told %q, want 40001", got)
	}
	if got := code(<-toldInFlight); got != "08007" {
		t.Errorf("the commit in flight was told %q, want 08007", got)
	}
	if _, err := asleep.Exec(limited(t, queryLimit), "COMMIT"); err == nil {
		t.Error("a transaction that slept through the end of its epoch was committed")
	}
	began := time.Now()
	conn, err := pgx.Connect(limited(t, queryLimit), c.url(leader))
	if err == nil {
		conn.Close(context.Background())
	}
	if got := code(err); got != "57P03" {
		t.Errorf("a new connection was told %q (%v), want 57P03", got, err)
	}
	if waited := time.Since(began); waited < 2*time.Second {
		t.Errorf("a new connection was held for %v only", waited)
	}

	for _, k := range c.others(leader) {
		if err := c.Node(k).Continue(); err != nil {
			t.Fatal(err)
		}
	}
	c.ready(t)
	run(t, c.connect(t, c.follower(t)), "INSERT INTO written VALUES (4, 0)")
	c.verifyAll(t)
	for _, k := range c.all() {
		conn := c.local(t, k)
		if n := one[int](t, conn, "SELECT count(*) FROM written WHERE id IN (2, 3)"); n != 0 {
			t.Errorf("n%d: %d refused rows are there", k, n)
		}
		if n := one[int](t, conn, "SELECT count(*) FROM written WHERE id = 1"); n > 1 {
			t.Errorf("n%d: the row of the unknown commit is there %d times", k, n)
		}
		if n := one[int](t, conn, "SELECT count(*) FROM written WHERE id = 4"); n != 1 {
			t.Errorf("n%d: the acknowledged row is there %d times", k, n)
		}
	}
}
