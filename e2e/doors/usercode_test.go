package doors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestPlacesOfUsersCode(t *testing.T) {
	// Every column of the catalog that holds users' code, every kind of statement that travels and every subcommand of ALTER TABLE has a plant for the
	// next test, or a reason why no ordinary role can reach it.
	plain := harness.ConnectTo(t, harness.StartPlain(t, nil))
	checkPlaces(t, "column", harness.One[[]string](t, plain, functionColumns), readPlants(t, "columns.sql", "planted"))
	checkPlaces(t, "statement", replayedStatements(t), readPlants(t, "statements.sql", "planted"))
	checkPlaces(t, "subcommand", alterTableCommands(t), readPlants(t, "alter_table.sql", "planted"))
}

func TestUsersCodeHasItsOwnersRights(t *testing.T) {
	// Wherever the catalog or a statement can hold a function of an ordinary role, there is one that spies; and whatever Barista does by itself, on
	// any node, none of them sees more rights than its owner's, leaves a security-restricted operation, writes, or is led elsewhere by somebody's path.
	c := harness.StartCluster(t, devcluster.Options{Settings: map[string]string{"autovacuum_naptime": "2s", "autovacuum_analyze_threshold": "3"}})
	p := &planter{cluster: c}
	var plants []plant
	for _, file := range []string{"columns.sql", "statements.sql", "alter_table.sql", "others.sql"} {
		plants = append(plants, readPlants(t, file, "planted")...)
	}
	p.plant(t, readPlants(t, "setup.sql", "planted"))
	powerful := powerful(t, c)
	var all []sighting
	defer func() { // also when a node has stopped
		all = append(all, sightings(t, c)...)
		ours := slices.DeleteFunc(slices.Clone(all), func(s sighting) bool { return !s.ours() })
		t.Logf("users' code was seen %d times, %d of them in Barista's sessions", len(all), len(ours))
		checkReach(t, all, plants)
		checkSightings(t, all, powerful)
	}()
	for _, database := range []string{"planted", "template1"} {
		p.plant(t, readPlants(t, "spy.sql", database))
	}
	copied := func(p plant) bool { return slices.Contains(p.places, "CreatedbStmt") } // the database that has all the others
	p.plant(t, slices.DeleteFunc(slices.Clone(plants), copied))
	p.plant(t, slices.DeleteFunc(slices.Clone(plants), func(p plant) bool { return !copied(p) }))
	if status, report, errs := c.Barista(t, "verify", "--http", c.Node(1).Config.HTTP); status != 0 {
		t.Fatalf("the nodes differ: status %d\n%s%s", status, report, errs)
	}

	spoiled := c.Follower(t)
	spoilPlanted(t, c, spoiled)
	status, report, errs := c.Barista(t, "verify", "--http", c.Node(1).Config.HTTP)
	if status != 1 || !strings.Contains(report, "spoiled") || !strings.Contains(report, "41") {
		t.Errorf("verify is blind to a row that differs: status %d\n%s%s", status, report, errs)
	}
	all = append(all, sightings(t, c)...) // the log is wiped, too
	if err := c.Node(spoiled).Kill9(); err != nil {
		t.Fatal(err)
	}
	harness.Wipe(t, c.Node(spoiled).Config.Dir)
	c.Restart(t, spoiled)
	c.VerifyAll(t)
	swapWhileCompared(t, c)
	transferUnderSessions(t, c, p)
	transferUnderSessions(t, c, p)
	leader := c.AwaitLeader(t)
	if err := c.Node(leader).Kill9(); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, leader)
	p.run(t, step{role: "mallory", database: "planted", sql: "UPDATE evil.constrained SET c = '{5}', a = 5"})
	c.VerifyAll(t)
}

// functionColumns are the catalog's columns that hold users' code, by what the server says of itself.
const functionColumns = `SELECT array_agg(of ORDER BY of) FROM (
	SELECT fktable::text || '.' || fkcols[1] FROM pg_get_catalog_foreign_keys() WHERE pktable = 'pg_proc'::regclass
	UNION SELECT attrelid::regclass || '.' || attname FROM pg_attribute
		WHERE atttypid = 'pg_node_tree'::regtype AND attrelid < 16384 AND attnum > 0 AND NOT attisdropped) AS columns(of)`

// A planter runs the statements of plants, each in a session of its role.
type planter struct {
	cluster *harness.Cluster
	role    string
	in      string
	conn    *pgx.Conn // of role, to database in; or nil
}

func (p *planter) plant(t testing.TB, plants []plant) {
	t.Helper()
	for _, planted := range plants {
		for _, step := range planted.steps {
			if err := p.try(t, step); err != nil && !step.optional {
				t.Errorf("%s: %s: %v", strings.Join(planted.places, ", "), step.sql, err)
			}
		}
	}
	p.close()
}

