package randomsql

import "fmt"

func (w *Writer) begin() (string, effect) {
	if len(w.saved) > 0 {
		return w.savepoint()
	}
	level := pick(w, []string{"", " ISOLATION LEVEL REPEATABLE READ", " ISOLATION LEVEL SERIALIZABLE"})
	return "BEGIN" + level, func(w *Writer) { w.saved = append(w.saved, w.now.clone()) }
}

func (w *Writer) commit() (string, effect) {
	return "COMMIT", func(w *Writer) { w.saved = nil }
}

func (w *Writer) rollback() (string, effect) {
	return "ROLLBACK", func(w *Writer) {
		if len(w.saved) > 0 {
			w.now = w.saved[0]
		}
		w.saved, w.aborted = nil, false
	}
}

// savepoints are named by their depth; saved[0] belongs to BEGIN.
func (w *Writer) savepoint() (string, effect) {
	if len(w.saved) == 0 {
		return w.begin()
	}
	return fmt.Sprintf("SAVEPOINT s%d", len(w.saved)), func(w *Writer) { w.saved = append(w.saved, w.now.clone()) }
}

func (w *Writer) release() (string, effect) {
	if len(w.saved) < 2 {
		return w.insert()
	}
	to := 1 + w.r.IntN(len(w.saved)-1)
	return fmt.Sprintf("RELEASE s%d", to), func(w *Writer) { w.saved = w.saved[:to] }
}

func (w *Writer) rollbackTo() (string, effect) {
	if len(w.saved) < 2 {
		return w.insert()
	}
	to := 1 + w.r.IntN(len(w.saved)-1)
	return fmt.Sprintf("ROLLBACK TO s%d", to), func(w *Writer) {
		w.now = w.saved[to].clone()
		w.saved, w.aborted = w.saved[:to+1], false
	}
}
