package faults

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/baristadb/barista/e2e/harness"
)

// types are what a driver asks for once, and keeps by its OID.
var types = []string{"mood", "_mood", "pair", "hstore"}

// audit is a table that a trigger fills with the OIDs of the tables that were written.
const audit = `CREATE TABLE audit (relid oid, name text);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (TG_RELID, TG_TABLE_NAME); RETURN NULL; END';
	CREATE TABLE seen (k serial PRIMARY KEY, m mood, ms mood[], p pair, h hstore);
	CREATE TRIGGER note AFTER INSERT ON seen FOR EACH ROW EXECUTE FUNCTION note()`

// oids shows that what a driver and an audit table keep of OIDs is right under each leader, though sessions use temporary tables, a leader dies, and a
// node comes back without its data.
func oids(t *testing.T, c *harness.Cluster) {
	conn := c.Connect(t, 1)
	harness.Run(t, conn, "CREATE TEMP TABLE local (k serial PRIMARY KEY, v text)", "CREATE TYPE mood AS ENUM ('sad', 'glad')", "CREATE TYPE pair AS (a int, b text)",
		"CREATE EXTENSION hstore", audit)
	known, err := conn.LoadTypes(harness.Limited(t, harness.QueryLimit), types[:3])
	if err != nil {
		t.Fatal(err)
	}
	known = append(known, &pgtype.Type{Name: "hstore", OID: harness.One[uint32](t, conn, "SELECT 'hstore'::regtype::oid"), Codec: pgtype.HstoreCodec{}})
	use := func(k int) {
		t.Helper()
		conn := c.Connect(t, k)
		conn.TypeMap().RegisterTypes(known)
		checkTypes(t, conn)
		if wrong := harness.One[int](t, conn, "SELECT count(*) FROM audit WHERE relid::regclass::text <> name"); wrong != 0 {
			t.Errorf("%d rows of the audit table name another table", wrong)
		}
	}
	use(2)
	leader := c.AwaitLeader(t)
	if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP); status != 0 {
		t.Fatalf("barista transfer: status %d: %s", status, errs)
	}
	use(leader)
	harness.Run(t, c.Connect(t, leader), "CREATE TEMP TABLE local (k serial)", "CREATE TABLE second (k serial PRIMARY KEY, m mood)", "ALTER TYPE mood ADD VALUE 'calm' BEFORE 'glad'")

	second := c.AwaitLeader(t)
	if err := c.Node(second).Kill9(); err != nil {
		t.Fatal(err)
	}
	third := c.AwaitLeader(t)
	use(third)
	harness.Run(t, c.Connect(t, third), "CREATE TABLE third (k serial PRIMARY KEY, m mood)")
	harness.Wipe(t, c.Node(second).Config.Dir)
	c.Restart(t, second)
	harness.Run(t, c.Connect(t, third), "CREATE TABLE fourth (k serial PRIMARY KEY, m mood)")
	c.VerifyAll(t)
}

// checkTypes writes and reads values of types whose OIDs the driver knows from another session.
func checkTypes(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	type pair struct {
		A int
		B string
	}
	one := "1"
	want := pgtype.Hstore{"k": &one}
	harness.One[int](t, conn, "INSERT INTO seen (m, ms, p, h) VALUES ($1, $2, $3, $4) RETURNING k", "glad", []string{"sad", "glad"}, pair{1, "x"}, want)
	rows, err := conn.Query(harness.Limited(t, harness.QueryLimit), "SELECT m, ms, p, h FROM seen ORDER BY k DESC LIMIT 1")
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		t.Fatal(err)
	}
	if moods, ok := values[1].([]any); !ok || len(moods) != 2 {
		t.Errorf("an array of an enum is read as %T %v", values[1], values[1])
	}
	if p, ok := values[2].(map[string]any); !ok || p["b"] != "x" {
		t.Errorf("a composite is read as %T %v", values[2], values[2])
	}
	if h, ok := values[3].(pgtype.Hstore); !ok || *h["k"] != "1" {
		t.Errorf("hstore is read as %T %v", values[3], values[3])
	}
}
