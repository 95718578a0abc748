package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/google/go-cmp/cmp"
)

// content is what every node of these tests starts with: something of all that
// is compared.
const content = `
	CREATE TYPE colour AS ENUM ('red', 'green');
	CREATE DOMAIN positive AS int CHECK (VALUE > 0);
	CREATE SCHEMA "Odd Name";
	CREATE SEQUENCE ids INCREMENT 10;
	CREATE TABLE accounts (id int PRIMARY KEY DEFAULT nextval('ids'), owner text NOT NULL, balance float8, c colour);
	CREATE TABLE "Odd Name"."r.t" (r text, "T" positive, PRIMARY KEY ("T", r));
	CREATE TABLE notes (text json, at timestamptz, bytes bytea);
	CREATE TABLE nothing ();
	CREATE TABLE parts (k int, v text) PARTITION BY LIST (k);
	CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
	CREATE UNLOGGED TABLE local_only (k int);
	CREATE INDEX owners ON accounts (lower(owner));
	CREATE VIEW rich AS SELECT * FROM accounts WHERE balance > 100;
	CREATE MATERIALIZED VIEW summary AS SELECT count(*) FROM accounts;
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int);
	CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
	CREATE TRIGGER t AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION f();
	CREATE RULE silent AS ON DELETE TO notes DO INSTEAD NOTHING;
	ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON accounts USING (owner = current_user);
	CREATE STATISTICS s ON k, v FROM parts;
	CREATE FOREIGN DATA WRAPPER w;
	CREATE SERVER other FOREIGN DATA WRAPPER w OPTIONS (host 'there');
	CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (password 'x');
	CREATE FOREIGN TABLE away (k int OPTIONS (column_name 'key')) SERVER other OPTIONS (table_name 't');
	GRANT SELECT ON accounts TO PUBLIC;
	ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
	COMMENT ON TABLE accounts IS 'what people have';
	SELECT lo_from_bytea(5001, repeat('x', 5000)::bytea);
	INSERT INTO accounts SELECT i, 'owner ' || i, i / 3.0, 'red' FROM generate_series(1, 1000) i;
	INSERT INTO notes SELECT '{"a":1.0}', '2020-01-01 00:00:00Z', '\x00ff' FROM generate_series(1, 3);
	INSERT INTO "Odd Name"."r.t" VALUES ('(a,b)', 1), ('', 2);
	INSERT INTO parts VALUES (1, 'one');
	SELECT nextval('ids');`

// twinCluster is a cluster whose nodes are databases of one server. Its log has
// nothing but marks.
type twinCluster struct {
	t     *testing.T
	nodes []string
	// databases are the names of the nodes' databases.
	databases map[string]string
	// atMark is called at each mark, before snapshots are pinned; afterMark
	// when all are.
	atMark, afterMark func(mark int)

	mu      sync.Mutex // guards marks and pinned
	marks   int
	pinned  map[string]*Snapshot
	handler map[string]http.Handler
}

// newCluster returns a cluster of the nodes, whose first one leads, and its
// coordinator.
func newCluster(t *testing.T, nodes ...string) (*twinCluster, *Coordinator) {
	t.Helper()
	c := &twinCluster{
		t: t, nodes: nodes, databases: make(map[string]string),
		handler: make(map[string]http.Handler), pinned: make(map[string]*Snapshot),
		atMark: func(int) {}, afterMark: func(int) {},
	}
	t.Cleanup(func() {
		for _, unclaimed := range c.pinned {
			unclaimed.Close(context.Background())
		}
	})
	for _, node := range nodes {
		c.databases[node] = newDatabase(t)
		h := NewHandler(twinMarks{c, node})
		t.Cleanup(h.Close)
		c.handler[node] = h
	}
	return c, &Coordinator{
		Marks:    twinMarks{c, nodes[0]},
		Nodes:    func() []string { return nodes },
		Client:   &http.Client{Transport: Loopback{Hosts: c.handler}},
		OpenTime: patience,
	}
}

