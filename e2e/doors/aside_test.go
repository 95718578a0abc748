package doors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestFunctionsOfIndexesStopNobody(t *testing.T) {
	// An ordinary role whose indexes call functions that fail, or never end, where its rows are applied stops no node: every row is everywhere and a
	// lost leader has a successor. What a unique index would have to guard is written there again when the function is mended.
	c := harness.StartCluster(t, devcluster.Options{})
	leader := c.AwaitLeader(t)
	harness.Run(t, c.Connect(t, leader), "CREATE ROLE mallory LOGIN", "CREATE SCHEMA evil AUTHORIZATION mallory")
	mallory := connectAs(t, c, leader, "mallory")
	const f = "CREATE OR REPLACE FUNCTION evil.%s(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN %s RETURN i; END$$"
	const here = "IF session_user = 'barista_nobody' THEN %s END IF;"
	harness.Run(t, mallory, fmt.Sprintf(f, "fails", fmt.Sprintf(here, "RAISE 'not here';")),
		fmt.Sprintf(f, "hangs", fmt.Sprintf(here, "LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN END; END LOOP;")),
		"CREATE TABLE evil.guarded (k int PRIMARY KEY, v int)", "CREATE UNIQUE INDEX guard ON evil.guarded (evil.fails(v))",
		"CREATE TABLE evil.free (k int PRIMARY KEY, v int)", "CREATE INDEX slow ON evil.free (evil.hangs(v))",
		"INSERT INTO evil.guarded VALUES (1, 1)", "INSERT INTO evil.free VALUES (1, 1)", "UPDATE evil.guarded SET v = 2",
		"CREATE TABLE evil.filled (k int PRIMARY KEY, v int)", "INSERT INTO evil.filled SELECT g, g FROM generate_series(1, 100) g",
		"CREATE INDEX late ON evil.filled (evil.fails(v))",
		"BEGIN", "CREATE TABLE evil.same (v int)", "CREATE INDEX at_once ON evil.same (evil.fails(v))", "INSERT INTO evil.same VALUES (1)", "COMMIT")
	c.VerifyAll(t)
	for _, k := range c.Others(leader) {
		if reason := reasonOf(t, c, k); !strings.Contains(reason, "index evil.guard of table evil.guarded") || !strings.Contains(reason, "not here") {
			t.Errorf("the status of n%d does not tell of the index: %q", k, reason)
		}
	}

	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	next := c.AwaitLeader(t)
	mallory = connectAs(t, c, next, "mallory")
	harness.Run(t, mallory, "INSERT INTO evil.free VALUES (2, 2)")
	var refused *pgconn.PgError
	if _, err := mallory.Exec(harness.Limited(t, harness.QueryLimit), "INSERT INTO evil.guarded VALUES (2, 3)"); !errors.As(err, &refused) || refused.Code != "55000" {
		t.Fatalf("a table that a set aside index should guard: %v", err)
	}
	harness.Run(t, mallory, fmt.Sprintf(f, "fails", ""))
	harness.Await(t, harness.ServeLimit, "the index to be built again", func(ctx context.Context) error {
		_, err := mallory.Exec(ctx, "INSERT INTO evil.guarded VALUES (2, 3)")
		return err
	})
	c.Restart(t, leader)
	c.VerifyAll(t)
}

// connectAs connects a role through a node.
func connectAs(t testing.TB, c *harness.Cluster, k int, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(harness.Limited(t, harness.QueryLimit), urlOf(c, k, role, "postgres"))
	if err != nil {
		t.Fatalf("connect as %s: %v", role, err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// reasonOf is what the operator is told of node k.
func reasonOf(t testing.TB, c *harness.Cluster, k int) string {
	t.Helper()
	for _, node := range c.StatusJSON(t, k) {
		if node["name"] == c.Node(k).Config.Name {
			detail, _ := node["detail"].(string)
			return detail
		}
	}
	return ""
}

func TestWriterOfOtherSettingsLocksNoTable(t *testing.T) {
	// A role that may only insert, under a DateStyle of its own, has no unique index over a function that follows DateStyle set aside: followers make the
	// entries that the leader made. After its death the table is written as before, and the index still guards it.
	c := harness.StartCluster(t, devcluster.Options{})
	leader := c.AwaitLeader(t)
	owner := c.Connect(t, leader)
	harness.Run(t, owner, "CREATE ROLE guest LOGIN", "CREATE SCHEMA shop", "GRANT USAGE ON SCHEMA shop TO guest",
		"CREATE FUNCTION shop.shown(v timestamp) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN v::text; END'",
		"CREATE FUNCTION shop.read(v text) RETURNS date LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN v::date; END'",
		"CREATE TABLE shop.sold (k int PRIMARY KEY, v timestamp, note text)", "CREATE UNIQUE INDEX once ON shop.sold (shop.shown(v))",
		"CREATE TABLE shop.days (k int PRIMARY KEY, v text)", "CREATE UNIQUE INDEX day ON shop.days (shop.read(v))",
		"GRANT INSERT ON shop.sold, shop.days TO guest", "INSERT INTO shop.sold VALUES (1, '2026-12-01 10:00')")
	harness.Run(t, connectAs(t, c, leader, "guest"), "SET DateStyle = 'German, DMY'", "INSERT INTO shop.sold VALUES (2, '2026-12-01 10:00')",
		"INSERT INTO shop.days VALUES (1, '31.12.2026')")
	c.VerifyAll(t)
	for _, k := range c.Others(leader) {
		if reason := reasonOf(t, c, k); strings.Contains(reason, "set aside") {
			t.Errorf("n%d: %s", k, reason)
		}
	}

	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	owner = c.Connect(t, c.AwaitLeader(t))
	harness.Run(t, owner, "INSERT INTO shop.sold VALUES (3, '2026-12-01 11:00')", "UPDATE shop.sold SET note = 'paid' WHERE k = 1", "DELETE FROM shop.sold WHERE k = 3",
		"INSERT INTO shop.days VALUES (2, '2026-12-30')")
	for _, style := range []string{"ISO, MDY", "German, DMY"} {
		harness.Run(t, owner, fmt.Sprintf("SET DateStyle = '%s'", style))
		_, err := owner.Exec(harness.Limited(t, harness.QueryLimit), "INSERT INTO shop.sold VALUES (4, '2026-12-01 10:00')")
		if harness.Code(err) != "23505" {
			t.Errorf("the same value under %s: %v", style, err)
		}
	}
	harness.Run(t, owner, "TRUNCATE shop.sold", "INSERT INTO shop.sold VALUES (4, '2026-12-01 10:00')")
}
