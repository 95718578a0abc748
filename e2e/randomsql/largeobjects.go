package randomsql

import "fmt"

// LargeObjects asks for all large objects, page by page.
const LargeObjects = "SELECT format('%s %s %s %s', l.oid, p.pageno, length(p.data), md5(p.data))" +
	" FROM pg_largeobject_metadata l LEFT JOIN pg_largeobject p ON p.loid = l.oid"

// largeObject makes, changes, reads or removes one of a few large objects, which may be there or not.
func (w *Writer) largeObject() (string, effect) {
	object := 1001 + w.r.IntN(4)
	var sql string
	switch w.r.IntN(8) {
	case 0, 1:
		sql = fmt.Sprintf("SELECT lo_from_bytea(%d, repeat('%c', %d)::bytea)", object, 'a'+rune(w.r.IntN(26)), w.r.IntN(9000))
	case 2:
		sql = fmt.Sprintf("SELECT lo_unlink(%d)", object)
	case 3:
		sql = fmt.Sprintf("SELECT lo_truncate64(lo_open(%d, 131072), %d)", object, w.r.IntN(12000))
	case 4:
		sql = LargeObjects
	default:
		sql = fmt.Sprintf("SELECT lo_put(%d, %d, repeat('%c', %d)::bytea)", object, w.r.IntN(7)*2048+w.r.IntN(3), 'A'+rune(w.r.IntN(26)), w.r.IntN(4000))
	}
	return sql, nothing
}