// execute runs SQL on one node, behind the cluster's back.
func (c *twinCluster) execute(node, sql string) {
	c.t.Helper()
	mustExecute(c.t, server.connect(c.t, c.databases[node]), sql)
}

// twinMarks is Marks on one node of a twinCluster.
type twinMarks struct {
	cluster *twinCluster
	node    string
}

func (m twinMarks) Place(ctx context.Context) (changeset.MarkID, error) {
	c := m.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks++
	c.atMark(c.marks)
	for i, node := range c.nodes {
		conn := server.open(c.t, comparer, c.databases[node])
		if err := Pin(ctx, conn); err != nil {
			return changeset.MarkID{}, err
		}
		horizons, err := ReadHorizons(ctx, conn, "app")
		if err != nil {
			return changeset.MarkID{}, err
		}
		role := Following
		if i == 0 {
			role = Leading
		}
		c.pinned[node] = &Snapshot{Position: changeset.At(7, 1), Role: role, Sites: []Site{{"app", conn, horizons}}}
	}
	c.afterMark(c.marks)
	return changeset.MarkID{byte(c.marks)}, nil
}

func (m twinMarks) Snapshot(_ context.Context, mark changeset.MarkID) (*Snapshot, error) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	if mark != (changeset.MarkID{byte(m.cluster.marks)}) {
		return nil, fmt.Errorf("no mark %v", mark)
	}
	snapshot := m.cluster.pinned[m.node]
	delete(m.cluster.pinned, m.node)
	return snapshot, nil
}

func (m twinMarks) Progress() Progress { return Progress{} }

func mustVerify(t *testing.T, c *Coordinator) Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	report, err := c.Verify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestIdentical(t *testing.T) {
	// Nodes with the same content are identical, whatever the order of their rows and the settings of their roles.
	cluster, coordinator := newCluster(t, "n1", "n2", "n3")
	cluster.execute("n2", `
		UPDATE accounts SET owner = owner WHERE id < 500;
		UPDATE notes SET at = at;
		INSERT INTO local_only VALUES (1);
		INSERT INTO accounts VALUES (0, ''); DELETE FROM accounts WHERE id = 0`)
	for _, setting := range []string{
		"extra_float_digits = -5", "datestyle = 'German'", "timezone = 'Asia/Tokyo'", "bytea_output = 'escape'",
		`search_path = "Odd Name"`, "statement_timeout = 1000", "quote_all_identifiers = on",
	} {
		cluster.execute("n2", "ALTER DATABASE "+cluster.databases["n2"]+" SET "+setting)
	}
	want := Report{Identical: true, Position: changeset.At(7, 1), Nodes: []string{"n1", "n2", "n3"}}
	if diff := cmp.Diff(want, mustVerify(t, coordinator)); diff != "" {
		t.Error(diff)
	}
}

