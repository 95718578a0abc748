package confluence

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// A merger merges two states that came from one, by the merge that the verdicts name: rows by primary key, inserts
// united, a delete beats an update, of two updates the winner's whole row, and counters by what was added.
type merger struct {
	catalog  *catalog
	counters map[string]bool    // table.column
	largest  map[string]bool    // table.column of numbers that were handed out one after the other
	assigned [2]map[string]bool // table.column that a side has assigned instead of added to
	upserts  map[string]bool    // tables into which both sides only upsert
	byColumn bool               // merge columns on their own instead of whole rows
	winner   int                // the side whose update is the later one
}

// merge merges two states.
func (m *merger) merge(base state, sides [2]state) state {
	out := make(state)
	for _, t := range m.catalog.order {
		if t.primary == nil {
			out[t.name] = mergeBag(base[t.name], sides[0][t.name], sides[1][t.name])
		} else {
			out[t.name] = m.mergeTable(t, base, sides)
		}
	}
	m.cascade(out)
	return out
}

// keyOf is a row's primary key as text.
func keyOf(t *table, row object) string {
	var parts []any
	for _, name := range t.primary.columns {
		parts = append(parts, row[name])
	}
	return jsonText(parts)
}

func jsonText(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func byKey(t *table, rows []object) map[string]object {
	out := make(map[string]object)
	for _, row := range rows {
		out[keyOf(t, row)] = row
	}
	return out
}

func (m *merger) mergeTable(t *table, base state, sides [2]state) []object {
	old := byKey(t, base[t.name])
	now := [2]map[string]object{byKey(t, sides[0][t.name]), byKey(t, sides[1][t.name])}
	var out []object
	for _, key := range sortedKeys(old) {
		a, inA := now[0][key]
		b, inB := now[1][key]
		if inA && inB {
			out = append(out, m.mergeRow(t, old[key], [2]object{a, b}))
		}
	}
	for _, key := range sortedKeys(now[0]) {
		b, both := now[1][key]
		if old[key] != nil {
			continue
		}
		switch {
		case !both:
			out = append(out, now[0][key])
		case m.upserts[t.name]:
			out = append(out, now[m.winner][key])
		default:
			out = append(out, now[0][key], b)
		}
	}
	for _, key := range sortedKeys(now[1]) {
		if old[key] == nil && now[0][key] == nil {
			out = append(out, now[1][key])
		}
	}
	return out
}

func (m *merger) mergeRow(t *table, old object, sides [2]object) object {
	changed := [2]bool{jsonText(sides[0]) != jsonText(old), jsonText(sides[1]) != jsonText(old)}
	from := sides[m.winner]
	if !changed[m.winner] {
		from = sides[1-m.winner]
	}
	row := make(object)
	for name := range old {
		row[name] = from[name]
		column := t.name + "." + name
		differs := [2]bool{jsonText(sides[0][name]) != jsonText(old[name]), jsonText(sides[1][name]) != jsonText(old[name])}
		switch {
		case m.counters[column]:
			row[name] = m.count(column, old[name], [2]any{sides[0][name], sides[1][name]}, differs)
		case m.byColumn && differs[m.winner]:
			row[name] = sides[m.winner][name]
		case m.byColumn:
			row[name] = sides[1-m.winner][name]
		}
	}
	return row
}

// count merges a counter.
func (m *merger) count(column string, old any, sides [2]any, differs [2]bool) any {
	if !differs[0] && !differs[1] {
		return old
	}
	if old == nil || sides[0] == nil || sides[1] == nil {
		if differs[m.winner] {
			return sides[m.winner]
		}
		return sides[1-m.winner]
	}
	base, a, b := rat(old), rat(sides[0]), rat(sides[1])
	if m.largest[column] {
		if a.Cmp(b) > 0 {
			return plain(a)
		}
		return plain(b)
	}
	set := [2]bool{m.assigned[0][column] && differs[0], m.assigned[1][column] && differs[1]}
	if set[0] && set[1] {
		return sides[m.winner]
	}
	return plain(new(big.Rat).Sub(new(big.Rat).Add(a, b), base)) // also with one assignment: its value plus the other's addition
}

func rat(v any) *big.Rat {
	r, ok := new(big.Rat).SetString(fmt.Sprint(v))
	if !ok {
		panic(fmt.Sprintf("not a number: %v", v))
	}
	return r
}

func plain(r *big.Rat) any {
	if r.IsInt() {
		return json.Number(r.Num().String())
	}
	return json.Number(r.FloatString(20))
}

// mergeBag merges a table without a key: what is left of the old rows, and what each side added.
func mergeBag(base, a, b []object) []object {
	count := func(rows []object) map[string]int {
		out := make(map[string]int)
		for _, row := range rows {
			out[jsonText(row)]++
		}
		return out
	}
	old, inA, inB := count(base), count(a), count(b)
	var out []object
	all := append(append(append([]object(nil), base...), a...), b...)
	done := make(map[string]bool)
	for _, row := range all {
		key := jsonText(row)
		if done[key] {
			continue
		}
		done[key] = true
		n := min(old[key], inA[key], inB[key]) + max(0, inA[key]-old[key]) + max(0, inB[key]-old[key])
		for range n {
			out = append(out, row)
		}
	}
	return out
}

// cascade repeats ON DELETE CASCADE after the merge.
func (m *merger) cascade(s state) {
	for changed := true; changed; {
		changed = false
		for _, t := range m.catalog.order {
			for _, f := range t.foreign {
				if f.onDelete != "c" || f.parent == nil {
					continue
				}
				before := len(s[t.name])
				s[t.name] = slices.DeleteFunc(s[t.name], func(row object) bool { return dangles(f, row, s[f.parent.name]) })
				changed = changed || len(s[t.name]) < before
			}
		}
	}
}

// dangles reports whether a row refers to a row that is not there.
func dangles(f *foreignKey, row object, parents []object) bool {
	for _, name := range f.columns {
		if row[name] == nil {
			return false
		}
	}
	return !slices.ContainsFunc(parents, func(parent object) bool {
		for i, name := range f.columns {
			if jsonText(row[name]) != jsonText(parent[f.to[i]]) {
				return false
			}
		}
		return true
	})
}
