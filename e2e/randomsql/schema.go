package randomsql

import (
	"fmt"
	"slices"
	"strings"
)

func (w *Writer) createTable() (string, effect) {
	if len(w.now.tables) >= 8 {
		return w.insert()
	}
	t := &table{name: w.name("t")}
	var parts []string
	for i := range 1 + w.r.IntN(6) {
		c := column{name: w.name("c"), kind: pick(w, kinds)}
		text := c.name + " " + c.kind.name
		switch {
		case i == 0 && c.kind.keyed && !w.chance(3):
			t.key = c.name
			c.unique = true
			text += " PRIMARY KEY"
		case w.chance(8) && c.kind.keyed:
			text += " NOT NULL"
		case w.chance(6):
			text += " DEFAULT " + c.kind.value(w.r)
		}
		t.columns = append(t.columns, c)
		parts = append(parts, text)
	}
	switch {
	case w.chance(4):
		c := column{name: w.name("c"), kind: kinds[0], computed: true}
		t.columns = append(t.columns, c)
		parts = append(parts, c.name+" "+pick(w, []string{"serial", "integer GENERATED ALWAYS AS IDENTITY"}))
	case w.chance(4):
		c := column{name: w.name("c"), kind: kinds[7], computed: true}
		parts = append(parts, fmt.Sprintf("%s text GENERATED ALWAYS AS ('n' || (%s IS NULL)::int) STORED", c.name, t.columns[0].name))
		t.columns = append(t.columns, c)
	}
	sql := fmt.Sprintf("CREATE TABLE %s (%s)", t.name, strings.Join(parts, ", "))
	if t.key != "" && w.chance(3) {
		return w.partitioned(t, sql)
	}
	return sql, func(w *Writer) { w.now.tables = append(w.now.tables, t) }
}

func (w *Writer) dropTable() (string, effect) {
	t := pick(w, w.now.tables)
	return "DROP TABLE " + t.name, func(w *Writer) { w.now.drop(t.name) }
}

func (w *Writer) addColumn() (string, effect) {
	t := pick(w, w.now.tables)
	c := column{name: w.name("c"), kind: pick(w, kinds)}
	sql := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", t.name, c.name, c.kind.name)
	if w.chance(2) {
		sql += " DEFAULT " + c.kind.value(w.r)
	}
	return sql, func(w *Writer) {
		if t := w.now.table(t.name); t != nil {
			t.columns = append(t.columns, c)
		}
	}
}

func (w *Writer) dropColumn() (string, effect) {
	t := pick(w, w.now.tables)
	if len(t.columns) < 2 {
		return w.insert()
	}
	c := pick(w, t.columns[1:])
	return fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", t.name, c.name), func(w *Writer) {
		if t := w.now.table(t.name); t != nil {
			t.drop(c.name)
		}
	}
}

func (w *Writer) renameColumn() (string, effect) {
	t := pick(w, w.now.tables)
	if len(t.columns) < 2 {
		return w.insert()
	}
	i := 1 + w.r.IntN(len(t.columns)-1)
	old, fresh := t.columns[i].name, w.name("c")
	return fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", t.name, old, fresh), func(w *Writer) {
		if t := w.now.table(t.name); t != nil {
			t.columns[t.find(old)].name = fresh
		}
	}
}

func (w *Writer) addIndex() (string, effect) {
	t := pick(w, w.now.tables)
	c := pick(w, t.columns)
	if !c.kind.keyed {
		return w.insert()
	}
	switch w.r.IntN(4) {
	case 0:
		return fmt.Sprintf("CREATE INDEX ON %s ((%s IS NULL), %s)", t.name, c.name, c.name), nothing
	case 1:
		return fmt.Sprintf("CREATE UNIQUE INDEX ON %s (%s) WHERE %s IS NOT NULL", t.name, c.name, c.name), func(w *Writer) {
			if t := w.now.table(t.name); t != nil {
				t.columns[t.find(c.name)].unique = true
			}
		}
	case 2:
		return fmt.Sprintf("CREATE INDEX %s ON %s (%s DESC NULLS LAST)", w.name("i"), t.name, c.name), nothing
	default:
		return fmt.Sprintf("CREATE INDEX ON %s (%s)", t.name, c.name), nothing
	}
}

func (w *Writer) addConstraint() (string, effect) {
	t := pick(w, w.now.tables)
	c := pick(w, t.columns)
	if !c.kind.keyed {
		return w.insert()
	}
	switch w.r.IntN(3) {
	case 0:
		return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s <> %s)", t.name, w.name("k"), c.name, c.kind.value(w.r)), nothing
	case 1:
		return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE (%s) DEFERRABLE INITIALLY DEFERRED", t.name, w.name("k"), c.name), nothing
	default:
		return fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", t.name, c.name, c.kind.value(w.r)), nothing
	}
}

