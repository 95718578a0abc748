package recovery

import (
	"errors"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestAllNodesAreKilledAtOnce(t *testing.T) {
	// When all nodes are killed at once under load and started again, they elect a leader, go on, and have lost nothing.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	w := harness.StartWriters(t, l, harness.URLs(c, c.All()))
	l.AwaitMore(t, 100)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx := harness.Limited(t, harness.StartLimit)
	if err := errors.Join(c.Start(ctx), c.WaitReady(ctx)); err != nil {
		t.Fatal(err)
	}
	l.AwaitMore(t, 100)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}
