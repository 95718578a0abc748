package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
	"github.com/baristadb/barista/internal/journal"
)

func TestSequencesFollowTheirNames(t *testing.T) {
	// No value of a sequence comes again when names change hands, sequences are restarted, and nodes purge, die, fetch base backups and lead by turns.
	c := startCluster(t, devcluster.Options{Change: func(cfg *config.Config) { cfg.Retention = 1 << 20 }})
	t.Run("schemas swap their names", c.schemasSwap)
	t.Run("a swap, and the leader dies", c.swapBeforeDeath)
	t.Run("restarted in chunks", c.restartedInChunks)
	t.Run("databases swap above a floor", c.databasesSwapAboveAFloor)
	t.Run("restarted below a base backup", c.restartedBelowABackup)
	c.verifyAll(t)
}

// handOver makes node k lead.
func (c *cluster) handOver(t *testing.T, k int) {
	t.Helper()
	c.ready(t)
	if c.leader(t) == k {
		return
	}
	if status, _, errs := c.barista(t, "transfer", "--http", c.Node(k).Config.HTTP, "--to", c.Node(k).Config.Name); status != 0 {
		t.Fatalf("barista transfer: status %d: %s", status, errs)
	}
	if leader := c.leader(t); leader != k {
		t.Fatalf("n%d leads, not n%d", leader, k)
	}
}

// handOverAndBack makes another node lead, and then the first again.
func (c *cluster) handOverAndBack(t *testing.T) {
	t.Helper()
	leader := c.leader(t)
	c.handOver(t, c.others(leader)[0])
	c.handOver(t, leader)
}

const newSchemas = "DROP SCHEMA IF EXISTS live, next, old CASCADE; CREATE SCHEMA live; CREATE SCHEMA next"

const swap = "BEGIN; ALTER SCHEMA live RENAME TO old; ALTER SCHEMA next RENAME TO live; COMMIT"

func (c *cluster) schemasSwap(t *testing.T) {
	conn := c.connect(t, 1)
	run(t, conn, newSchemas,
		"CREATE TABLE live.t (k serial PRIMARY KEY, v int); CREATE TABLE next.t (k serial PRIMARY KEY, v int)",
		"INSERT INTO live.t (v) SELECT generate_series(1, 3)", "INSERT INTO next.t (v) SELECT generate_series(1, 50)", swap)
	c.handOverAndBack(t)
	run(t, c.connect(t, 1), "INSERT INTO live.t (v) VALUES (1)", "INSERT INTO old.t (v) VALUES (1)")
}

func (c *cluster) swapBeforeDeath(t *testing.T) {
	leader := c.leader(t)
	other := c.others(leader)[0]
	conn := c.connect(t, other)
	run(t, conn, newSchemas, "CREATE TABLE live.t (k serial, v int); CREATE TABLE next.t (k serial, v int)")
	run(t, conn, "INSERT INTO next.t (v) VALUES (1)", "BEGIN", "SELECT nextval('next.t_k_seq') FROM generate_series(1, 40)", "ROLLBACK")
	run(t, conn, "INSERT INTO live.t (v) SELECT generate_series(1, 100)") // of its namesake something newer is known
	run(t, conn, swap)
	told := one[int](t, conn, "INSERT INTO live.t (v) VALUES (1) RETURNING k")
	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	c.leader(t)
	conn = c.connect(t, other)
	if next := one[int](t, conn, "INSERT INTO live.t (v) VALUES (1) RETURNING k"); next <= told {
		t.Errorf("%d was told before the leader died, and %d after it", told, next)
	}
	c.restart(t, leader)
}

func (c *cluster) restartedInChunks(t *testing.T) {
	const load = "INSERT INTO big (v) SELECT repeat('x', 50) FROM generate_series(1, 100000)" // more than 4 MB
	conn := c.connect(t, 1)
	run(t, conn, "CREATE TABLE big (k serial PRIMARY KEY, v text)", "INSERT INTO big (v) VALUES ('first')",
		"BEGIN", "TRUNCATE big RESTART IDENTITY", load, "COMMIT")
	c.handOverAndBack(t)
	conn = c.connect(t, 1)
	run(t, conn, "INSERT INTO big (v) VALUES ('after')")
	run(t, conn, "BEGIN", "DROP TABLE big", "CREATE TABLE big (k serial PRIMARY KEY, v text)", load, "COMMIT")
	c.handOverAndBack(t)
	run(t, c.connect(t, 1), "INSERT INTO big (v) VALUES ('after')", "DROP TABLE big")
}

