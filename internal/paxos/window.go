package paxos

import (
	"cmp"
	"maps"
	"slices"
)

// A window holds the entries that an acceptor accepted above its ChosenTo.
type window struct {
	entries  map[Index]Entry
	bytes    int    // of their bodies
	greatest Ballot // of all that were ever put in
}

func newWindow() window { return window{entries: make(map[Index]Entry)} }

func (w *window) get(i Index) (Entry, bool) {
	e, ok := w.entries[i]
	return e, ok
}

func (w *window) put(e Entry) {
	if old, ok := w.entries[e.Index]; ok && old.Ballot == e.Ballot && !old.Value.Equal(e.Value) {
		violated("index %d has two values at ballot %v", e.Index, e.Ballot)
	}
	w.bytes = w.bytesWith(e.Index, e.Value)
	w.entries[e.Index] = e
	w.greatest = max(w.greatest, e.Ballot)
}

// bytesWith returns what bytes would be with a value at an index.
func (w *window) bytesWith(i Index, v Value) int {
	return w.bytes - len(w.entries[i].Value.Body) + len(v.Body)
}

func (w *window) has(i Index) bool {
	_, ok := w.entries[i]
	return ok
}

func (w *window) drop(i Index) {
	w.bytes -= len(w.entries[i].Value.Body)
	delete(w.entries, i)
}

// dropTo forgets everything up to an index.
func (w *window) dropTo(i Index) {
	for at := range w.entries {
		if at <= i {
			w.drop(at)
		}
	}
}

// sorted returns all entries in index order.
func (w *window) sorted() []Entry {
	return slices.SortedFunc(maps.Values(w.entries), func(a, b Entry) int { return cmp.Compare(a.Index, b.Index) })
}
