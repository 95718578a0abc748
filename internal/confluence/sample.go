package confluence

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A sampler makes up rows for counter-examples: as few columns as a table allows, and the rows that they refer to.
type sampler struct {
	catalog *catalog
	start   []string          // statements that make the rows that others refer to
	made    map[*table][]cell // the row that there is already of a table
	depth   int
	failed  bool // it did not manage
}

// A cell is a column with a value, as SQL.
type cell struct{ column, sql string }

func newSampler(c *catalog) *sampler {
	return &sampler{catalog: c, made: make(map[*table][]cell)}
}

func lookup(row []cell, column string) (string, bool) {
	for _, a := range row {
		if a.column == column {
			return a.sql, true
		}
	}
	return "", false
}

// parent makes the row of a table that others refer to, once, with the given values if it is made now.
func (s *sampler) parent(t *table, given []cell) []cell {
	if row, found := s.made[t]; found {
		return row
	}
	row := s.row(t, 1, given)
	s.made[t] = row
	s.start = append(s.start, insertSQL(t, row))
	return row
}

// row makes up the nth row of a table.
func (s *sampler) row(t *table, n int, given []cell) []cell {
	if s.depth++; s.depth > 20 {
		s.failed = true
	}
	defer func() { s.depth-- }()
	if s.failed {
		return nil
	}
	row := append([]cell(nil), given...)
	for _, f := range t.foreign {
		s.refer(t, f, &row)
	}
	for _, c := range t.columns {
		if _, found := lookup(row, c.name); found || c.computed != nil || !s.wants(t, c) {
			continue
		}
		sql := s.value(t, c, n)
		if sql == "" {
			s.failed = true
		}
		row = append(row, cell{c.name, sql})
	}
	t.keepApart(row, given)
	return inOrder(t, row)
}

// keepApart moves numbers that were made up such that CHECK constraints between columns hold, with room to spare.
func (t *table) keepApart(row, given []cell) {
	const room = 20
	for _, x := range t.checks {
		for _, a := range atomsOf(x.cond) {
			if len(a.terms) < 2 || a.op == "" || a.op == "=" || a.op == "<>" {
				continue
			}
			sum, free, known := a.constant, -1, true
			for i, c := range row {
				if a.terms[c.column] == 0 {
					continue
				}
				n, err := strconv.ParseFloat(c.sql, 64)
				known = known && err == nil
				sum += a.terms[c.column] * n
				if _, fixed := lookup(given, c.column); !fixed {
					free = i
				}
			}
			want := float64(room)
			if a.op[0] == '<' {
				want = -room
			}
			if !known || free < 0 || want > 0 && sum >= want || want < 0 && sum <= want {
				continue
			}
			n, _ := strconv.ParseFloat(row[free].sql, 64)
			row[free].sql = plainNumber(n + (want-sum)/a.terms[row[free].column])
		}
	}
}

// wants reports whether a column has to be given a value.
func (s *sampler) wants(t *table, c *tableColumn) bool {
	if t.primary != nil && overlap(t.primary.columns, []string{c.name}) {
		return true
	}
	return c.notNull && c.def == nil && c.sequence == ""
}

// refer fills in the columns of a foreign key, and makes the row that they refer to.
func (s *sampler) refer(t *table, f *foreignKey, row *[]cell) {
	var known []cell
	needed := false
	for i, name := range f.columns {
		if i >= len(f.to) || t.index[name] == nil {
			return
		}
		c := t.index[name]
		if sql, found := lookup(*row, name); found {
			known = append(known, cell{f.to[i], sql})
			needed = true
		}
		needed = needed || c.notNull && c.def == nil
	}
	if !needed || f.parent == nil || f.parent == t {
		return
	}
	parent := s.parent(f.parent, known)
	for i, name := range f.columns {
		if _, found := lookup(*row, name); !found {
			sql, _ := lookup(parent, f.to[i])
			*row = append(*row, cell{name, sql})
		}
	}
}

func inOrder(t *table, row []cell) []cell {
	var out []cell
	for _, c := range t.columns {
		if sql, found := lookup(row, c.name); found {
			out = append(out, cell{c.name, sql})
		}
	}
	return out
}

