package randomsql

import (
	"fmt"
	"strings"
)

// A part is a partition and the bound that it was made with.
type part struct{ name, bound string }

// partitioned makes a table and its partitions in one string of statements.
func (w *Writer) partitioned(t *table, sql string) (string, effect) {
	by := "HASH"
	bounds := []string{"FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"}
	if t.columns[t.find(t.key)].kind == kinds[0] && w.chance(2) { // integers from -5
		by, bounds = "RANGE", []string{"FOR VALUES FROM (MINVALUE) TO (7)", "FOR VALUES FROM (7) TO (20)", "DEFAULT"}
	}
	all := []string{fmt.Sprintf("%s PARTITION BY %s (%s)", sql, by, t.key)}
	for _, bound := range bounds {
		p := part{w.name("p"), bound}
		t.parts = append(t.parts, p)
		all = append(all, fmt.Sprintf("CREATE TABLE %s PARTITION OF %s %s", p.name, t.name, p.bound))
	}
	return strings.Join(all, "; "), func(w *Writer) { w.now.tables = append(w.now.tables, t) }
}

// reattach takes a partition away, writes what belongs to it or not, and puts it back, in one string of statements.
func (w *Writer) reattach() (string, effect) {
	t := pick(w, w.now.tables)
	columns := t.plain()
	if len(t.parts) == 0 || len(columns) == 0 {
		return w.change()
	}
	p := pick(w, t.parts)
	return fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s; INSERT INTO %s (%s) VALUES %s; UPDATE %s SET %s; ALTER TABLE %s ATTACH PARTITION %s %s",
		t.name, p.name, t.name, names(columns), w.rows(columns, 2), p.name, w.assignment(pick(w, columns)), t.name, p.name, p.bound), nothing
}
