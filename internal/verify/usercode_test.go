package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/changeset"
)

// plants are an ordinary role's functions wherever comparing might run one: in what
// she owns, and in casts that a superuser has made upon functions of hers. They are
// harmless until spring changes them.
const plants = `
	CREATE SCHEMA hers AUTHORIZATION ordinary;
	SET SESSION AUTHORIZATION ordinary;
	SET search_path = hers;
	CREATE FUNCTION truth(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
	CREATE FUNCTION number(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
	CREATE FUNCTION distance(float8, float8) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 - $2; END';
	CREATE DOMAIN checked AS int CHECK (truth(1) AND VALUE > 0);
	CREATE TYPE pair AS (a checked, b checked[]);
	CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = distance);
	CREATE TABLE mine (id int PRIMARY KEY DEFAULT number(1), c checked, cs checked[], p pair, s span, m span_multirange,
		g int GENERATED ALWAYS AS (number(1)) STORED, CHECK (truth(1)));
	CREATE INDEX ON mine (id) WHERE truth(1);
	CREATE INDEX ON mine ((number(1)));
	CREATE STATISTICS st ON (number(1) + id), id FROM mine;
	CREATE POLICY own ON mine USING (truth(1));
	ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE TRIGGER tr BEFORE UPDATE ON mine FOR EACH ROW WHEN (truth(1)) EXECUTE FUNCTION suppress_redundant_updates_trigger();
	CREATE RULE r AS ON DELETE TO mine WHERE truth(1) DO ALSO SELECT number(1);
	CREATE VIEW v AS SELECT number(1) FROM mine WHERE truth(1);
	CREATE MATERIALIZED VIEW mv AS SELECT id, number(1) FROM mine WHERE truth(1);
	CREATE TABLE split (k int) PARTITION BY RANGE ((k + number(1)));
	CREATE TABLE split1 PARTITION OF split FOR VALUES FROM (0) TO (1000);
	CREATE FUNCTION row_text(mine) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
	CREATE CAST (mine AS text) WITH FUNCTION row_text(mine) AS IMPLICIT;
	CREATE FUNCTION same(name, name) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
	CREATE OPERATOR hers.= (LEFTARG = name, RIGHTARG = name, FUNCTION = same);
	CREATE OPERATOR hers.<> (LEFTARG = name, RIGHTARG = name, FUNCTION = same);
	CREATE FUNCTION format(text, VARIADIC name[]) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
	RESET SESSION AUTHORIZATION;
	INSERT INTO mine SELECT i, 1, '{1,2}', '(1,{2})', '[1,2]', '{[1,2],[3,4]}' FROM generate_series(1, 100) i;
	INSERT INTO split SELECT generate_series(1, 100);
	RESET search_path;
	ALTER ROLE ordinary SET work_mem = '5MB';
	GRANT SET ON PARAMETER log_statement TO ordinary;
	DO $$
	DECLARE source oid;
	BEGIN
		FOR source IN
			SELECT t.oid FROM pg_type t
			WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'c', 'r', 'm') AND t.oid <> 'text'::regtype
				AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 'text'::regtype)
		LOOP
			EXECUTE format('CREATE FUNCTION hers.to_text(%s) RETURNS text IMMUTABLE LANGUAGE plpgsql AS ''BEGIN RETURN 1; END''', source::regtype);
			EXECUTE format('ALTER FUNCTION hers.to_text(%s) OWNER TO ordinary', source::regtype);
			EXECUTE format('CREATE CAST (%s AS text) WITH FUNCTION hers.to_text(%1$s) AS IMPLICIT', source::regtype);
		END LOOP;
	END $$`

// spring has each of the functions fail.
const spring = `
	SET check_function_bodies = off;
	DO $$ BEGIN
		EXECUTE (SELECT string_agg(regexp_replace(pg_get_functiondef(oid), 'BEGIN.*END', 'BEGIN RAISE ''planted code ran''; END'), ';')
			FROM pg_proc WHERE pronamespace = 'hers'::regnamespace);
	END $$`