// value makes up the nth value of a column, one that its own CHECK constraints allow if they are simple.
func (s *sampler) value(t *table, c *tableColumn, n int) string {
	low, high := math.Inf(-1), math.Inf(1)
	for _, x := range t.checks {
		if !overlap(x.columns, []string{c.name}) {
			continue
		}
		for _, part := range x.cond.conjuncts() {
			if sql := firstOf(part, c.name, n); sql != "" {
				return sql
			}
		}
		for _, a := range atomsOf(x.cond) {
			if len(a.columns) == 1 && a.terms[c.name] != 0 {
				low, high = a.narrow(c.name, low, high)
			}
		}
	}
	if !math.IsInf(low, 0) || !math.IsInf(high, 0) {
		v := math.Max(float64(n), low)
		return plainNumber(math.Min(v, high))
	}
	return s.sample(c.typ, n)
}

// firstOf returns one of the values that a column may have by an IN list or an equality.
func firstOf(e expr, name string, n int) string {
	if e.kind != operator || len(e.args) != 2 || e.args[0].bare().name != name {
		return ""
	}
	switch e.name {
	case "in":
		if values := e.args[1].args; len(values) > 0 {
			return values[(n-1)%len(values)].sql()
		}
	case "=":
		if e.args[1].bare().kind == literal {
			return e.args[1].sql()
		}
	}
	return ""
}

// narrow takes an atom's bound on one column into account. Strict bounds are kept by one.
func (a atom) narrow(column string, low, high float64) (float64, float64) {
	k := a.terms[column]
	bound, op := -a.constant/k, a.op
	if k < 0 {
		op = mirror(op)
	}
	switch op {
	case ">":
		low = math.Max(low, bound+1)
	case ">=":
		low = math.Max(low, bound)
	case "<":
		high = math.Min(high, bound-1)
	case "<=":
		high = math.Min(high, bound)
	}
	return low, high
}

func plainNumber(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%g", f), ".0") }

// sample makes up the nth value of a type, or returns "" if it does not know the type.
func (s *sampler) sample(typ string, n int) string {
	for range len(s.catalog.domains) {
		if d := s.catalog.domains[typ]; d != nil {
			typ = d.typ
		}
	}
	if labels := s.catalog.enums[typ]; len(labels) > 0 {
		return quote(labels[(n-1)%len(labels)])
	}
	switch typ {
	case "int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid":
		return itoa(n)
	case "text", "varchar", "bpchar", "char", "citext", "name":
		return quote(string(rune('a' + (n-1)%26)))
	case "bool":
		return "false"
	case "date", "timestamp", "timestamptz":
		return quote(fmt.Sprintf("2026-01-%02d", n%28+1))
	case "time", "timetz":
		return quote(fmt.Sprintf("%02d:00", n%24))
	case "interval":
		return quote(fmt.Sprintf("%d hours", n))
	case "uuid":
		return quote(fmt.Sprintf("00000000-0000-0000-0000-%012d", n))
	case "json", "jsonb":
		return "'{}'"
	case "bytea":
		return quote(fmt.Sprintf(`\x%02x`, n%256))
	case "inet", "cidr":
		return quote(fmt.Sprintf("10.0.0.%d", n%256))
	case "int4range", "int8range", "numrange":
		return quote(fmt.Sprintf("[%d,%d)", n, n+1))
	case "daterange", "tsrange", "tstzrange":
		return quote(fmt.Sprintf("[2026-01-%02d,2026-01-%02d)", n%27+1, n%27+2))
	case "xml":
		return "'<a/>'"
	}
	if strings.HasSuffix(typ, "[]") {
		return "'{}'"
	}
	return ""
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// insertSQL writes a row as an INSERT.
func insertSQL(t *table, row []cell) string {
	var columns, values []string
	overriding := ""
	for _, a := range row {
		columns, values = append(columns, ident(a.column)), append(values, a.sql)
		if c := t.index[a.column]; c != nil && c.identity {
			overriding = "OVERRIDING SYSTEM VALUE "
		}
	}
	if len(columns) == 0 {
		return "INSERT INTO " + ident(t.name) + " DEFAULT VALUES"
	}
	return fmt.Sprintf("INSERT INTO %s (%s) %sVALUES (%s)", ident(t.name), strings.Join(columns, ", "), overriding, strings.Join(values, ", "))
}

// where writes the condition that finds a row by its primary key, or by all that is known of it.
func where(t *table, row []cell) string {
	var parts []string
	for _, a := range row {
		if t.primary == nil || overlap(t.primary.columns, []string{a.column}) {
			parts = append(parts, ident(a.column)+" = "+a.sql)
		}
	}
	return strings.Join(parts, " AND ")
}

// updateSQL writes an UPDATE of a row.
func updateSQL(t *table, row []cell, sets ...cell) string {
	var parts []string
	for _, a := range sets {
		parts = append(parts, ident(a.column)+" = "+a.sql)
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", ident(t.name), strings.Join(parts, ", "), where(t, row))
}
