package confluence

import "testing"

func TestTableOfTheSlides(t *testing.T) {
	// Every line of the slides' table gets the slides' answer: Y is no coordination, N is coordination.
	r := analyzeCase(t, "testdata/slides_table")
	want := map[string]Verdict{
		"equality_any": None, "generated_id_any": None, "specified_id_insert": Needed, "greater_increment": None, "greater_decrement": Needed,
		"less_decrement": None, "less_increment": Needed, "foreign_key_insert": None, "foreign_key_delete": Needed,
		"foreign_key_delete_cascading": None, "index_and_view_any": None, "auto_increment_insert": Needed,
	}
	for name, verdict := range want {
		if got := verdictOn(r, name); got != verdict {
			t.Errorf("%s: %s, want %s", name, got, verdict)
		}
	}
	mechanisms := map[string]Mechanism{"greater_increment": Counter, "less_decrement": Counter, "foreign_key_insert": AtomicVisibility, "auto_increment_insert": DeferredID}
	for name, mechanism := range mechanisms {
		found := false
		for _, f := range r.Findings {
			found = found || f.Transaction == name && f.Mechanism == mechanism
		}
		if !found {
			t.Errorf("%s: no finding by %s", name, mechanism)
		}
	}
}

// verdictOn is the worst verdict on a transaction.
func verdictOn(r *Report, transaction string) Verdict {
	worst := None
	for _, f := range r.Findings {
		if f.Transaction == transaction && f.Verdict.worse(worst) {
			worst = f.Verdict
		}
	}
	return worst
}

func TestExamplesOfTheSlides(t *testing.T) {
	// Each of the slides' examples comes out as the slides say.
	for _, c := range []struct {
		dir, transaction string
		want             Verdict
		mechanism        Mechanism // of the worst finding, if coordination is needed
	}{
		{"slides_orders", "create_order", Needed, DeferredID}, // Orders.O_ID requires coordination
		{"slides_users_specific", "insert_with_specific_id", Needed, Coordination},
		{"slides_users_generated", "insert_record", None, ""},
		{"slides_department", "found_department", None, ""},
		{"slides_department", "add_employee", None, ""},
		{"slides_department", "dismiss", None, ""},
		{"slides_department", "close_department", Needed, Coordination},
		{"slides_staff", "change_staffing", Needed, Coordination},
	} {
		r := analyzeCase(t, "testdata/"+c.dir)
		if got := verdictOn(r, c.transaction); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.dir, c.transaction, got, c.want)
		}
		for _, f := range r.Findings {
			if f.Transaction == c.transaction && f.Verdict == Needed && f.Mechanism != c.mechanism {
				t.Errorf("%s, %s: %s by %s, want %s", c.dir, c.transaction, f.Name, f.Mechanism, c.mechanism)
			}
			if f.Verdict == Needed && f.Example == nil {
				t.Errorf("%s, %s: no counter-example for %s", c.dir, c.transaction, f.Name)
			}
		}
	}
}
