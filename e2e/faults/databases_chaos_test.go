package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
	"github.com/baristadb/barista/internal/session"
)

var (
	databaseSeed   = flag.Uint64("dbseed", 0, "the seed of what is done to databases; 0: another one each time")
	databaseRounds = flag.Int("dbrounds", 5, "rounds of what is done to databases, with a fault in each")
)

func TestDatabasesUnderFaults(t *testing.T) {
	// Databases are made, renamed, dropped and written to while nodes are killed: each is there as acknowledged, as a whole or not at all,
	// with the rows that were acknowledged and no others, on every node.
	seed := *databaseSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.ConnectTo(t, 1, "template1"), "CREATE TABLE kept (n serial PRIMARY KEY, id int NOT NULL)")
	o := &databaseOperator{t: t, cluster: c, random: random, held: make(map[string]heldRows)}
	for range *databaseRounds {
		repair := o.round()
		if err := repair(); err != nil {
			t.Fatal(err)
		}
		c.Ready(t)
	}
	o.finish()
	t.Logf("%d operations done, %d not, of which %d were cut off", o.done, o.failed, o.cut)
}

// heldRows is what a database holds: how many rows it has under each id.
type heldRows map[int]int

// databaseOperator does one thing after the other to databases, and knows what each of them must hold.
type databaseOperator struct {
	t       *testing.T
	cluster *harness.Cluster
	random  *rand.Rand
	held    map[string]heldRows // by the database's name
	lastID  int

	done, failed, cut int
}

// operation is something to be done to databases.
type operation struct {
	database, sql string
	fact          string // in which database: a query, in postgres or the same one, whether it is done
	apply         func() // notes it as done
}

// round does some operations, during which a fault happens at some moment; the returned function repairs it.
func (o *databaseOperator) round() (repair func() error) {
	node := o.cluster.Node(1 + o.random.IntN(len(o.cluster.Nodes())))
	if o.random.IntN(2) == 0 {
		node = o.cluster.Node(o.cluster.AwaitLeader(o.t))
	}
	fault, repair := [](func() error){node.Kill9, node.Kill9Postgres, func() error { return errors.Join(node.Kill9Postgres(), node.Kill9()) }}, node.Start
	kind := o.random.IntN(len(fault))
	if kind == 1 {
		repair = func() error { return nil } // its barista does that
	}
	moment := time.Duration(o.random.IntN(1500)) * time.Millisecond
	o.t.Logf("%s: fault %d after %v", node.Config.Name, kind, moment)
	happened := make(chan error, 1)
	go func() { // ends by itself; o.round waits
		harness.Pause(o.t.Context(), moment)
		happened <- fault[kind]()
	}()
	o.leaveReader()
	for range 8 {
		o.operate(o.choose())
	}
	if err := <-happened; err != nil {
		o.t.Fatal(err)
	}
	for range 2 {
		o.operate(o.choose())
	}
	return repair
}

// leaveReader leaves a session on a node's own socket in some database, which nobody waits for where changes are applied.
func (o *databaseOperator) leaveReader() {
	k, database := 1+o.random.IntN(len(o.cluster.Nodes())), o.any("postgres")
	url := strings.Replace(o.cluster.LocalURL(k), "dbname=postgres", "dbname="+database, 1)
	conn, err := harness.ConnectAnew(o.t.Context(), url)
	if err == nil {
		o.t.Cleanup(func() { conn.Close(context.Background()) })
	}
}

// any returns the name of a database that is there, or otherwise.
func (o *databaseOperator) any(otherwise string) string {
	names := slices.Sorted(maps.Keys(o.held))
	if len(names) == 0 {
		return otherwise
	}
	return names[o.random.IntN(len(names))]
}

// free returns a name that no database has.
func (o *databaseOperator) free() string {
	for {
		if name := fmt.Sprintf("d%d", o.random.IntN(8)); o.held[name] == nil {
			return name
		}
	}
}

const isThere = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '%s')"

func (o *databaseOperator) choose() operation {
	name := o.any("")
	switch kind := o.random.IntN(10); {
	case name == "" || kind < 2 && len(o.held) < 5:
		return o.create()
	case kind < 4 && len(o.held) > 1:
		force := []string{"", " WITH (FORCE)"}[o.random.IntN(2)]
		return operation{sql: "DROP DATABASE " + name + force, fact: "SELECT NOT (" + fmt.Sprintf(isThere, name) + ")", apply: func() { delete(o.held, name) }}
	case kind < 6:
		to := o.free()
		return operation{sql: "ALTER DATABASE " + name + " RENAME TO " + to, fact: fmt.Sprintf(isThere, to), apply: func() {
			o.held[to] = o.held[name]
			delete(o.held, name)
		}}
	default:
		o.lastID++
		id, rows := o.lastID, []int{1, 1, 1, 3000}[o.random.IntN(4)]
		return operation{
			database: name, sql: fmt.Sprintf("INSERT INTO kept (id) SELECT %d FROM generate_series(1, %d)", id, rows),
			fact: fmt.Sprintf("SELECT EXISTS (SELECT FROM kept WHERE id = %d)", id), apply: func() { o.held[name][id] = rows },
		}
	}
}