func TestDifferences(t *testing.T) {
	// Whatever is changed behind the others' backs is found, with table and key.
	cluster, coordinator := newCluster(t, "n1", "n2", "n3")
	for name, c := range map[string]struct {
		change string // on n3
		want   string
	}{
		"row changed":      {"UPDATE accounts SET balance = -1 WHERE id = 42", `table public.accounts, key "42": differs on n3`},
		"row gone":         {"DELETE FROM accounts WHERE id = 42", `table public.accounts, key "42": differs on n3 (n1, n2: present; n3: absent)`},
		"row added":        {"INSERT INTO accounts VALUES (0, '')", `table public.accounts, key "0": differs on n3 (n1, n2: absent; n3: present)`},
		"no output":        {"DELETE FROM pg_enum WHERE enumlabel = 'red'", `table public.accounts: differs on n3 (n1, n2: 1000 rows; n3: invalid internal value for enum: `},
		"odd names":        {`UPDATE "Odd Name"."r.t" SET r = 'x' WHERE "T" = 2`, `table "Odd Name"."r.t", key "2,x": differs on n3`},
		"no key":           {`INSERT INTO notes VALUES ('{"a":1.00}')`, `table public.notes, key "({\"a\":1.00},,)": differs on n3 (n1, n2: absent; n3: present)`},
		"one of equals":    {"INSERT INTO notes SELECT * FROM notes LIMIT 1", "differs on n3 (n1, n2: 3 times; n3: 4 times)"},
		"no columns":       {"INSERT INTO nothing DEFAULT VALUES", `table public.nothing, key "()": differs on n3`},
		"partition":        {"UPDATE parts SET v = 'two'", `table public.part1, key "(1,one)": differs on n3`},
		"table gone":       {"DROP TABLE notes", "table public.notes: differs on n3 (n1, n2: 3 rows; n3: absent)"},
		"materialized":     {"REFRESH MATERIALIZED VIEW summary", `table public.summary, key "(1000)": differs on n3 (n1, n2: absent; n3: present)`},
		"sequence":         {"SELECT nextval('ids') FROM generate_series(1, 40)", "sequence public.ids: differs on n3 (n1, n2: horizon 321; n3: horizon 651)"},
		"column type":      {`ALTER TABLE "Odd Name"."r.t" ALTER r TYPE varchar(50)`, `catalog columns, key "\"Odd Name\".\"r.t\".r": differs on n3`},
		"column default":   {"ALTER TABLE accounts ALTER owner SET DEFAULT ''", `catalog columns, key "public.accounts.owner": differs on n3`},
		"constraint":       {"ALTER TABLE accounts ADD CONSTRAINT rich CHECK (balance > 0)", `catalog constraints, key "public.accounts.rich": differs on n3 (n1, n2: absent; n3: present)`},
		"domain":           {"ALTER DOMAIN positive ADD CHECK (VALUE < 10)", `catalog constraints, key "public.positive.positive_check1": differs on n3`},
		"index":            {"DROP INDEX owners", `catalog indexes, key "public.owners": differs on n3`},
		"view":             {"CREATE OR REPLACE VIEW rich AS SELECT * FROM accounts WHERE balance > 99", `catalog relations, key "public.rich": differs on n3`},
		"column option":    {"ALTER TABLE notes ALTER at SET (n_distinct = 3)", `catalog columns, key "public.notes.at": differs on n3`},
		"function":         {"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", `catalog functions, key "public.f()": differs on n3`},
		"aggregate":        {"DROP AGGREGATE total (int)", `catalog functions, key "public.total(integer)": differs on n3`},
		"operator":         {"DROP OPERATOR === (int, int)", `catalog operators, key "public.===(integer,integer)": differs on n3`},
		"trigger":          {"ALTER TABLE accounts DISABLE TRIGGER t", `catalog triggers, key "public.accounts.t": differs on n3`},
		"rule":             {"DROP RULE silent ON notes", `catalog rules, key "public.notes.silent": differs on n3`},
		"policy":           {"DROP POLICY own ON accounts", `catalog policies, key "public.accounts.own": differs on n3`},
		"rights":           {"REVOKE SELECT ON accounts FROM PUBLIC", `catalog relations, key "public.accounts": differs on n3`},
		"default rights":   {"ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC", `catalog default rights, key "(postgres,,r)": differs on n3`},
		"comment":          {"COMMENT ON TABLE accounts IS NULL", `catalog comments, key "public.accounts": differs on n3`},
		"large object":     {"GRANT SELECT ON LARGE OBJECT 5001 TO PUBLIC", `catalog large objects, key "5001": differs on n3`},
		"its comment":      {"COMMENT ON LARGE OBJECT 5001 IS 'other'", `catalog large objects, key "5001": differs on n3`},
		"its bytes":        {"SELECT lo_put(5001, 3000, 'X')", `catalog pages of large objects, key "5001, page 1": differs on n3`},
		"label":            {"INSERT INTO pg_seclabel VALUES ('accounts'::regclass, 'pg_class'::regclass, 0, 'tame', 'secret')", `catalog security labels, key "table public.accounts tame": differs on n3`},
		"enum":             {"ALTER TYPE colour ADD VALUE 'blue' BEFORE 'red'", `catalog types, key "public.colour": differs on n3`},
		"wrapper":          {"ALTER FOREIGN DATA WRAPPER w OPTIONS (a '1')", `catalog foreign data wrappers, key "w": differs on n3`},
		"server":           {"ALTER SERVER other OPTIONS (SET host 'here')", `catalog foreign servers, key "other": differs on n3`},
		"user mapping":     {"ALTER USER MAPPING FOR PUBLIC SERVER other OPTIONS (SET password 'y')", `catalog user mappings, key "(other,)": differs on n3`},
		"foreign table":    {"ALTER FOREIGN TABLE away ALTER k OPTIONS (SET column_name 'k')", `catalog foreign tables, key "public.away": differs on n3`},
		"statistics":       {"DROP STATISTICS s", `catalog statistics, key "public.s": differs on n3`},
		"schema":           {"CREATE SCHEMA more", `catalog schemas, key "more": differs on n3`},
		"sequence's rules": {"ALTER SEQUENCE ids CYCLE", `catalog sequences, key "public.ids": differs on n3`},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.databases["n3"] = newDatabase(t)
			cluster.execute("n3", c.change)
			report := mustVerify(t, coordinator)
			if report.Identical || !strings.Contains(report.String(), c.want) {
				t.Errorf("want %s, got %v", c.want, report)
			}
		})
	}
}

