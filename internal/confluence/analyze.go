package confluence

import (
	"fmt"
	"slices"
	"sort"
)

// Input is what Analyze reads.
type Input struct {
	Sources []Source
	// Mix gives transactions a weight by their name, over what annotations say.
	Mix map[string]float64
}

// A Report is everything that the analysis found. Its order depends on the input only.
type Report struct {
	Transactions []*Transaction `json:"transactions"`
	Invariants   []*Invariant   `json:"invariants"`
	Findings     []*Finding     `json:"findings"` // one for each invariant that a transaction has to do with
	Diagnostics  []Diagnostic   `json:"diagnostics"`
	Merge        MergePlan      `json:"merge"`
	Cost         Cost           `json:"cost"`
	Tables       int            `json:"tables"`
}

// MergePlan says how states of copies are merged: what the verdicts rest on. Rows merge by primary key: inserts are
// united, a delete beats an update, and of two updates the later one wins with its whole row; but for these columns.
type MergePlan struct {
	// Counters are columns, as table.column, that merge by adding up what was added.
	Counters []string `json:"counters,omitempty"`
	// DeferredIDs are columns whose number is assigned at commit.
	DeferredIDs []string `json:"deferred_ids,omitempty"`
	// Derived are UPDATE statements that bring totals up to date after a merge, in this order.
	Derived []string `json:"derived,omitempty"`
}

// Analyze analyses the input. It returns an error only if there is nothing to analyse; whatever else is wrong with the
// input is among the report's diagnostics.
func Analyze(in Input) (*Report, error) {
	r := &reader{catalog: newCatalog()}
	for _, s := range in.Sources {
		r.read(s)
	}
	r.resolve()
	transactions := r.analyseAll()
	if len(r.catalog.order) == 0 && len(transactions) == 0 {
		return &Report{Diagnostics: r.diagnostics}, errEmpty
	}
	for _, t := range transactions {
		if weight, found := in.Mix[t.Name]; found {
			t.Weight = weight
		}
	}
	for _, name := range sortedKeys(in.Mix) {
		if !slices.ContainsFunc(transactions, func(t *Transaction) bool { return t.Name == name }) {
			r.diagnostics = append(r.diagnostics, Diagnostic{Place{"mix", 1, 1}, Warning, "there is no transaction " + name})
		}
	}
	j := newJudge(r.catalog, transactions)
	j.planDerivations()
	report := &Report{
		Transactions: transactions, Invariants: j.invariants, Findings: j.verdicts(), Diagnostics: r.diagnostics,
		Merge: j.mergePlan(), Tables: len(r.catalog.order),
	}
	for _, t := range transactions {
		report.Diagnostics = append(report.Diagnostics, j.notesOn(t)...)
	}
	report.Diagnostics = tidy(report.Diagnostics)
	report.Cost = costOf(report)
	return report, nil
}

// tidy orders diagnostics by place and drops what is said twice.
func tidy(all []Diagnostic) []Diagnostic {
	sort.SliceStable(all, func(i, k int) bool { return all[i].Place.before(all[k].Place) })
	return slices.Compact(all)
}

// mergePlan says how the columns merge that do not merge with their row.
func (j *judge) mergePlan() MergePlan {
	var plan MergePlan
	for _, t := range j.catalog.order {
		for _, c := range t.columns {
			name := t.name + "." + c.name
			if j.counters[c] {
				plan.Counters = append(plan.Counters, name)
			}
			if j.numbered[c] || j.drawn[c] || c.sequence != "" {
				plan.DeferredIDs = append(plan.DeferredIDs, name)
			}
		}
	}
	for _, d := range inOrderOfNeed(j.derived) {
		plan.Derived = append(plan.Derived, d.sql())
	}
	return plan
}

// inOrderOfNeed puts what others need before them. There are no circles.
func inOrderOfNeed(all []*derivation) []*derivation {
	var out []*derivation
	done := make(map[*derivation]bool)
	var visit func(d *derivation)
	visit = func(d *derivation) {
		if done[d] {
			return
		}
		done[d] = true
		for _, other := range all {
			if contains(d.needs, columnOf{table: other.table, name: other.column}) {
				visit(other)
			}
		}
		out = append(out, d)
	}
	for _, d := range all {
		visit(d)
	}
	return out
}

// notesOn says what no declared invariant forbids, and what yet may surprise.
func (j *judge) notesOn(t *Transaction) []Diagnostic {
	var out []Diagnostic
	note := func(at Place, format string, args ...any) {
		out = append(out, Diagnostic{at, Note, fmt.Sprintf(format, args...)})
	}
	inserted := make(map[*table]bool)
	for _, op := range t.Operations {
		switch op.Kind {
		case Insert:
			j.remoteChecks(t, op, inserted, note)
			inserted[op.table] = true
		case Lock:
			note(op.Place, "SELECT FOR UPDATE in %s locks %s on one copy only: it keeps no other copy out", t.Name, op.table.name)
		case Update:
			for _, s := range op.Sets {
				own := op.table.name + "." + s.Column
				switch {
				case s.delta && !j.adds(op.table, s):
					note(op.Place, "%s adds to %s, which merges plainly because of its CHECK: of two concurrent additions one is lost", t.Name, own)
				case s.Effect == Computed && overlap(s.value.reads, []string{own}) && !j.isDerived(op.table, s.Column):
					note(op.Place, "%s computes %s from its old value: of two concurrent executions one is lost, and no declared invariant forbids it; write it as an increment if it is one", t.Name, own)
				}
			}
		}
	}
	return out
}

// isDerived reports whether a column is brought up to date after a merge.
func (j *judge) isDerived(t *table, column string) bool {
	for _, d := range j.derived {
		if d.table == t && d.column == column {
			return true
		}
	}
	return false
}

// remoteChecks notes rows that an insert refers to and that its transaction did not make.
func (j *judge) remoteChecks(t *Transaction, op *Operation, inserted map[*table]bool, note func(Place, string, ...any)) {
	for _, f := range op.table.foreign {
		if f.parent == nil || inserted[f.parent] || len(f.to) != len(f.columns) {
			continue
		}
		for i, name := range f.columns {
			if s, found := op.set(name); found && s.value.origin == chosen && s.value.text != "" && s.value.number == "" {
				note(op.Place, "%s requires a remote check for %s.%s: it must be in %s.%s, which needs no coordination", t.Name, op.table.name, name, f.parent.name, f.to[i])
				break
			}
		}
	}
}
