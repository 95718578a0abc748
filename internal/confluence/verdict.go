package confluence

// Verdict says whether an operation needs coordination for an invariant.
type Verdict string

// The verdicts, as reports name them. What is Unknown counts as needing coordination.
const (
	None    Verdict = "none"
	Unknown Verdict = "unknown"
	Needed  Verdict = "needed"
)

// worse orders verdicts: what is needed outweighs what is unknown, and that what is not.
func (v Verdict) worse(than Verdict) bool {
	rank := map[Verdict]int{None: 0, Unknown: 1, Needed: 2}
	return rank[v] > rank[than]
}

// Mechanism is what makes an operation safe.
type Mechanism string

// The mechanisms, as reports name them.
const (
	// PlainMerge unites rows by primary key; a delete beats an update, and of two updates the later one wins with its
	// whole row.
	PlainMerge Mechanism = "plain merge"
	// Counter merges a column by adding up what was added on each side; an assignment replaces what it is added to.
	Counter Mechanism = "counter"
	// AtomicVisibility shows all that a transaction wrote at once or nothing of it (RAMP), together with what is derived
	// from it: cascading deletes, indexes, materialized views and totals are brought up to date in the same step.
	AtomicVisibility Mechanism = "atomic visibility"
	// DeferredID has a transaction run with a temporary id, and asks for the real one only when it commits.
	DeferredID Mechanism = "deferred id"
	// Coordination lets the transaction run only when everything before it is merged, and nothing beside it.
	Coordination Mechanism = "coordination"
)

// A Finding is the verdict on one operation, or one transaction, for one invariant.
type Finding struct {
	Transaction string     `json:"transaction"`
	Invariant   *Invariant `json:"-"`
	Name        string     `json:"invariant"`
	Operation   string     `json:"operation"`
	Subject     string     `json:"subject"` // what needs coordination: table.column or the invariant's name
	Place       Place      `json:"place"`
	Verdict     Verdict    `json:"verdict"`
	Mechanism   Mechanism  `json:"mechanism"`
	Why         string     `json:"why"`
	Suggestion  string     `json:"suggestion,omitempty"`
	Example     *Example   `json:"counter_example,omitempty"`
}

func none(m Mechanism, why string) *Finding {
	return &Finding{Verdict: None, Mechanism: m, Why: why}
}

func needed(why string) *Finding {
	return &Finding{Verdict: Needed, Mechanism: Coordination, Why: why}
}

func unclear(why string) *Finding {
	return &Finding{Verdict: Unknown, Mechanism: Coordination, Why: why}
}

// suggest adds what the owner could do instead.
func (f *Finding) suggest(text string) *Finding {
	f.Suggestion = text
	return f
}
