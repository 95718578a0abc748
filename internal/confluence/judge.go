package confluence

// A judge applies the rules to the operations. It knows all transactions, since a merge rule for a column, and the
// promise that two facts only ever change in one direction, rest on what everybody does.
type judge struct {
	catalog      *catalog
	transactions []*Transaction
	invariants   []*Invariant
	txn          *Transaction // under judgement

	updates  map[*table][]*Operation // of all transactions, also by cascade
	inserts  map[*table][]*Operation
	deletes  map[*table][]*Operation
	counters map[*tableColumn]bool
	derived  []*derivation
	drawn    map[*tableColumn]bool // columns that get numbers of a sequence, but not by default
	numbered map[*tableColumn]bool // columns that hand out numbers: read, incremented and used in a key
}

func newJudge(c *catalog, transactions []*Transaction) *judge {
	j := &judge{
		catalog: c, transactions: transactions, updates: make(map[*table][]*Operation), inserts: make(map[*table][]*Operation),
		deletes: make(map[*table][]*Operation), counters: make(map[*tableColumn]bool), numbered: make(map[*tableColumn]bool), drawn: make(map[*tableColumn]bool),
	}
	for _, t := range transactions {
		t.cascade()
		for _, op := range t.Operations {
			op.Table = op.table.name
			switch op.Kind {
			case Update:
				j.updates[op.table] = append(j.updates[op.table], op)
			case Insert:
				j.inserts[op.table] = append(j.inserts[op.table], op)
			case Delete:
				j.deletes[op.table] = append(j.deletes[op.table], op)
			}
		}
	}
	j.invariants = c.invariants()
	j.findCounters()
	j.findNumbered()
	return j
}

// cascade adds the operations that foreign keys do by themselves.
func (t *Transaction) cascade() {
	type action struct {
		key  *foreignKey
		kind OperationKind
	}
	seen := make(map[action]bool)
	for i := 0; i < len(t.Operations); i++ {
		op := t.Operations[i]
		for _, f := range op.table.referenced {
			does := f.onDelete
			if op.Kind == Update && op.writes(f.to) {
				does = f.onUpdate
			} else if op.Kind != Delete {
				continue
			}
			done := &Operation{Kind: Update, table: f.child, Range: true, Cascade: f.name, Place: op.Place}
			switch {
			case seen[action{f, op.Kind}]:
				continue
			case does == "c" && op.Kind == Delete:
				done.Kind = Delete
			case does == "c" || does == "n" || does == "d":
				for _, name := range f.columns {
					v := value{origin: absent, text: "NULL"}
					if does != "n" {
						v = chosenValue("cascaded")
					}
					done.Sets = append(done.Sets, newSet(f.child, name, v, ""))
				}
			default:
				continue
			}
			seen[action{f, op.Kind}] = true
			t.Operations = append(t.Operations, done)
		}
	}
}

// findCounters decides which columns merge as counters: those that somebody adds to, unless a CHECK excludes single
// values and nothing asks for a total. Then the column merges plainly, and of two additions one is lost.
func (j *judge) findCounters() {
	for _, ops := range j.updates {
		for _, op := range ops {
			for _, s := range op.Sets {
				if c := op.table.index[s.Column]; s.delta && c != nil {
					j.counters[c] = true
				}
			}
		}
	}
	for c := range j.counters {
		bounded, excluded := false, false
		for _, i := range j.invariants {
			switch r := i.rule.(type) {
			case checkRule:
				b, e := r.demands(c)
				bounded, excluded = bounded || b, excluded || e
			case *claimRule:
				bounded = bounded || r.totals(c)
			}
		}
		if excluded && !bounded {
			delete(j.counters, c)
		}
	}
}

// adds reports whether a set merges as a delta.
func (j *judge) adds(t *table, s Set) bool { return s.delta && j.counters[t.index[s.Column]] }

// assignedBy returns the columns of a list that some transaction sets otherwise than by adding.
func (j *judge) assignedBy(t *table, columns []string) []string {
	var out []string
	for _, op := range j.updates[t] {
		for _, s := range op.Sets {
			if overlap([]string{s.Column}, columns) && !j.adds(t, s) {
				out = append(out, s.Column)
			}
		}
	}
	return unique(out)
}

