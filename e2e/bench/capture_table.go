package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A table is one that works change: a key k, then columns of some types, named by the type's letter and a number.
type table struct {
	name    string
	columns []column
}

// A column is one column of a table, and the values that it gets.
type column struct {
	name, kind string
	from       string // an expression of the integer expression %s
	text       string // what that is for the integer %d, in COPY's text form
}

// The tables: one as pgbench's accounts, one of 100 columns and rows of 1 kB, and one of types that are dearer to write down.
var (
	narrow = newTable("narrow", 1, 0, 0, 0, 0, 1, 84)
	wide   = newTable("wide", 30, 19, 10, 10, 5, 25, 20)
	types  = table{"types", []column{
		{"i1", "int", "(%s)::int", "%d"},
		{"j", "jsonb", `('{"cup": ' || (%s) || ', "kind": ["ristretto", "lungo"], "sugar": null}')::jsonb`, `{"cup": %d, "kind": ["ristretto", "lungo"], "sugar": null}`},
		{"e", "size", "CASE (%s) %% 2 WHEN 0 THEN 'small' ELSE 'large' END::size", "small"},
		{"v", "interval", "(%s) * interval '1 minute'", "%d minutes"},
		{"a", "inet", "'10.0.0.0'::inet + (%s) %% 100000", "10.0.0.1"},
		{"u", "uuid", "md5((%s)::text)::uuid", "00112233-4455-6677-8899-aabbccddeeff"},
		{"w", "text[]", "ARRAY['word', (%s)::text]", "{word,%d}"},
		{"n", "int[]", "ARRAY[%s, 2, 3]", "{%d,2,3}"},
		{"d", "moment", "('2026-01-01 00:00:00+00'::timestamptz + (%s) * interval '1 second')::moment", "2026-01-01 00:00:00+00"},
		{"r", "tstzrange", "tstzrange('2026-01-01 00:00:00+00'::timestamptz, '2026-01-02 00:00:00+00'::timestamptz + (%s) * interval '1 second')",
			`["2026-01-01 00:00:00+00","2026-01-02 00:00:00+00")`},
	}}
)

// createTypes makes the types of the table types.
const createTypes = "CREATE TYPE size AS ENUM ('small', 'large'); CREATE DOMAIN moment AS timestamptz CHECK (value > '2000-01-01 00:00:00+00')"

// newTable makes a table with so many columns of each type; texts have so many bytes.
func newTable(name string, ints, bigints, stamps, numerics, flags, texts, bytes int) table {
	filler := strings.Repeat("x", bytes-6)
	t := table{name: name}
	for _, c := range []struct {
		letter, kind, from, text string
		number                   int
	}{
		{"i", "int", "(%s)::int", "%d", ints},
		{"b", "bigint", "(%s)::bigint * 1000003", "%d000003", bigints},
		{"s", "timestamptz", "'2026-01-01 00:00:00+00'::timestamptz + (%s) * interval '1 second'", "2026-01-01 00:00:%02d+00", stamps},
		{"n", "numeric(12,2)", "(%s)::numeric / 100", "%d.25", numerics},
		{"f", "boolean", "(%s) %% 2 = 0", "t", flags},
		{"t", fmt.Sprintf("varchar(%d)", bytes), "'" + filler + "' || ((%s) %% 100000)::text", filler + "%d", texts},
	} {
		for i := range c.number {
			text := c.text
			if strings.Contains(text, "%02d") {
				text = fmt.Sprintf(text, i) // an integer of a row would not do as seconds
			}
			t.columns = append(t.columns, column{fmt.Sprintf("%s%d", c.letter, i+1), c.kind, c.from, text})
		}
	}
	return t
}

// create makes the table with its rows.
func (t table) create() string {
	var text strings.Builder
	fmt.Fprintf(&text, "CREATE TABLE %s (k int PRIMARY KEY", t.name)
	for _, c := range t.columns {
		fmt.Fprintf(&text, ", %s %s", c.name, c.kind)
	}
	fmt.Fprintf(&text, ") WITH (fillfactor = 70); INSERT INTO %s SELECT i, %s FROM generate_series(1, %d) i", t.name, t.values("i"), tableRows)
	return text.String()
}

// values are the columns' expressions of an integer.
func (t table) values(of string) string {
	var list []string
	for _, c := range t.columns {
		list = append(list, fmt.Sprintf(c.from, of))
	}
	return strings.Join(list, ", ")
}

func (t table) insert() string {
	return fmt.Sprintf("INSERT INTO %s VALUES ($1, %s)", t.name, t.values("$2::int"))
}

func (t table) insertMany() string {
	return fmt.Sprintf("INSERT INTO %s SELECT %d + i, %s FROM generate_series(1, %d) i", t.name, tableRows, t.values("i"), many)
}

func (t table) updateOne() string {
	return fmt.Sprintf("UPDATE %s SET i1 = $2 WHERE k = $1", t.name)
}

func (t table) updateAll() string {
	var list []string
	for _, c := range t.columns {
		list = append(list, c.name+" = "+fmt.Sprintf(c.from, "$2::int"))
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE k = $1", t.name, strings.Join(list, ", "))
}

// line is a row as COPY reads it.
func (t table) line(k int) string {
	fields := []string{fmt.Sprint(k)}
	for _, c := range t.columns {
		if strings.Contains(c.text, "%d") {
			fields = append(fields, fmt.Sprintf(c.text, k))
		} else {
			fields = append(fields, c.text)
		}
	}
	return strings.Join(fields, "\t") + "\n"
}

// fresh are the arguments of an INSERT, present those of a change of a row that is there.
func (t table) fresh(r *rand.Rand) []any {
	return []any{tableRows + 1 + r.IntN(1<<28), r.IntN(100000)}
}

func (t table) present(r *rand.Rand) []any {
	return []any{1 + r.IntN(tableRows), r.IntN(100000)}
}
