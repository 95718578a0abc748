package randomsql

import (
	"fmt"
	"strings"
)

func names(columns []column) string {
	var all []string
	for _, c := range columns {
		all = append(all, c.name)
	}
	return strings.Join(all, ", ")
}

func (w *Writer) value(c column) string {
	if w.chance(12) {
		return "NULL"
	}
	return c.kind.value(w.r)
}

// rows returns 1 to most rows of values.
func (w *Writer) rows(columns []column, most int) string {
	var rows []string
	for range 1 + w.r.IntN(most) {
		var values []string
		for _, c := range columns {
			values = append(values, w.value(c))
		}
		rows = append(rows, "("+strings.Join(values, ", ")+")")
	}
	return strings.Join(rows, ", ")
}

func (w *Writer) returning() string {
	if w.chance(3) {
		return " RETURNING *"
	}
	return ""
}

func (w *Writer) insert() (string, effect) {
	t := pick(w, w.now.tables)
	columns := t.plain()
	if len(columns) == 0 {
		return fmt.Sprintf("INSERT INTO %s DEFAULT VALUES", t.name), nothing
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s%s", t.name, names(columns), w.rows(columns, 6), w.returning()), nothing
}

// where returns a condition that depends on values alone, not on where rows lie.
func (w *Writer) where(t *table) string {
	c := pick(w, t.columns)
	if !c.kind.keyed {
		return c.name + " IS NOT NULL"
	}
	switch w.r.IntN(4) {
	case 0:
		return c.name + " IS NULL"
	case 1:
		return fmt.Sprintf("%s = %s", c.name, c.kind.value(w.r))
	default:
		return fmt.Sprintf("%s %s %s", c.name, pick(w, []string{"<", ">=", "<>"}), c.kind.value(w.r))
	}
}

func (w *Writer) assignment(c column) string {
	if c.kind.change != "" && !c.unique && w.chance(2) {
		return fmt.Sprintf("%s = "+c.kind.change, c.name, c.name)
	}
	return fmt.Sprintf("%s = %s", c.name, w.value(c))
}

func (w *Writer) change() (string, effect) {
	t := pick(w, w.now.tables)
	columns := t.plain()
	if len(columns) == 0 {
		return w.insert()
	}
	set := w.assignment(pick(w, columns))
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s%s", t.name, set, w.where(t), w.returning()), nothing
}

func (w *Writer) remove() (string, effect) {
	t := pick(w, w.now.tables)
	if len(t.columns) == 0 {
		return w.insert()
	}
	return fmt.Sprintf("DELETE FROM %s WHERE %s%s", t.name, w.where(t), w.returning()), nothing
}

func (w *Writer) upsert() (string, effect) {
	t := pick(w, w.now.tables)
	columns := t.plain()
	if t.key == "" || len(columns) == 0 {
		return w.insert()
	}
	action := "DO NOTHING"
	if c := pick(w, columns); c.name != t.key {
		action = fmt.Sprintf("(%s) DO UPDATE SET %s = excluded.%s", t.key, c.name, c.name)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s ON CONFLICT %s%s", t.name, names(columns), w.rows(columns, 4), action, w.returning()), nothing
}

func (w *Writer) merge() (string, effect) {
	t := pick(w, w.now.tables)
	columns := t.plain()
	if t.key == "" || len(columns) == 0 || columns[0].name != t.key {
		return w.insert()
	}
	c := pick(w, columns)
	most := 3
	if len(columns) < len(t.columns) {
		most = 1 // which row a sequence's value goes to would depend on the plan
	}
	return fmt.Sprintf("MERGE INTO %s t USING (VALUES %s) s(%s) ON t.%s = s.%s"+
		" WHEN MATCHED AND %s THEN DELETE WHEN MATCHED THEN UPDATE SET %s = t.%s WHEN NOT MATCHED THEN INSERT (%s) VALUES (s.%s)",
		t.name, strings.ReplaceAll(w.rows(columns[:1], most), "NULL", columns[0].kind.value(w.r)), t.key, t.key, t.key,
		pick(w, []string{"true", "false"}), c.name, c.name, t.key, t.key), nothing
}

// chain moves rows from one table to the diary in one statement.
func (w *Writer) chain() (string, effect) {
	t := pick(w, w.now.tables)
	if len(t.columns) == 0 {
		return w.insert()
	}
	return fmt.Sprintf("WITH gone AS (DELETE FROM %s WHERE %s RETURNING 1) INSERT INTO diary (what) SELECT 'gone: ' || count(*) FROM gone",
		t.name, w.where(t)), nothing
}

func (w *Writer) query() (string, effect) {
	t := pick(w, w.now.tables)
	return fmt.Sprintf("SELECT t::text FROM %s t", t.name), nothing
}

func (w *Writer) truncate() (string, effect) {
	t := pick(w, w.now.tables)
	return fmt.Sprintf("TRUNCATE %s%s", t.name, pick(w, []string{"", " RESTART IDENTITY"})), nothing
}