func TestLongKey(t *testing.T) {
	// Of a key that is long, only its beginning is named: whole characters.
	cluster, coordinator := newCluster(t, "n1", "n2")
	cluster.execute("n2", "INSERT INTO accounts SELECT 0, repeat('é', 100000)")
	cluster.execute("n2", "INSERT INTO parts SELECT 1, repeat('é', 100000)")
	report := mustVerify(t, coordinator)
	want := []string{"0", "(1," + strings.Repeat("é", keyLength-3)}
	for i, d := range report.Differences {
		if i >= len(want) || d.Key != want[i] {
			t.Errorf("key %d is %q", i, d.Key)
		}
	}
	if len(report.Differences) != len(want) {
		t.Error(report)
	}
}

func TestManyKeys(t *testing.T) {
	// Of a table that differs in many rows, a few keys are named, and that there are more.
	cluster, coordinator := newCluster(t, "n1", "n2")
	cluster.execute("n2", "DELETE FROM accounts")
	report := mustVerify(t, coordinator)
	if len(report.Differences) != maxKeys+1 {
		t.Fatalf("%d differences: %v", len(report.Differences), report)
	}
	if last := report.Differences[maxKeys]; last.Key != "" || !strings.Contains(last.Detail, "more keys") {
		t.Errorf("last: %v", last)
	}
}

func TestLeaderRunsAhead(t *testing.T) {
	// A sequence that the leader used since it was agreed is no difference.
	cluster, coordinator := newCluster(t, "n1", "n2", "n3")
	cluster.execute("n1", "SELECT nextval('ids') FROM generate_series(1, 40)")
	if report := mustVerify(t, coordinator); !report.Identical {
		t.Error(report)
	}
}

func TestChangesAfterTheMark(t *testing.T) {
	// Changes after the mark are no difference, though the snapshot is no shelter from DDL.
	for name, change := range map[string]string{
		"rows":      "UPDATE accounts SET balance = 0",
		"truncate":  "TRUNCATE notes",
		"dropped":   "DROP TABLE notes",
		"renamed":   "ALTER TABLE notes RENAME TO older; CREATE TABLE notes ()",
		"column":    "ALTER TABLE accounts ADD COLUMN more int DEFAULT 1",
		"sequence":  "DROP SEQUENCE ids CASCADE",
		"functions": "DROP FUNCTION f() CASCADE",
	} {
		t.Run(name, func(t *testing.T) {
			cluster, coordinator := newCluster(t, "n1", "n2")
			cluster.afterMark = func(mark int) {
				if mark == 1 {
					cluster.execute("n1", change)
				}
			}
			cluster.atMark = func(mark int) {
				if mark == 2 {
					cluster.execute("n2", change)
				}
			}
			if report := mustVerify(t, coordinator); !report.Identical {
				t.Error(report)
			}
		})
	}
}