func (o *databaseOperator) create() operation {
	name, from := o.free(), "template1"
	if o.random.IntN(2) == 0 {
		from = o.any(from)
	}
	strategy := []string{"wal_log", "file_copy"}[o.random.IntN(2)]
	return operation{sql: fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY %s", name, from, strategy), fact: fmt.Sprintf(isThere, name), apply: func() {
		o.held[name] = heldRows{}
		maps.Copy(o.held[name], o.held[from])
	}}
}

// operate does one operation through some node, and finds out whether it was done if that is not said.
func (o *databaseOperator) operate(op operation) {
	if op.database == "" {
		op.database = "postgres"
	}
	conn := o.connect(op.database)
	_, err := conn.Exec(harness.Limited(o.t, harness.ServeLimit), op.sql)
	conn.Close(context.Background())
	done := err == nil
	if o.isUnknown(op, err) {
		o.cut++
		done = o.lookUp(op)
	}
	if !done {
		o.failed++
		return
	}
	o.done++
	op.apply()
}

// isUnknown reports whether an answer leaves open what became of an operation.
func (o *databaseOperator) isUnknown(op operation, err error) bool {
	told, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err != nil
	}
	const inUse = "55006"
	switch session.OutcomeOf(told.Code) {
	case session.Refused, session.Disconnected:
		return false
	case session.Unknown:
		return true
	default:
		if told.Code != inUse {
			o.t.Errorf("%s: %v", op.sql, err)
		}
		return false
	}
}

// operatorName is what sessions of the operator are called.
const operatorName = "operator"

// connect connects to a database through any node that serves.
func (o *databaseOperator) connect(database string) (conn *pgx.Conn) {
	o.t.Helper()
	harness.Await(o.t, harness.ServeLimit, "a session in "+database, func(ctx context.Context) error {
		k := 1 + o.random.IntN(len(o.cluster.Nodes()))
		url := strings.Replace(o.cluster.URL(k), "/postgres?", "/"+database+"?application_name="+operatorName+"&", 1)
		var err error
		conn, err = harness.ConnectAnew(ctx, url)
		return err
	})
	return conn
}

// lookUp waits until no earlier session can do anything any more, and asks whether an operation was done.
func (o *databaseOperator) lookUp(op operation) (done bool) {
	o.t.Helper()
	harness.Await(o.t, harness.ServeLimit, "to learn what became of "+op.sql, func(ctx context.Context) error {
		conn := o.connect(op.database)
		defer conn.Close(context.Background())
		var others int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", operatorName).Scan(&others)
		if err == nil && others > 0 {
			err = fmt.Errorf("%d sessions are left", others)
		}
		if err != nil {
			return err
		}
		return conn.QueryRow(ctx, op.fact).Scan(&done)
	})
	return done
}

// finish compares everything with what must be there, on every node.
func (o *databaseOperator) finish() {
	o.t.Helper()
	harness.Run(o.t, o.connect("postgres"), "CREATE DATABASE last", "DROP DATABASE last", "CREATE TABLE last (k int)") // whoever has something to sweep away does so
	o.cluster.VerifyAll(o.t)
	want := slices.Sorted(maps.Keys(o.held))
	for k := range o.cluster.Nodes() {
		local := o.cluster.Local(o.t, k+1)
		harness.Await(o.t, harness.ServeLimit, "the right databases", func(ctx context.Context) error {
			var got []string
			err := local.QueryRow(ctx, "SELECT coalesce(array_agg(datname::text ORDER BY datname COLLATE \"C\"), '{}') FROM pg_database WHERE datname !~ '^(postgres|template[01])$'").Scan(&got)
			if err == nil && !slices.Equal(got, want) {
				err = fmt.Errorf("n%d has %v, not %v", k+1, got, want)
			}
			return err
		})
	}
	for _, name := range want {
		rows, err := o.connect(name).Query(harness.Limited(o.t, harness.QueryLimit), "SELECT id, count(*) FROM kept GROUP BY id")
		if err != nil {
			o.t.Fatal(err)
		}
		got := heldRows{}
		var id, count int
		if _, err := pgx.ForEachRow(rows, []any{&id, &count}, func() error { got[id] = count; return nil }); err != nil {
			o.t.Fatal(err)
		}
		if !maps.Equal(got, o.held[name]) {
			o.t.Errorf("database %s holds %v, not %v", name, got, o.held[name])
		}
	}
}
