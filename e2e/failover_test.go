package e2e

import (
	"errors"
	"testing"

	"github.com/baristadb/barista/internal/devcluster"
)

func TestLeaderIsKilled(t *testing.T) {
	// Whatever of the leader is killed, writers go on through the others, each was told the truth, and the node comes back.
	c := startCluster(t, devcluster.Options{})
	run(t, c.connect(t, 1), ledgerTable)
	l := &ledger{}
	for _, scenario := range []struct {
		name string
		kill func(*devcluster.Node) error
	}{
		{"barista and postgres", func(n *devcluster.Node) error { return errors.Join(n.Kill9(), n.Kill9Postgres()) }},
		{"barista", (*devcluster.Node).Kill9},
		{"postgres", (*devcluster.Node).Kill9Postgres},
	} {
		passed := t.Run(scenario.name, func(t *testing.T) {
			leader := c.leader(t)
			survivors := c.others(leader)
			w := startWriters(t, l, urls(c, survivors))
			l.awaitMore(t, 100)
			if err := scenario.kill(c.Node(leader)); err != nil {
				t.Fatal(err)
			}
			first := l.awaitMore(t, 1)
			t.Logf("n%d was killed; the first write was acknowledged %v later", leader, first)
			l.awaitMore(t, 200)
			w.stopped()
			if err := c.WaitServing(limited(t, serveLimit), survivors...); err != nil && scenario.name != "postgres" {
				t.Fatal(err)
			}
			c.verify(t, survivors[0], survivors...)
			l.checkOn(t, c, survivors...)
			c.restart(t, leader)
			c.verifyAll(t)
			l.checkOn(t, c, c.all()...)
		})
		if !passed || testing.Short() {
			return
		}
	}
}

// urls are where clients reach the database through some nodes.
func urls(c *cluster, nodes []int) (urls []string) {
	for _, k := range nodes {
		urls = append(urls, c.url(k))
	}
	return urls
}