func (c *cluster) databasesSwapAboveAFloor(t *testing.T) {
	leader := c.leader(t)
	node := c.others(leader)[0]
	conn := c.connect(t, node)
	run(t, conn, "CREATE DATABASE app", "CREATE DATABASE app_new")
	told := c.drawIn(t, "app", 40)
	c.drawIn(t, "app_new", 1)
	run(t, conn, "CREATE TABLE counted (v int)")
	before := c.journalOf(t, node).Floor().Index
	for k := range 147 {
		run(t, conn, fmt.Sprint("INSERT INTO counted VALUES (", k, ")"))
	}
	run(t, conn, "ALTER DATABASE app RENAME TO app_old", "ALTER DATABASE app_new RENAME TO app")
	await(t, serveLimit, "a floor", func(context.Context) error {
		if floor := c.journalOf(t, node).Floor().Index; floor <= before {
			return fmt.Errorf("it is at %d", floor)
		}
		return nil
	})
	if err := c.Node(node).Kill9(); err != nil {
		t.Fatal(err)
	}
	c.restart(t, node)
	c.handOver(t, node)
	if next := c.drawIn(t, "app_old", 1); next <= told {
		t.Errorf("%d was told before the names changed, and %d after it", told, next)
	}
	run(t, c.connect(t, node), "DROP TABLE counted", "DROP DATABASE app", "DROP DATABASE app_old")
}

// drawIn draws some values of a database's sequence, which is made if need be, and returns the last.
func (c *cluster) drawIn(t *testing.T, database string, values int) (last int) {
	t.Helper()
	conn := connectTo(t, strings.Replace(c.url(1), "/postgres?", "/"+database+"?", 1))
	defer conn.Close(limited(t, queryLimit))
	run(t, conn, "CREATE SEQUENCE IF NOT EXISTS drawn")
	for range values {
		last = one[int](t, conn, "SELECT nextval('drawn')::int")
	}
	return last
}

// journalOf reads a copy of a node's journal, as a crash would leave it.
func (c *cluster) journalOf(t *testing.T, k int) *journal.Journal {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "journal")
	await(t, serveLimit, "a copy of the journal", func(context.Context) error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		return os.CopyFS(dir, os.DirFS(c.Node(k).Config.JournalDir())) // a segment may be deleted meanwhile
	})
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	return j
}

func (c *cluster) restartedBelowABackup(t *testing.T) {
	leader := c.leader(t)
	away := c.others(leader)[0]
	conn := c.connect(t, leader)
	run(t, conn, "CREATE TABLE keyed (k serial PRIMARY KEY, v int)", "CREATE TABLE heavy (v text)")
	if err := c.Node(away).Kill9(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		run(t, conn, "INSERT INTO heavy SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 500)")
	}
	missing := c.journalOf(t, away).ChosenTo()
	await(t, serveLimit, "floors above what the node has", func(context.Context) error {
		for _, k := range c.others(away) {
			if floor := c.journalOf(t, k).Floor().Index; floor <= missing {
				return fmt.Errorf("that of n%d is at %d, and the node has %d", k, floor, missing)
			}
		}
		return nil
	})
	run(t, conn, "INSERT INTO keyed (v) SELECT generate_series(1, 40)", "BEGIN", "ALTER SEQUENCE keyed_k_seq RESTART WITH 10000", "INSERT INTO keyed (v) VALUES (1)", "COMMIT")
	before := strings.Count(c.logOf(t, away), "the base backup is complete")
	c.restart(t, away)
	await(t, startLimit, "a base backup", func(context.Context) error {
		if strings.Count(c.logOf(t, away), "the base backup is complete") == before {
			return errors.New("none is complete")
		}
		return nil
	})
	c.handOver(t, away)
	if next := one[int](t, c.connect(t, away), "INSERT INTO keyed (v) VALUES (1) RETURNING k"); next <= 10000 {
		t.Errorf("it goes on with %d after 10000", next)
	}
	run(t, c.connect(t, away), "DROP TABLE keyed, heavy")
}

func (c *cluster) logOf(t *testing.T, k int) string {
	t.Helper()
	text, err := os.ReadFile(c.Node(k).Config.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
