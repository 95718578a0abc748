package randomsql

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is a type of a column.
type kind struct {
	name  string
	value func(r *rand.Rand) string // a literal
	// change is an expression of a new value from the old one, %s; empty: none.
	change string
	keyed  bool // has an order, so that it can be a key
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

var words = []string{"espresso", "latte", "ristretto", "crème", "", "it's", "flat white", "a\tb", "Ω"}

func word(r *rand.Rand) string { return words[r.IntN(len(words))] }

var kinds = []*kind{
	{"integer", func(r *rand.Rand) string { return fmt.Sprint(r.IntN(40) - 5) }, "%s + 1", true},
	{"bigint", func(r *rand.Rand) string { return fmt.Sprint(r.Int64N(1<<40) - 1<<20) }, "%s * 2", true},
	{"smallint", func(r *rand.Rand) string { return fmt.Sprint(r.IntN(40000) - 5000) }, "-%s", true},
	{"numeric", func(r *rand.Rand) string { return fmt.Sprintf("%d.%0*d", r.IntN(100), 1+r.IntN(4), r.IntN(10)) }, "%s / 3", true},
	{"numeric(6,2)", func(r *rand.Rand) string { return fmt.Sprintf("%d.5", r.IntN(12000)) }, "%s + 0.01", true},
	{"double precision", func(r *rand.Rand) string {
		return []string{"0.1", "-0.0", "'NaN'", "1e300", "'-Infinity'", "2.5"}[r.IntN(6)]
	}, "%s / 3", true},
	{"boolean", func(r *rand.Rand) string { return []string{"true", "false"}[r.IntN(2)] }, "NOT %s", true},
	{"text", func(r *rand.Rand) string { return quoted(word(r)) }, "%s || 'x'", true},
	{"text", func(r *rand.Rand) string {
		return fmt.Sprintf("repeat(md5('%d'), %d)", r.IntN(9), 1+r.IntN(400))
	}, "upper(%s)", false},
	{"varchar(8)", func(r *rand.Rand) string { return quoted(word(r)) }, "reverse(%s)", true},
	{"char(6)", func(r *rand.Rand) string { return quoted(fmt.Sprint(r.IntN(999))) }, "", true},
	{"bytea", func(r *rand.Rand) string { return fmt.Sprintf(`'\x%04x'`, r.IntN(1<<16)) }, "%s || '\\x00'", true},
	{"date", func(r *rand.Rand) string {
		return fmt.Sprintf("'20%02d-%02d-%02d'", r.IntN(30), 1+r.IntN(12), 1+r.IntN(29))
	}, "%s + 1", true},
	{"timestamptz", func(r *rand.Rand) string {
		return fmt.Sprintf("'2020-01-%02d %02d:00:00+%02d'", 1+r.IntN(28), r.IntN(24), r.IntN(12))
	}, "%s + interval '1 month'", true},
	{"interval", func(r *rand.Rand) string { return fmt.Sprintf("'%d days %d seconds'", r.IntN(9), r.IntN(99999)) }, "%s * 2", true},
	{"uuid", func(r *rand.Rand) string { return fmt.Sprintf("md5('%d')::uuid", r.IntN(50)) }, "", true},
	{"jsonb", func(r *rand.Rand) string { return fmt.Sprintf(`'{"a": %d, "b": [%d, null]}'`, r.IntN(9), r.IntN(9)) }, "%s || '{\"c\": 1}'", true},
	{"json", func(r *rand.Rand) string { return fmt.Sprintf(`'{"a":  %d}'`, r.IntN(9)) }, "", false},
	{"integer[]", func(r *rand.Rand) string { return fmt.Sprintf("'{%d,NULL,%d}'", r.IntN(9), r.IntN(9)) }, "%s || 7", true},
	{"text[]", func(r *rand.Rand) string { return fmt.Sprintf("ARRAY[%s, %s]", quoted(word(r)), quoted(word(r))) }, "", true},
	{"int4range", func(r *rand.Rand) string { return fmt.Sprintf("'[%d,%d)'", r.IntN(9), 9+r.IntN(9)) }, "", true},
	{"point", func(r *rand.Rand) string { return fmt.Sprintf("'(%d,%d)'", r.IntN(9), r.IntN(9)) }, "%s + '(1,1)'::point", false},
	{"inet", func(r *rand.Rand) string { return fmt.Sprintf("'10.0.%d.%d/24'", r.IntN(9), r.IntN(9)) }, "%s + 1", true},
	{"shade", func(r *rand.Rand) string { return []string{"'light'", "'medium'", "'dark'", "'burnt'"}[r.IntN(4)] }, "", true},
	{"spot", func(r *rand.Rand) string { return fmt.Sprintf("ROW(%d, %s)", r.IntN(9), quoted(word(r))) }, "", false},
	{"positive", func(r *rand.Rand) string { return fmt.Sprint(r.IntN(20) - 1) }, "%s - 1", true},
}

// Prelude is what a database needs before the first statement.
var Prelude = []string{
	"CREATE TYPE shade AS ENUM ('light', 'medium', 'dark')",
	"CREATE TYPE spot AS (n integer, t text)",
	"CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
	"CREATE TABLE diary (n bigserial PRIMARY KEY, what text)",
	`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO diary (what) VALUES (TG_TABLE_NAME || ' ' || TG_OP);
		RETURN coalesce(NEW, OLD); END $$`,
	`CREATE FUNCTION sometimes_not() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF md5(coalesce(NEW, OLD)::text) < '3' THEN RETURN NULL; END IF;
		RETURN coalesce(NEW, OLD); END $$`,
	`CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO diary (what) VALUES ('statement ' || TG_OP); RETURN NULL; END $$`,
	`CREATE FUNCTION heard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO diary (what) VALUES (TG_EVENT || ' ' || TG_TAG); END $$`,
	`CREATE FUNCTION ended() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO diary (what) SELECT command_tag || ' ' || coalesce(object_identity, '') FROM pg_event_trigger_ddl_commands(); END $$`,
	`CREATE FUNCTION dropped() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO diary (what) SELECT 'dropped ' || object_identity FROM pg_event_trigger_dropped_objects() WHERE original; END $$`,
	`CREATE FUNCTION indexed() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE made text; BEGIN
		FOR made IN SELECT object_identity FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP
			EXECUTE format('CREATE INDEX ON %s ((1)); COMMENT ON TABLE %s IS %L', made, made, made);
		END LOOP; END $$`,
}
