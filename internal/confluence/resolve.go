package confluence

import "slices"

// resolve ties foreign keys to their tables, once all tables are known.
func (r *reader) resolve() {
	for _, t := range r.catalog.order {
		for _, f := range t.foreign {
			f.parent = r.catalog.table(f.parentName)
			if f.parent == nil {
				r.diagnostics = append(r.diagnostics, Diagnostic{f.place, Warning, "foreign key " + f.name + " refers to table " + f.parentName + ", which is not declared"})
				continue
			}
			if len(f.to) == 0 && f.parent.primary != nil {
				f.to = f.parent.primary.columns
			}
			if len(f.to) != len(f.columns) || !t.has(f.columns) || !f.parent.has(f.to) {
				r.diagnostics = append(r.diagnostics, Diagnostic{f.place, Warning, "foreign key " + f.name + " does not fit the key of table " + f.parentName})
				f.parent = nil
				continue
			}
			f.parent.referenced = append(f.parent.referenced, f)
		}
		for _, k := range t.keys {
			r.known(t, k.columns, k.place, "constraint "+k.name)
		}
		for _, c := range t.checks {
			r.known(t, c.columns, c.place, "constraint "+c.name)
		}
		for _, f := range t.foreign {
			r.known(t, f.columns, f.place, "constraint "+f.name)
		}
	}
}

// has reports whether the table has all the columns.
func (t *table) has(columns []string) bool {
	for _, name := range columns {
		if t.index[name] == nil {
			return false
		}
	}
	return true
}

// known warns of columns that a constraint names and the table does not have.
func (r *reader) known(t *table, columns []string, at Place, what string) {
	for _, name := range columns {
		if t.index[name] == nil {
			r.diagnostics = append(r.diagnostics, Diagnostic{at, Warning, what + ": table " + t.name + " has no column " + name})
		}
	}
}

// analyseAll turns scripts and functions into transactions.
func (r *reader) analyseAll() []*Transaction {
	var out []*Transaction
	for _, s := range r.transactions {
		out = append(out, r.analyseScript(s))
	}
	called := make(map[string]*Transaction)
	fired := make(map[string]bool)
	for _, t := range r.catalog.triggers {
		fired[t.function] = true
	}
	names := make(map[string]int)
	for _, f := range r.catalog.defs {
		if f.trigger || fired[f.name] {
			continue
		}
		t := r.analyseFunction(f)
		called[f.name] = t
		if names[f.name]++; names[f.name] > 1 {
			t.Name = f.name + "#" + itoa(names[f.name])
		}
		out = append(out, t)
	}
	for _, t := range out {
		t.inline(called, make(map[string]bool))
	}
	return slices.DeleteFunc(out, func(t *Transaction) bool { // functions that only compute
		return called[t.Name] == t && len(t.Operations) == 0 && len(t.unknown) == 0
	})
}

// inline adds to a transaction what the functions do that it calls.
func (t *Transaction) inline(functions map[string]*Transaction, seen map[string]bool) {
	calls := t.calls
	t.calls = nil
	for i := 0; i < len(calls); i++ {
		f := functions[calls[i]]
		if seen[calls[i]] || f == t {
			continue
		}
		seen[calls[i]] = true
		if f == nil {
			t.unknown = append(t.unknown, unknown{t.Place, "what function " + calls[i] + " does is not known"})
			continue
		}
		t.Operations = append(t.Operations, f.Operations...)
		t.unknown = append(t.unknown, f.unknown...)
		calls = append(calls, f.calls...)
	}
	t.calls = calls
}

// analyseScript analyses an annotated transaction.
func (r *reader) analyseScript(s *script) *Transaction {
	t := &Transaction{Name: s.name, Place: s.place, Weight: s.notes.weight, unknown: s.broken}
	w := &walker{catalog: r.catalog, txn: t, vars: make(env), assumes: s.notes.assumes}
	for _, st := range s.statements {
		w.names = st.names
		w.place = func(offset int) Place { return st.text.place(st.at + offset) }
		outputs := w.statement(st.node, 0)
		if st.gset {
			for _, o := range outputs {
				w.setVariable(o.name, o.value)
			}
		}
	}
	return t
}

// setVariable gives a variable a value. What it held before cannot be mistaken for it.
func (w *walker) setVariable(name string, v value) {
	if v.text == "" || v.origin == chosen || v.origin == read && v.row == "" {
		w.fresh++
		v.text = name + "#" + itoa(w.fresh)
	}
	w.vars[name] = v
}

// analyseFunction analyses a function as one transaction.
func (r *reader) analyseFunction(f *function) *Transaction {
	t := &Transaction{Name: f.name, Place: f.place, Weight: f.notes.weight}
	w := &walker{catalog: r.catalog, txn: t, vars: make(env), assumes: f.notes.assumes}
	w.place = func(int) Place { return f.place }
	for i, p := range f.params {
		v := chosenValue(":" + p.name)
		v.sign, v.known = r.catalog.signOfType(p.typ), f.strict
		w.vars["$"+itoa(i+1)] = v
		if p.name != "" {
			w.vars[p.name] = v
		}
	}
	w.assume(f.notes.assumes)
	switch {
	case len(f.stmts) > 0:
		w.place = func(offset int) Place { return f.source.place(f.at + offset) }
		for _, n := range f.stmts {
			w.statement(n, 0)
		}
	case f.language == "sql":
		w.sqlBody(f)
	case f.language == "plpgsql":
		w.plpgsql(f)
	default:
		w.unknownf(0, "function %s is in %s, which is not analysed", f.name, f.language)
	}
	return t
}

// signOfType returns the signs that a domain allows.
func (c *catalog) signOfType(name string) Sign {
	sign := anySign
	if d := c.domains[name]; d != nil {
		for _, cond := range d.checks {
			for _, part := range cond.conjuncts() {
				sign &= boundSign(part, "value")
			}
		}
	}
	return sign
}

// sqlBody analyses the body of a function in SQL.
func (w *walker) sqlBody(f *function) {
	for _, it := range split(f.body) {
		if it.key != "" {
			continue
		}
		at := it.offset
		w.place = func(offset int) Place {
			if f.bodyAt < 0 {
				return f.place
			}
			return f.source.place(f.bodyAt + at + offset)
		}
		tree, err := parse(it.statement)
		if err != nil {
			w.unknownf(0, "this statement of function %s does not parse: %v", f.name, err)
			continue
		}
		for _, raw := range tree {
			w.statement(raw.GetStmt(), 0)
		}
	}
}