// findNumbered finds columns that hand out numbers: a transaction reads one, adds to it, and uses what it read in a
// key. They are sequences that the application keeps in a row.
func (j *judge) findNumbered() {
	for _, t := range j.transactions {
		for _, op := range t.Operations {
			if op.Kind != Insert {
				continue
			}
			for _, s := range op.Sets {
				if c := op.table.index[s.Column]; s.value.origin == sequential && c.sequence == "" && !t.fills(s.value.sequence) {
					j.drawn[c] = true
				}
			}
			for _, k := range op.table.keys {
				if c := t.numberOf(op, k.columns); c != nil && !j.numbered[c] {
					j.numbered[c] = true
				}
			}
		}
	}
	for _, t := range j.catalog.order {
		for _, c := range t.columns {
			if j.drawn[c] {
				i := &Invariant{Name: t.name + "." + c.name, Kind: Sequential, Table: t.name, Columns: []string{c.name}, Place: c.place, rule: sequentialRule{t, c}}
				j.invariants = append(j.invariants, i)
			}
			if j.numbered[c] {
				i := &Invariant{Name: t.name + "." + c.name, Kind: Sequential, Table: t.name, Columns: []string{c.name}, Place: c.place, rule: handOutRule{t, c}}
				j.invariants = append(j.invariants, i)
			}
		}
	}
}

// fills reports whether the transaction inserts a row whose column draws from the sequence by default: then the number
// elsewhere refers to that row.
func (t *Transaction) fills(sequence string) bool {
	for _, op := range t.Operations {
		for _, s := range op.Sets {
			if op.Kind == Insert && s.value.origin == sequential && s.value.sequence == sequence && op.table.index[s.Column].sequence == sequence {
				return true
			}
		}
	}
	return false
}

// numberOf returns the column that handed out the number in an insert's key, if the key is unique by that number: it
// holds the number and everything that says which row handed it out.
func (t *Transaction) numberOf(op *Operation, columns []string) *tableColumn {
	texts := make(map[string]bool)
	for _, name := range columns {
		s, _ := op.set(name)
		texts[s.value.text] = true
	}
	for _, name := range columns {
		s, found := op.set(name)
		v := s.value
		if !found || v.origin != read || v.table == nil || v.row == "" || v.row == self {
			continue
		}
		from := t.increments(v.table, v.column)
		if from == nil || rowOf(from) != v.row || v.table.primary == nil {
			continue
		}
		step, _ := from.set(v.column)
		whole := step.value.shift == Positive || step.value.shift == Negative
		for _, part := range v.table.primary.columns {
			b, _ := from.bound(part)
			whole = whole && texts[b.text]
		}
		if whole {
			return v.table.index[v.column]
		}
	}
	return nil
}

// verdicts judges every operation by every invariant. Of several operations of a transaction that one invariant
// judges, the worst counts; of equals the first.
func (j *judge) verdicts() []*Finding {
	byTable := make(map[*table][]*Invariant)
	for _, i := range j.invariants {
		for _, t := range j.touching(i) {
			byTable[t] = append(byTable[t], i)
		}
	}
	var out []*Finding
	for _, t := range j.transactions {
		j.txn = t
		worst := make(map[*Invariant]*Finding)
		var order []*Invariant
		for _, op := range t.Operations {
			for _, i := range byTable[op.table] {
				f := i.rule.judge(j, op)
				if f == nil {
					continue
				}
				f.complete(t, i, op)
				old := worst[i]
				if old == nil {
					order = append(order, i)
				}
				if old == nil || f.Verdict.worse(old.Verdict) || f.Verdict == None && old.Verdict == None && old.Mechanism == PlainMerge && f.Mechanism != PlainMerge {
					worst[i] = f
				}
			}
		}
		for _, i := range order {
			out = append(out, worst[i])
		}
		for _, u := range t.unknown {
			i := &Invariant{Name: "unknown code", Kind: UnknownCode, Place: u.place}
			f := unclear(u.why)
			f.complete(t, i, &Operation{Kind: "CODE", Place: u.place})
			f.Subject = t.Name
			out = append(out, f)
		}
	}
	return out
}

// touching returns the tables whose operations an invariant may judge.
func (j *judge) touching(i *Invariant) []*table {
	switch r := i.rule.(type) {
	case foreignRule:
		if r.f.parent != nil && r.f.parent != r.f.child {
			return []*table{r.f.child, r.f.parent}
		}
		return []*table{r.f.child}
	case derivedRule:
		return r.tables
	case *claimRule:
		return r.tables
	}
	if t := j.catalog.tables[i.Table]; t != nil {
		return []*table{t}
	}
	return nil
}

// complete fills in what every finding says.
func (f *Finding) complete(t *Transaction, i *Invariant, op *Operation) {
	f.Transaction, f.Invariant, f.Name, f.Operation, f.Place = t.Name, i, i.Name, op.what(), op.Place
	if f.Subject == "" {
		f.Subject = i.Name
	}
}
