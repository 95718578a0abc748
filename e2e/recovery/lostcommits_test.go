package recovery

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestCommitsThatPostgresLost(t *testing.T) {
	// A server that is killed before it has flushed forgets acknowledged commits; the log gives them back, each once, on a
	// follower and on a former leader. When all nodes are killed at once under load and started again, they elect a leader, go on, and have lost nothing.
	c := harness.StartCluster(t, devcluster.Options{Settings: map[string]string{
		"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB", "wal_buffers": "16MB",
	}})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	for _, scenario := range []struct {
		name   string
		victim func() int
	}{
		{"follower", func() int { return c.Follower(t) }},
		{"leader", func() int { return c.AwaitLeader(t) }},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			const attempts = 5 // a flush may come between the last commit and the kill
			for range attempts {
				if loses(t, c, l, scenario.victim()) {
					return
				}
			}
			t.Errorf("in %d attempts no server lost a commit: nothing was shown", attempts)
		})
	}
	t.Run("all nodes", func(t *testing.T) {
		w := harness.StartWriters(t, l, harness.URLs(c, c.All()))
		l.AwaitMore(t, 100)
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(harness.Limited(t, harness.StartLimit)); err != nil {
			t.Fatal(err)
		}
		c.Ready(t)
		l.AwaitMore(t, 100)
		w.Stopped()
		c.VerifyAll(t)
		l.CheckOn(t, c, c.All()...)
	})
}

// loses kills node k's server after some commits, waits until all serve again, checks them, and reports whether the server
// had lost commits.
func loses(t *testing.T, c *harness.Cluster, l *harness.Ledger, k int) bool {
	t.Helper()
	w := harness.StartWriters(t, l, harness.URLs(c, c.Others(k)))
	l.AwaitMore(t, 100)
	w.Stopped()
	starts := len(startsOf(t, c, k))
	before := appliedBy(t, c, k)
	if err := c.Node(k).Kill9Postgres(); err != nil {
		t.Fatal(err)
	}
	var after uint64
	harness.Await(t, harness.StartLimit, "the server to run again", func(context.Context) error {
		all := startsOf(t, c, k)
		if len(all) == starts {
			return errors.New("it has not been started")
		}
		after = all[len(all)-1]
		return nil
	})
	c.Ready(t)
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
	t.Logf("n%d had applied up to index %d, and after the kill %d", k, before, after)
	return after < before
}

var startLine = regexp.MustCompile(`the server runs.*applied=(\d+)\.\d+`)

// startsOf returns the index up to which node k's server had applied at each of its starts.
func startsOf(t testing.TB, c *harness.Cluster, k int) (indexes []uint64) {
	t.Helper()
	for _, match := range startLine.FindAllStringSubmatch(harness.ReadFile(t, c.Node(k).Config.LogFile()), -1) {
		indexes = append(indexes, parseIndex(t, match[1]))
	}
	return indexes
}

// appliedBy returns the index up to which node k's server has applied, as barista status says.
func appliedBy(t testing.TB, c *harness.Cluster, k int) uint64 {
	t.Helper()
	for _, n := range c.StatusJSON(t, k) {
		if n["name"] == c.Node(k).Config.Name {
			index, _, _ := strings.Cut(fmt.Sprint(n["applied"]), ".")
			return parseIndex(t, index)
		}
	}
	t.Fatalf("n%d does not tell of itself", k)
	return 0
}

func parseIndex(t testing.TB, text string) uint64 {
	t.Helper()
	index, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return index
}
