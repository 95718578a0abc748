package clients

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/e2e/harness"
)

// held is how many unlogged rows there are, and what a permanent table holds.
const held = "SELECT (SELECT count(*) FROM passing) || ' and ' || (SELECT string_agg(k::text, ' ') FROM lasting)"

// unloggedTables shows that a session that makes something unlogged is warned once, and that its rows are on no other node, and are gone when the leader was lost.
func unloggedTables(t *testing.T, c *harness.Cluster) {
	leader := c.AwaitLeader(t)
	settings, err := pgx.ParseConfig(c.URL(c.Others(leader)[0]))
	if err != nil {
		t.Fatal(err)
	}
	var warnings []string
	settings.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { warnings = append(warnings, n.Severity+" "+n.Message) }
	conn, err := pgx.ConnectConfig(harness.Limited(t, harness.QueryLimit), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	harness.Run(t, conn, "CREATE TABLE lasting (k int)", "CREATE UNLOGGED TABLE passing (k int)", "CREATE UNLOGGED SEQUENCE numbers",
		"CREATE UNLOGGED TABLE made AS SELECT 1 AS k", "ALTER TABLE lasting SET UNLOGGED", "ALTER TABLE lasting SET LOGGED",
		"INSERT INTO passing SELECT generate_series(1, 100)", "INSERT INTO lasting SELECT count(*) FROM passing")
	if want := []string{"WARNING rows of unlogged tables are not replicated"}; !slices.Equal(warnings, want) {
		t.Errorf("the session was told %q, not %q", warnings, want)
	}
	c.VerifyAll(t)
	c.CompareSchemas(t)
	for _, k := range c.Others(leader) {
		if n := harness.One[int](t, c.Local(t, k), "SELECT (SELECT count(*) FROM passing) + (SELECT count(*) FROM made)"); n != 0 {
			t.Errorf("n%d holds %d unlogged rows", k, n)
		}
	}
	// Nor do they come back with the leadership; a schema change that they would not fit has nothing to do with them.
	second := c.Others(leader)[0]
	harness.Run(t, conn, "INSERT INTO passing SELECT k FROM passing", "SELECT nextval('numbers')")
	for _, next := range []int{second, leader} {
		if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP, "--to", c.Node(next).Config.Name); status != 0 {
			t.Fatalf("barista transfer: status %d: %s", status, errs)
		}
		session := c.Connect(t, next)
		if got := harness.One[string](t, session, held+" || ' and ' || nextval('numbers')"); got != "0 and 100 and 1" {
			t.Errorf("after n%d took over there are %s, want 0 and 100 and 1", next, got)
		}
		harness.Run(t, session, "INSERT INTO passing SELECT generate_series(1, 100)", "CREATE UNIQUE INDEX ON passing (k)", "DROP INDEX passing_k_idx")
	}
	c.VerifyAll(t)
	if err := errors.Join(c.Node(leader).Kill9(), c.Node(leader).Kill9Postgres()); err != nil {
		t.Fatal(err)
	}
	c.AwaitLeader(t)
	if got := harness.One[string](t, c.Connect(t, second), held); got != "0 and 100" {
		t.Errorf("after the failover there are %s rows, want 0 and 100", got)
	}
	c.Restart(t, leader)
	c.VerifyAll(t)
}