func TestLocksEnd(t *testing.T) {
	// A table that was read can be altered while the verification is still open.
	cluster, coordinator := newCluster(t, "n1")
	mark, err := coordinator.Marks.Place(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := coordinator.Marks.Snapshot(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close(context.Background())
	if _, err := snapshot.digest(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	cluster.execute("n1", "SET lock_timeout = '1s'; ALTER TABLE accounts ADD COLUMN more int; DROP SEQUENCE ids CASCADE")
}

// brokenNode is a node that cannot be compared.
type brokenNode struct{}

func (brokenNode) Place(context.Context) (changeset.MarkID, error) {
	return changeset.MarkID{}, errors.New("no leader")
}

func (brokenNode) Snapshot(ctx context.Context, _ changeset.MarkID) (*Snapshot, error) {
	<-ctx.Done()
	return nil, errors.New("still catching up")
}

func (brokenNode) Progress() Progress { return Progress{Position: 7} }

func TestNodeDown(t *testing.T) {
	// Nodes that are down or late are named, and the others are compared.
	cluster, coordinator := newCluster(t, "n1", "n2")
	late := NewHandler(brokenNode{})
	t.Cleanup(late.Close)
	cluster.handler["n4"] = late
	coordinator.Nodes = func() []string { return []string{"n4", "n3", "n2", "n1"} }
	coordinator.OpenTime = time.Second
	report := mustVerify(t, coordinator)
	if !report.Incomplete() || !slices.Equal(report.Nodes, []string{"n1", "n2"}) {
		t.Error(report)
	}
	if len(report.NotCompared) != 2 || report.NotCompared[0].Node != "n3" || report.NotCompared[1].Node != "n4" ||
		!strings.Contains(report.NotCompared[1].Reason, "did not come nearer to the mark") {
		t.Error(report.NotCompared)
	}
}

// stoppedNode has a server that was stopped because it held something else.
type stoppedNode struct{ brokenNode }

func (stoppedNode) Snapshot(context.Context, changeset.MarkID) (*Snapshot, error) {
	return nil, fmt.Errorf("%w: it was odd", ErrStopped)
}

func TestNodeStopped(t *testing.T) {
	// A node that was stopped because it held something else is a difference, though the others are identical.
	cluster, coordinator := newCluster(t, "n1", "n2")
	odd := NewHandler(stoppedNode{})
	t.Cleanup(odd.Close)
	cluster.handler["n3"] = odd
	coordinator.Nodes = func() []string { return []string{"n1", "n2", "n3"} }
	report := mustVerify(t, coordinator)
	if want := "different at 7.1: n1, n2\nstopped: n3: the server was stopped: it was odd\n"; report.Identical || report.String() != want {
		t.Errorf("%v, not %s", report, want)
	}
}

func TestServerDies(t *testing.T) {
	// A node whose server dies between the mark and the question is named, and the others are compared.
	cluster, coordinator := newCluster(t, "n1", "n2", "n3")
	cluster.afterMark = func(int) {
		cluster.execute("n1", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+cluster.databases["n3"]+"'")
	}
	report := mustVerify(t, coordinator)
	if !report.Incomplete() || !slices.Equal(report.Nodes, []string{"n1", "n2"}) || len(report.NotCompared) != 1 || report.NotCompared[0].Node != "n3" {
		t.Error(report)
	}
}

func TestNothingToCompare(t *testing.T) {
	// Without a mark, or with no node that answers, verification fails rather than call nothing identical.
	if server == nil {
		t.Skip("no PostgreSQL on this machine, or -short")
	}
	coordinator := &Coordinator{
		Marks: brokenNode{}, Nodes: func() []string { return []string{"n1"} },
		Client: &http.Client{Transport: Loopback{}}, OpenTime: time.Second,
	}
	if report, err := coordinator.Verify(t.Context()); err == nil {
		t.Errorf("no mark: %v", report)
	}
	_, working := newCluster(t, "n1")
	coordinator.Marks = working.Marks
	if report, err := coordinator.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "n1: ") {
		t.Errorf("no node: %v, %v", report, err)
	}
}
