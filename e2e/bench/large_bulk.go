package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// random10k is an expression for 10,000 bytes that cannot be compressed; gen_random_bytes gives at most 1024.
const random10k = "gen_random_bytes(1000)||gen_random_bytes(1000)||gen_random_bytes(1000)||gen_random_bytes(1000)||gen_random_bytes(1000)||" +
	"gen_random_bytes(1000)||gen_random_bytes(1000)||gen_random_bytes(1000)||gen_random_bytes(1000)||gen_random_bytes(1000)"

// columns is how many text columns of 50 bytes the table of 1 kB rows has.
const columns = 20

// savepoints is how deep subtransactions go, and blocks how many of them stand side by side.
const (
	savepoints = 5000
	blocks     = 20000
)

// bulks are large transactions of each kind, each of about so many megabytes.
func bulks(megabytes int) []bulk {
	kilobytes := megabytes * 1000
	list, values := "", ""
	for k := range columns {
		list += fmt.Sprintf(", c%d text", k)
		values += fmt.Sprintf(", lpad(i::text, 50, '%c')", 'a'+k)
	}
	columnTable := []string{
		"CREATE TABLE columns (k int PRIMARY KEY, n int" + list + ")",
		fmt.Sprintf("INSERT INTO columns SELECT i, 0%s FROM generate_series(1, %d) i", values, kilobytes/2),
		fmt.Sprintf("INSERT INTO columns SELECT i, 0%s FROM generate_series(%d, %d) i", values, kilobytes/2+1, kilobytes),
	}
	return []bulk{
		{"many narrow rows",
			statements("CREATE TABLE narrow (k int PRIMARY KEY, n int, filler char(84))"),
			statements("BEGIN", fmt.Sprintf("INSERT INTO narrow SELECT i, i, '' FROM generate_series(1, %d) i", 8*kilobytes))},
		{"rows of 10 kB",
			statements("CREATE EXTENSION IF NOT EXISTS pgcrypto", "CREATE TABLE wide (k int PRIMARY KEY, v bytea)"),
			statements("BEGIN", fmt.Sprintf("INSERT INTO wide SELECT i, %s FROM generate_series(1, %d) i", random10k, kilobytes/10))},
		{"one value of half the size",
			statements("CREATE EXTENSION IF NOT EXISTS pgcrypto", "CREATE TABLE value (k int PRIMARY KEY, v bytea)",
				"ALTER TABLE value ALTER v SET STORAGE external"),
			statements("BEGIN", fmt.Sprintf("INSERT INTO value SELECT 1, string_agg(gen_random_bytes(1000), '') FROM generate_series(1, %d)", kilobytes/2))},
		{"subtransactions",
			statements("CREATE TABLE nested (k serial PRIMARY KEY, v text)"),
			nest(kilobytes)},
		{"update of all rows",
			statements(columnTable...),
			statements("BEGIN", "UPDATE columns SET n = n + 1")},
		{"schema change that sends all rows",
			statements("DROP TABLE IF EXISTS columns", columnTable[0], columnTable[1], columnTable[2]),
			statements("BEGIN", "ALTER TABLE columns ADD COLUMN u uuid DEFAULT gen_random_uuid()")},
	}
}

// statements runs statements one after the other.
func statements(list ...string) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, conn *pgx.Conn) error {
		for _, one := range list {
			if _, err := conn.Exec(ctx, one); err != nil {
				return err
			}
		}
		return nil
	}
}

// nest makes subtransactions that lie within one another, and then many side by side, a third of which fail.
func nest(kilobytes int) func(context.Context, *pgx.Conn) error {
	deep, wide := kilobytes/2/savepoints, kilobytes/2/blocks
	return func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
			return err
		}
		insert := fmt.Sprintf("INSERT INTO nested (v) SELECT repeat('d', 1000) FROM generate_series(1, %d)", max(deep, 1))
		for range savepoints {
			if _, err := conn.Exec(ctx, "SAVEPOINT s; "+insert); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP BEGIN
			INSERT INTO nested (v) SELECT repeat('w', 1000) FROM generate_series(1, %d);
			IF i %% 3 = 0 THEN RAISE EXCEPTION 'undone'; END IF;
			EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$`, blocks, max(wide, 1)))
		return err
	}
}