func (w *Writer) addTrigger() (string, effect) {
	t := pick(w, w.now.tables)
	events := pick(w, []string{"INSERT", "UPDATE", "DELETE", "INSERT OR UPDATE OR DELETE"})
	switch w.r.IntN(3) {
	case 0:
		return fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION sometimes_not()", w.name("g"), events, t.name), nothing
	case 1:
		return fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION note()", w.name("g"), events, t.name), nothing
	default:
		return fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION tally()", w.name("g"), events, t.name), nothing
	}
}

func (w *Writer) switchTriggers() (string, effect) {
	t := pick(w, w.now.tables)
	return fmt.Sprintf("ALTER TABLE %s %s TRIGGER ALL", t.name, pick(w, []string{"ENABLE", "DISABLE"})), nothing
}

// eventTrigger makes an event trigger, or drops or switches one. What they do is in Prelude.
func (w *Writer) eventTrigger() (string, effect) {
	if len(w.now.eventTriggers) == 0 || (len(w.now.eventTriggers) < 3 && w.chance(3)) {
		name := w.name("e")
		sql := fmt.Sprintf("CREATE EVENT TRIGGER %s ON %s", name, pick(w, []string{
			"ddl_command_start EXECUTE FUNCTION heard()", "ddl_command_end EXECUTE FUNCTION ended()", "table_rewrite EXECUTE FUNCTION heard()",
			"ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION indexed()", "sql_drop EXECUTE FUNCTION dropped()",
		}))
		return sql, func(w *Writer) { w.now.eventTriggers = append(w.now.eventTriggers, name) }
	}
	name := pick(w, w.now.eventTriggers)
	if w.chance(2) {
		return fmt.Sprintf("ALTER EVENT TRIGGER %s %s", name, pick(w, []string{"DISABLE", "ENABLE", "ENABLE ALWAYS"})), nothing
	}
	return "DROP EVENT TRIGGER " + name, func(w *Writer) {
		w.now.eventTriggers = slices.DeleteFunc(w.now.eventTriggers, func(n string) bool { return n == name })
	}
}

func (w *Writer) createSequence() (string, effect) {
	name := w.name("q")
	sql := fmt.Sprintf("CREATE SEQUENCE %s INCREMENT %d CACHE %d%s", name, 1+w.r.IntN(5), 1+w.r.IntN(3), pick(w, []string{"", " MAXVALUE 30 CYCLE"}))
	return sql, func(w *Writer) { w.now.sequences = append(w.now.sequences, name) }
}

func (w *Writer) useSequence() (string, effect) {
	if len(w.now.sequences) == 0 {
		return w.createSequence()
	}
	name := pick(w, w.now.sequences)
	switch w.r.IntN(5) {
	case 0:
		return fmt.Sprintf("SELECT setval('%s', %d)", name, 1+w.r.IntN(30)), nothing
	case 1:
		return fmt.Sprintf("ALTER SEQUENCE %s RESTART WITH %d", name, 1+w.r.IntN(30)), nothing
	default:
		return fmt.Sprintf("INSERT INTO diary (what) SELECT 'seq ' || nextval('%s') FROM generate_series(1, %d)", name, 1+w.r.IntN(4)), nothing
	}
}

// createAs makes a table of the rows of another.
func (w *Writer) createAs() (string, effect) {
	from := pick(w, w.now.tables)
	if len(w.now.tables) >= 8 || len(from.columns) == 0 {
		return w.insert()
	}
	t := &table{name: w.name("t")}
	for _, c := range from.columns {
		t.columns = append(t.columns, column{name: c.name, kind: c.kind})
	}
	return fmt.Sprintf("CREATE TABLE %s AS TABLE %s", t.name, from.name), func(w *Writer) { w.now.tables = append(w.now.tables, t) }
}

// changeType makes a column one of texts, which rewrites the table.
func (w *Writer) changeType() (string, effect) {
	t := pick(w, w.now.tables)
	columns := t.plain()
	if len(columns) < 2 {
		return w.insert()
	}
	c, using := columns[len(columns)-1], ""
	if w.chance(2) {
		using = fmt.Sprintf(" USING coalesce(%s::text, 'none')", c.name)
	}
	return fmt.Sprintf("ALTER TABLE %s ALTER %s DROP DEFAULT, ALTER %s TYPE text%s", t.name, c.name, c.name, using), func(w *Writer) {
		if t := w.now.table(t.name); t != nil {
			t.columns[t.find(c.name)].kind = kinds[7]
		}
	}
}

// addForeignKey has one table refer to another, of the rows that come from now on or of all.
func (w *Writer) addForeignKey() (string, effect) {
	from, to := pick(w, w.now.tables), pick(w, w.now.tables)
	if to.key == "" {
		return w.change()
	}
	key := to.columns[to.find(to.key)]
	for _, c := range from.plain() {
		if c.kind == key.kind && c.name != key.name {
			valid := pick(w, []string{"", " NOT VALID"})
			if len(from.parts) > 0 {
				valid = ""
			}
			return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s)%s%s", from.name, w.name("k"), c.name, to.name, key.name,
				pick(w, []string{"", " ON DELETE CASCADE", " ON UPDATE CASCADE ON DELETE SET NULL", " DEFERRABLE INITIALLY DEFERRED"}), valid), nothing
		}
	}
	return w.change()
}
