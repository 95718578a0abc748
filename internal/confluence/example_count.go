package confluence

import "fmt"

// countExample has two copies change how many rows a claim counts, each by as much as it may.
func (r *claimRule) countExample(j *judge, op *Operation, p *part) *Example {
	counted, limit, ok := r.counted(p)
	if !ok || len(counted.from) != 1 || counted.from[0].primary == nil {
		return nil
	}
	s := newSampler(j.catalog)
	t := counted.from[0]
	yes, no, ok := counted.cells(s)
	if !ok {
		return nil
	}
	flips := len(yes) > 0
	e := &Example{Holds: r.claim.sql}
	var outer []cell
	if len(r.outer.tables) == 1 {
		limit = 2
		for _, other := range p.terms {
			if other.agg == "" {
				outer = append(outer, cell{other.column.name, "2"})
			}
		}
		row := s.parent(r.outer.tables[0], outer)
		for i, k := range counted.keys {
			sql, found := lookup(row, counted.to[i].name)
			if !found {
				return nil
			}
			yes, no = append(yes, cell{k.name, sql}), append(no, cell{k.name, sql})
		}
	}
	if limit < 0 || limit > 10 {
		return nil
	}
	n := 0
	add := func(cells []cell) []cell {
		n++
		row := s.row(t, n, cells)
		e.Start = append(e.Start, insertSQL(t, row))
		return row
	}
	upper := p.op[0] == '<' == (counted.coef > 0)
	switch {
	case p.op == "=" && limit > 0 && op.Kind == Update && flips && len(outer) == 0:
		for range limit - 1 {
			add(yes)
		}
		last, x, y := add(yes), add(no), add(no)
		e.First = []string{updateSQL(t, last, no...), updateSQL(t, x, yes...)}
		e.Second = []string{updateSQL(t, last, no...), updateSQL(t, y, yes...)}
		e.Merged = fmt.Sprintf("%d rows of %s are counted", limit+1, t.name)
	case upper && p.op != "=" && limit > 0 && op.Kind == Insert:
		for range limit - 1 {
			add(yes)
		}
		e.First, e.Second = []string{insertSQL(t, s.row(t, n+1, yes))}, []string{insertSQL(t, s.row(t, n+2, yes))}
		e.Merged = fmt.Sprintf("%d rows of %s are counted", limit+1, t.name)
	case upper && p.op != "=" && limit > 0 && op.Kind == Update && flips:
		for range limit - 1 {
			add(yes)
		}
		x, y := add(no), add(no)
		e.First, e.Second = []string{updateSQL(t, x, yes...)}, []string{updateSQL(t, y, yes...)}
		e.Merged = fmt.Sprintf("%d rows of %s are counted", limit+1, t.name)
	case !upper && p.op != "=" && op.Kind != Insert && len(outer) == 0:
		for range limit - 1 {
			add(yes)
		}
		x, y := add(yes), add(yes)
		e.First, e.Second = []string{"DELETE FROM " + ident(t.name) + " WHERE " + where(t, x)}, []string{"DELETE FROM " + ident(t.name) + " WHERE " + where(t, y)}
		if op.Kind == Update {
			if !flips {
				return nil
			}
			e.First, e.Second = []string{updateSQL(t, x, no...)}, []string{updateSQL(t, y, no...)}
		}
		e.Merged = fmt.Sprintf("%d rows of %s are counted", limit-1, t.name)
	default:
		return nil
	}
	return s.done(e)
}

// counted finds the one count of a part and the number that it is compared with, made inclusive.
func (r *claimRule) counted(p *part) (t *term, limit int, ok bool) {
	for i := range p.terms {
		x := &p.terms[i]
		switch {
		case x.agg == "count" && t == nil && (x.coef == 1 || x.coef == -1):
			t = x
		case x.agg == "" && len(r.outer.tables) == 1 && len(p.terms) == 2 && p.constant == 0:
		default:
			return nil, 0, false
		}
	}
	if t == nil || len(p.terms) == 1 && len(r.outer.tables) > 0 {
		return nil, 0, false
	}
	limit = int(-p.constant * t.coef)
	switch op := p.op; {
	case op == ">" && t.coef > 0, op == "<" && t.coef < 0:
		limit++
	case op == "<" && t.coef > 0, op == ">" && t.coef < 0:
		limit--
	}
	return t, limit, true
}

// cells returns what makes a row counted, and what makes it not.
func (t *term) cells(s *sampler) (yes, no []cell, ok bool) {
	for _, e := range t.conditions {
		switch {
		case e.kind == column:
			yes, no = append(yes, cell{e.name, "true"}), append(no, cell{e.name, "false"})
		case e.kind == operator && e.name == "=" && len(e.args) == 2 && e.args[1].bare().kind == literal && e.args[0].bare().kind == column:
			name := e.args[0].bare().name
			c := t.from[0].index[name]
			if c == nil {
				return nil, nil, false
			}
			yes = append(yes, cell{name, e.args[1].sql()})
			other := s.value(t.from[0], c, 1)
			if other == e.args[1].sql() {
				other = s.value(t.from[0], c, 2)
			}
			if other == e.args[1].sql() {
				other = "true"
			}
			no = append(no, cell{name, other})
		case e.kind == operator && e.name == "=" && len(e.args) == 2 && e.args[1].bare().kind == column && len(t.keys) > 0:
		default:
			return nil, nil, false
		}
	}
	return yes, no, true
}