func (p *planter) run(t testing.TB, s step) {
	t.Helper()
	if err := p.try(t, s); err != nil {
		t.Fatalf("%s: %v", s.sql, err)
	}
	p.close()
}

func (p *planter) try(t testing.TB, s step) error {
	t.Helper()
	if p.conn == nil || p.role != s.role || p.in != s.database {
		p.close()
		conn, err := pgx.Connect(harness.Limited(t, harness.QueryLimit), urlOf(p.cluster, 1, s.role, s.database))
		if err != nil {
			return err
		}
		p.conn, p.role, p.in = conn, s.role, s.database
	}
	ctx := harness.Limited(t, harness.QueryLimit)
	if s.rows != "" {
		_, err := p.conn.PgConn().CopyFrom(ctx, strings.NewReader(s.rows), s.sql)
		return err
	}
	_, err := p.conn.PgConn().Exec(ctx, s.sql).ReadAll()
	return err
}

func (p *planter) close() {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p.conn.Close(ctx)
	p.conn = nil
}

// urlOf is where a role reaches a database through node k.
func urlOf(c *harness.Cluster, k int, role, database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", role, c.Node(k).Config.PG, database)
}

// spoilPlanted changes a row of a planted table behind the back of node k.
func spoilPlanted(t testing.TB, c *harness.Cluster, k int) {
	t.Helper()
	library := buildBehind(t, c)
	if err := c.Node(k).Stop(harness.Limited(t, harness.ServeLimit)); err != nil {
		t.Fatal(err)
	}
	spoil(t, c.Node(k).Config, library, "planted")
	c.Restart(t, k)
}

// transferUnderSessions hands leadership over while sessions of an ordinary role are open that hold plants, and lets the new leader serve.
func transferUnderSessions(t testing.TB, c *harness.Cluster, p *planter) {
	t.Helper()
	conn := harness.ConnectTo(t, urlOf(c, 1, "mallory", "planted"))
	harness.Run(t, conn, "CREATE TEMPORARY TABLE passing (k int PRIMARY KEY, c evil.ordered, d evil.checked_element[]) ON COMMIT DELETE ROWS",
		"CREATE INDEX ON passing (evil.in_sql(k), (k + evil.in_sql(1)))",
		"INSERT INTO evil.unlogged VALUES (10, 1, ROW(10)) ON CONFLICT DO NOTHING",
		"BEGIN", "INSERT INTO passing VALUES (1, ROW(1), '{1}')", "DECLARE passing CURSOR FOR SELECT evil.in_sql(k) FROM passing",
		"SELECT nextval('evil.altered_n_seq')")
	if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP); status != 0 {
		t.Fatalf("barista transfer: status %d: %s", status, errs)
	}
	p.run(t, step{role: "mallory", database: "planted", sql: "UPDATE evil.constrained SET c = '{4}', a = 4; UPDATE evil.indexed SET a = a + 1"})
	c.Ready(t)
	c.VerifyAll(t)
}

// swapWhileCompared puts a view in the place of a table while the leader compares: it has listed both that table and another, before which it waits for a lock.
func swapWhileCompared(t testing.TB, c *harness.Cluster) {
	t.Helper()
	leader := c.AwaitLeader(t)
	holder, swapper := harness.ConnectTo(t, urlOf(c, leader, "mallory", "planted")), harness.ConnectTo(t, urlOf(c, leader, "mallory", "planted"))
	harness.Run(t, holder, "BEGIN", "LOCK TABLE public.aaa_held IN ACCESS EXCLUSIVE MODE")
	verified := make(chan string, 1)
	go func() { // ends with the program, which has a limit; awaited below
		_, report, errs := c.Barista(t, "verify", "--http", c.Node(leader).Config.HTTP)
		verified <- report + errs
	}()
	watcher := c.Connect(t, leader)
	harness.Await(t, harness.ServeLimit, "the comparison stands before the locked table", func(context.Context) error {
		const waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename NOT IN ('mallory', 'postgres') AND datname = 'planted' AND wait_event_type = 'Lock')"
		if !harness.One[bool](t, watcher, waits) {
			return errors.New("it waits for no lock")
		}
		return nil
	})
	harness.Run(t, swapper, "ALTER TABLE public.swapped RENAME TO was_swapped", "CREATE VIEW public.swapped AS SELECT * FROM evil.instead")
	harness.Run(t, holder, "ROLLBACK")
	t.Logf("verify, while what it compares changes: %s", <-verified)
}
