package randomsql

import (
	"fmt"
	"math/rand/v2"
)

// Writer writes statements. It is not safe for concurrent use.
type Writer struct {
	r       *rand.Rand
	now     *model
	saved   []*model // at BEGIN, then at each savepoint
	aborted bool     // the transaction has failed
	named   int      // names given so far
	effect  effect   // of the statement that was written last
}

// effect is what a statement does to the model if it succeeds.
type effect func(w *Writer)

func nothing(*Writer) {}

// New returns a writer for a database that holds Prelude and nothing else.
func New(seed uint64) *Writer {
	return &Writer{r: rand.New(rand.NewPCG(seed, 7)), now: &model{}, effect: nothing}
}

// Tables returns the names of the tables that there should be, Prelude's included.
func (w *Writer) Tables() []string {
	names := []string{"diary"}
	for _, t := range w.now.tables {
		names = append(names, t.name)
	}
	return names
}

// Next writes a statement.
func (w *Writer) Next() (sql string) {
	sql, w.effect = w.choose()
	return sql
}

// Last writes the statement that ends what is open; empty if nothing is.
func (w *Writer) Last() (sql string) {
	if len(w.saved) == 0 {
		return ""
	}
	if w.aborted {
		sql, w.effect = w.rollback()
		return sql
	}
	sql, w.effect = w.commit()
	return sql
}

// Succeeded says that the last statement did, and Failed that it did not.
func (w *Writer) Succeeded() {
	w.effect(w)
	w.effect = nothing
}

// Failed says that the last statement failed.
func (w *Writer) Failed() {
	w.effect = nothing
	w.aborted = len(w.saved) > 0
}

func (w *Writer) choose() (string, effect) {
	if w.aborted {
		if len(w.saved) > 1 && w.r.IntN(2) == 0 {
			return w.rollbackTo()
		}
		return w.rollback()
	}
	if len(w.now.tables) == 0 {
		return w.createTable()
	}
	n := w.r.IntN(total)
	for _, s := range statements {
		if n -= s.weight; n < 0 {
			return s.write(w)
		}
	}
	panic("randomsql: weights do not add up")
}

// name returns a new name.
func (w *Writer) name(what string) string {
	w.named++
	return fmt.Sprintf("%s%d", what, w.named)
}

func (w *Writer) chance(of int) bool { return w.r.IntN(of) == 0 }

func pick[T any](w *Writer, from []T) T { return from[w.r.IntN(len(from))] }
