package confluence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/postgrestest"
)

// A lab is a real PostgreSQL with three databases: two copies on which transactions run, and one without constraints
// into which what they left is merged.
type lab struct {
	a, b, merged *pgx.Conn
}

// newLab starts a server for a test, or skips the test where there is no PostgreSQL.
func newLab(t *testing.T) *lab {
	t.Helper()
	server := postgrestest.Start(t, map[string]string{"shared_buffers": "16MB", "synchronous_commit": "off", "max_locks_per_transaction": "256"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	connect := func(database string) *pgx.Conn {
		config := postgrestest.ConnConfig(server)
		if database != "" {
			config.Database = database
		}
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	l := &lab{}
	admin := connect("")
	for name, conn := range map[string]**pgx.Conn{"a": &l.a, "b": &l.b, "merged": &l.merged} {
		run(t, admin, "CREATE DATABASE "+name)
		*conn = connect(name)
	}
	return l
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if err := try(t, conn, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func try(t *testing.T, conn *pgx.Conn, sql string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := conn.Exec(ctx, sql)
	return err
}

// clear makes the three databases hold the schema and nothing else.
func (l *lab) clear(t *testing.T, schema string) {
	t.Helper()
	for _, conn := range []*pgx.Conn{l.a, l.b, l.merged} {
		run(t, conn, "SET client_min_messages = error; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public")
		run(t, conn, schema)
	}
	run(t, l.merged, `DO $$
	DECLARE r record;
	BEGIN
		FOR r IN SELECT conrelid::regclass AS rel, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 ORDER BY contype <> 'f' LOOP
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', r.rel, r.conname);
		END LOOP;
		FOR r IN SELECT indexrelid::regclass AS index FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace AND indisunique LOOP
			EXECUTE format('DROP INDEX %s', r.index);
		END LOOP;
		FOR r IN SELECT attrelid::regclass AS rel, attname, attidentity FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
				WHERE c.relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped LOOP
			IF r.attidentity <> '' THEN EXECUTE format('ALTER TABLE %s ALTER %I DROP IDENTITY', r.rel, r.attname); END IF;
			EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', r.rel, r.attname);
		END LOOP;
	END $$`)
}

// A state is the rows of each table, as JSON objects.
type state map[string][]object

// read returns the rows of the tables.
func (l *lab) read(t *testing.T, conn *pgx.Conn, c *catalog) state {
	t.Helper()
	var parts []string
	for _, table := range c.order {
		parts = append(parts, fmt.Sprintf("%s, (SELECT coalesce(json_agg(t), '[]') FROM (SELECT * FROM %s) t)", quote(table.name), ident(table.name)))
	}
	var text string
	query := "SELECT json_build_object(" + strings.Join(parts, ", ") + ")::text"
	if err := conn.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var s state
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// errInvalid says that a copy itself found a transaction to break an invariant.
var errInvalid = errors.New("not valid on one copy")

// execute runs statements as one transaction, reads what they left, and takes them back, sequences too. before runs
// first. An error means that the server refused them.
func (l *lab) execute(t *testing.T, conn *pgx.Conn, c *catalog, before, statements []string, hold []string) (state, error) {
	t.Helper()
	sequences := l.sequences(t, conn)
	defer run(t, conn, sequences)
	run(t, conn, "BEGIN")
	defer run(t, conn, "ROLLBACK")
	for _, sql := range before {
		run(t, conn, sql)
	}
	for _, sql := range append(append([]string(nil), statements...), "SET CONSTRAINTS ALL IMMEDIATE") {
		if err := try(t, conn, sql); err != nil {
			return nil, err
		}
	}
	if len(broken(t, conn, hold)) > 0 {
		return nil, errInvalid
	}
	return l.read(t, conn, c), nil
}

// sequences returns statements that put the sequences back to where they are.
func (l *lab) sequences(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT format('%I', sequencename) FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	out := "SELECT 1"
	for _, name := range names {
		var last int64
		var called bool
		if err := conn.QueryRow(t.Context(), "SELECT last_value, is_called FROM "+name).Scan(&last, &called); err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("; SELECT setval('%s', %d, %t)", name, last, called)
	}
	return out
}

// broken asks the queries of invariants, and returns the indexes of those that answer false. NULL and no row count as true.
func broken(t *testing.T, conn *pgx.Conn, queries []string) []int {
	t.Helper()
	if len(queries) == 0 {
		return nil
	}
	var parts []string
	for i, query := range queries {
		parts = append(parts, fmt.Sprintf("CASE WHEN NOT coalesce((%s\n), true) THEN %d END", query, i))
	}
	all := "SELECT array_remove(ARRAY[" + strings.Join(parts, ", ") + "], NULL)"
	var out []int
	if err := conn.QueryRow(t.Context(), all).Scan(&out); err != nil {
		t.Fatalf("%s: %v", all, err)
	}
	return out
}

// load puts a state into the merged database.
func (l *lab) load(t *testing.T, c *catalog, s state) {
	t.Helper()
	var statements []string
	for _, table := range c.order {
		data, err := json.Marshal(s[table.name])
		if err != nil {
			t.Fatal(err)
		}
		name := ident(table.name)
		statements = append(statements, "DELETE FROM "+name)
		if len(s[table.name]) > 0 {
			var columns []string // but for generated ones, which follow the others
			for _, column := range table.columns {
				if column.computed == nil {
					columns = append(columns, ident(column.name))
				}
			}
			list := strings.Join(columns, ", ")
			statements = append(statements, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM json_populate_recordset(NULL::%s, %s)", name, list, list, name, quote(string(data))))
		}
	}
	run(t, l.merged, strings.Join(statements, "; "))
}
