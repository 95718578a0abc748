package randomsql

import (
	"fmt"
	"strings"
)

// block runs statements on rows and a schema change in a DO block, each in an exception block of its own.
func (w *Writer) block() (string, effect) {
	var body strings.Builder
	for range 1 + w.r.IntN(3) {
		fmt.Fprintf(&body, "BEGIN %s; EXCEPTION WHEN OTHERS THEN INSERT INTO diary (what) VALUES ('caught ' || SQLSTATE); END; ", w.inBlock())
	}
	return fmt.Sprintf("DO $do$ BEGIN %sEND $do$", body.String()), nothing
}

// inBlock is a statement that gives no rows and of which nobody needs to know whether it succeeded.
func (w *Writer) inBlock() string {
	t := pick(w, w.now.tables)
	switch w.r.IntN(5) {
	case 0:
		return fmt.Sprintf("ALTER TABLE %s SET (fillfactor = %d)", t.name, 50+w.r.IntN(50))
	case 1:
		return fmt.Sprintf("COMMENT ON TABLE %s IS %s", t.name, quoted(word(w.r)))
	default:
		sql, _ := pick(w, []func(*Writer) (string, effect){(*Writer).insert, (*Writer).change, (*Writer).remove})(w)
		return strings.TrimSuffix(sql, " RETURNING *")
	}
}