func TestUsersCodeIsNotRun(t *testing.T) {
	// Whatever users, and superusers upon their functions, have made in a database: none of it runs when nodes are compared, and what differs
	// is found.
	cluster, coordinator := newCluster(t, "n1", "n2", "n3")
	for _, node := range cluster.nodes {
		cluster.execute(node, plants)
	}
	cluster.execute("n3", `
		DELETE FROM hers.mine WHERE id = 42;
		DELETE FROM hers.split1 WHERE k = 42;
		GRANT SELECT ON accounts TO ordinary;
		ALTER POLICY own ON accounts TO ordinary;
		ALTER USER MAPPING FOR PUBLIC SERVER other OPTIONS (SET password 'z')`)
	for _, node := range cluster.nodes {
		cluster.execute(node, spring)
	}
	want := []string{
		`database app: catalog policies, key "public.accounts.own": differs on n3 (other content in present)`,
		`database app: catalog relations, key "public.accounts": differs on n3 (other content in present)`,
		`database app: catalog user mappings, key "(other,)": differs on n3 (other content in present)`,
		`database app: table hers.mine, key "42": differs on n3 (n1, n2: present; n3: absent)`,
		`database app: table hers.split1, key "(42)": differs on n3 (n1, n2: present; n3: absent)`,
	}
	var got []string
	for _, d := range mustVerify(t, coordinator).Differences {
		if d.Name != oids { // each of these was made by itself
			got = append(got, d.String())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// newSnapshot returns a snapshot of one database, closed with the test.
func newSnapshot(t *testing.T, database string) *Snapshot {
	t.Helper()
	conn := server.open(t, comparer, database)
	s := &Snapshot{Position: changeset.At(7, 1), Role: Following, Sites: []Site{{Database: "app", Conn: conn}}}
	t.Cleanup(func() { s.Close(context.Background()) })
	if err := Pin(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecrets(t *testing.T) {
	// What PUBLIC may not read is compared all the same, by a role that may not read it either, and leaves the server in no form but sums of hashes.
	database := newDatabase(t)
	owner := server.open(t, "postgres", database)
	mustExecute(t, owner, `CREATE ROLE knowing PASSWORD 'a secret'`)
	t.Cleanup(func() {
		if err := execute(context.Background(), owner, "DROP USER MAPPING FOR knowing SERVER other; DROP ROLE knowing"); err != nil {
			t.Error(err)
		}
		owner.Close(context.Background())
	})
	mustExecute(t, owner, `CREATE USER MAPPING FOR knowing SERVER other OPTIONS (password 'a secret'); SELECT lo_from_bytea(5002, 'a secret')`)
	subjects := []Subject{
		{"", Catalog, "roles"}, {"app", Catalog, "user mappings"}, {"app", Catalog, "pages of large objects"},
	}
	digest := func() []Sum {
		s := newSnapshot(t, database)
		d, err := s.digest(t.Context(), subjects)
		if err != nil {
			t.Fatal(err)
		}
		told := []any{d}
		for _, subject := range subjects {
			for _, ask := range []func() ([]Group, error){
				func() ([]Group, error) { return s.buckets(t.Context(), subject, 1) },
				func() ([]Group, error) { return s.keys(t.Context(), subject, 1, 0) },
			} {
				groups, err := ask()
				if err != nil {
					t.Fatal(err)
				}
				told = append(told, groups)
			}
		}
		text, err := json.Marshal(told)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"secret", "SCRAM", "password", fmt.Sprintf("%x", "a secret")} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%q is in %s", secret, text)
			}
		}
		slices.SortFunc(d.Sums, func(a, b Sum) int { return compareSubjects(a.Subject, b.Subject) })
		return d.Sums
	}
	before := digest()
	mustExecute(t, owner, `ALTER ROLE knowing PASSWORD 'another secret';
		ALTER USER MAPPING FOR knowing SERVER other OPTIONS (SET password 'b secret'); SELECT lo_put(5002, 0, 'b')`)
	after := digest()
	if len(before) != len(subjects) || len(after) != len(subjects) {
		t.Fatalf("%v, %v", before, after)
	}
	for i := range before {
		if before[i].Problem != "" || before[i].Rows == 0 || before[i].Rows != after[i].Rows || before[i].Checksum == after[i].Checksum {
			t.Errorf("%v became %v", before[i], after[i])
		}
	}
	conn := newSnapshot(t, database).Sites[0].Conn
	for _, sql := range []string{
		"SELECT rolpassword FROM pg_authid", "SELECT umoptions FROM pg_user_mapping", "SELECT data FROM pg_largeobject", "SELECT * FROM public.notes",
	} {
		err := aside(t.Context(), conn, func() error { return execute(t.Context(), conn, sql) })
		if of, ok := errors.AsType[*pgconn.PgError](err); !ok || of.Code != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestOnlyRowsOfTables(t *testing.T) {
	// The extension reads no rows but those of users' permanent tables.
	database := newDatabase(t)
	mustExecute(t, server.connect(t, database), `
		CREATE RULE instead AS ON INSERT TO rich DO INSTEAD NOTHING;
		CREATE MATERIALIZED VIEW empty AS SELECT 1 WITH NO DATA`)
	conn := newSnapshot(t, database).Sites[0].Conn
	for relation, want := range map[string]string{
		"rich": "42809", "away": "42809", "ids": "42809", "parts": "42809", "local_only": "42809", "owners": "42809",
		"pg_authid": "42809", "2830": "42809", "empty": "55000", "1": "42P01", "accounts": "",
	} {
		for _, call := range []string{"barista_sum_rows('%s'::regclass, 1)", "barista_row_keys('%s'::regclass, 1, 0, 300)"} {
			sql := fmt.Sprintf("SET LOCAL search_path = pg_catalog, public; SELECT FROM "+call, relation)
			err := aside(t.Context(), conn, func() error { return execute(t.Context(), conn, sql) })
			got := ""
			if of, ok := errors.AsType[*pgconn.PgError](err); ok {
				got = of.Code
			}
			if got != want || err != nil && got == "" {
				t.Errorf("%s: %v, not %s", sql, err, want)
			}
		}
	}
}
