package confluence

import (
	"fmt"
	"sort"
	"strings"
)

// Lines writes the report's diagnostics and what needs coordination as compilers do, one line each, in the order of
// their places.
func (r *Report) Lines() string {
	all := append([]Diagnostic(nil), r.Diagnostics...)
	for _, f := range r.Findings {
		if f.Verdict != None {
			all = append(all, f.diagnostic())
		}
	}
	sort.SliceStable(all, func(i, k int) bool { return all[i].Place.before(all[k].Place) })
	var out strings.Builder
	for _, d := range all {
		fmt.Fprintf(&out, "%s: %s: %s\n", d.Place, d.Severity, oneLine(d.Text))
	}
	return out.String()
}

// diagnostic is a finding as a warning.
func (f *Finding) diagnostic() Diagnostic {
	text := fmt.Sprintf("%s requires coordination: %s in %s: %s [%s: %s]", f.Subject, f.Operation, f.Transaction, f.Why, f.Name, f.Mechanism)
	if f.Verdict == Unknown {
		text = fmt.Sprintf("%s: unknown, treated as needing coordination: %s in %s: %s [%s]", f.Subject, f.Operation, f.Transaction, f.Why, f.Name)
	}
	return Diagnostic{Place: f.Place, Severity: Warning, Text: text}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// marks are what the table shows for a verdict and its mechanism.
func (f *Finding) mark() string {
	switch {
	case f.Verdict == Unknown:
		return "?"
	case f.Verdict == Needed && f.Mechanism == DeferredID:
		return "ID"
	case f.Verdict == Needed:
		return "NEED"
	}
	return map[Mechanism]string{PlainMerge: "+", Counter: "C", AtomicVisibility: "A", DeferredID: "d"}[f.Mechanism]
}

// legend explains the marks.
const legend = "+ plain merge, C counter, A atomic visibility, d unique by a deferred id: no coordination\n" +
	"ID coordination for an id only, when the transaction commits; NEED coordination; ? unknown, treated as NEED\n"

// columns returns the invariants that a table shows: those that need more of some transaction than a plain merge.
func (r *Report) columns() (shown []*Invariant, folded int) {
	interesting, seen := make(map[*Invariant]bool), make(map[*Invariant]bool)
	for _, f := range r.Findings {
		seen[f.Invariant] = true
		if f.Verdict != None || f.Mechanism != PlainMerge && f.Invariant.Kind != Index && f.Invariant.Kind != MatView {
			interesting[f.Invariant] = true
		}
	}
	for _, i := range r.Invariants {
		switch {
		case interesting[i]:
			shown = append(shown, i)
		case seen[i]:
			folded++
		}
	}
	for _, f := range r.Findings {
		if f.Invariant.Kind == UnknownCode {
			shown = append(shown, f.Invariant)
		}
	}
	return shown, folded
}

// wide is the number of invariants from which on the table is written as a list.
const wide = 40

// Table writes the summary: a row for each transaction, a column for each invariant.
func (r *Report) Table() string {
	shown, folded := r.columns()
	var out strings.Builder
	cells := make(map[string]map[*Invariant]string)
	for _, t := range r.Transactions {
		cells[t.Name] = make(map[*Invariant]string)
	}
	for _, f := range r.Findings {
		cells[f.Transaction][f.Invariant] = f.mark()
	}
	width := len("TRANSACTION")
	for _, t := range r.Transactions {
		width = max(width, len(t.Name))
	}
	if len(shown) > wide {
		r.list(&out, shown, cells, width)
	} else {
		r.matrix(&out, shown, cells, width)
	}
	if folded > 0 {
		fmt.Fprintf(&out, "invariants that every transaction keeps by a plain merge, or that only follow their rows: %d\n", folded)
	}
	return out.String()
}

func (r *Report) matrix(out *strings.Builder, shown []*Invariant, cells map[string]map[*Invariant]string, width int) {
	fmt.Fprintf(out, "%-*s", width, "TRANSACTION")
	for i := range shown {
		fmt.Fprintf(out, " %4d", i+1)
	}
	out.WriteString("\n")
	for _, t := range r.Transactions {
		line := fmt.Sprintf("%-*s", width, t.Name)
		for _, i := range shown {
			mark := cells[t.Name][i]
			if mark == "" {
				mark = "."
			}
			line += fmt.Sprintf(" %4s", mark)
		}
		fmt.Fprintf(out, "%s\n", line)
	}
	out.WriteString(legend)
	for n, i := range shown {
		fmt.Fprintf(out, "%3d %s\n", n+1, i.title())
	}
}

// list writes a wide table as one line for each mark that stands for more than nothing.
func (r *Report) list(out *strings.Builder, shown []*Invariant, cells map[string]map[*Invariant]string, width int) {
	for _, t := range r.Transactions {
		for _, i := range shown {
			if mark := cells[t.Name][i]; mark != "" && mark != "+" {
				fmt.Fprintf(out, "%-*s %4s  %s\n", width, t.Name, mark, i.title())
			}
		}
	}
	out.WriteString(legend)
}

// title is an invariant in a few words.
func (i *Invariant) title() string {
	if i.Table != "" && i.Kind != Sequential && i.Kind != NotNull && i.Kind != MatView {
		return fmt.Sprintf("%s %s on %s", i.Kind, i.Name, i.Table)
	}
	return fmt.Sprintf("%s %s", i.Kind, i.Name)
}

// Suggestions writes what the owner could change, each once.
func (r *Report) Suggestions() string {
	var out strings.Builder
	said := make(map[string]bool)
	for _, f := range r.Findings {
		if f.Verdict != None && f.Suggestion != "" && !said[f.Suggestion] {
			said[f.Suggestion] = true
			fmt.Fprintf(&out, "%s: suggestion: %s\n", f.Place, oneLine(f.Suggestion))
		}
	}
	return out.String()
}

// CounterExamples writes how each thing that needs coordination breaks without it.
func (r *Report) CounterExamples() string {
	var out strings.Builder
	for _, f := range r.Findings {
		if f.Verdict != Needed {
			continue
		}
		fmt.Fprintf(&out, "%s: %s in %s against %s\n", f.Place, f.Operation, f.Transaction, f.Invariant.title())
		if f.Example == nil {
			out.WriteString("  no example: rows for these tables could not be made up\n\n")
			continue
		}
		f.Example.write(&out)
		out.WriteString("\n")
	}
	return out.String()
}

// write writes the example as SQL that a reader can follow.
func (e *Example) write(out *strings.Builder) {
	for _, s := range []struct {
		title      string
		statements []string
	}{{"both copies start with", e.Start}, {"one copy runs", e.First}, {"the other copy runs", e.Second}} {
		if len(s.statements) > 0 {
			fmt.Fprintf(out, "  -- %s\n", s.title)
		}
		for _, sql := range s.statements {
			fmt.Fprintf(out, "  %s;\n", sql)
		}
	}
	fmt.Fprintf(out, "  -- merged (%s): %s\n  %s; -- false\n", e.Merge, e.Merged, oneLine(e.Holds))
}

// Estimate writes the cost of coordination for the mix.
func (r *Report) Estimate() string {
	c := r.Cost
	mix := "each transaction counted once"
	if c.Weighted {
		mix = "by the given weights"
	}
	percent := func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
	return fmt.Sprintf("coordination (%s): none for %s; for an id only %s; for the whole transaction %s; unknown, so treated alike, %s\n",
		mix, percent(c.Free), percent(c.OnlyID), percent(c.Coordinated), percent(c.Unclear))
}

// String is the example as SQL with comments.
func (e *Example) String() string {
	var out strings.Builder
	e.write(&out)
	return out.String()
}
