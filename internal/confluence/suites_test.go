package confluence

import (
	"slices"
	"testing"
)

// coordinated returns the names of the invariants of some kinds for which some transaction needs coordination, or may.
func coordinated(r *Report, kinds ...InvariantKind) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Verdict != None && (len(kinds) == 0 || slices.Contains(kinds, f.Invariant.Kind)) && !slices.Contains(out, f.Name) {
			out = append(out, f.Name)
		}
	}
	slices.Sort(out)
	return out
}

func TestTPCC(t *testing.T) {
	// Of TPC-C's twelve consistency conditions ten need no coordination. The other two wait for the district's next
	// order id, which is all that New-Order waits for.
	r := analyzeCase(t, "testdata/tpcc")
	declared := 0
	for _, i := range r.Invariants {
		if i.Kind == Declared {
			declared++
		}
	}
	if declared != 12 {
		t.Errorf("%d conditions, want 12", declared)
	}
	if got, want := coordinated(r, Declared), []string{"condition_2", "condition_3"}; !slices.Equal(got, want) {
		t.Errorf("conditions that need coordination: %q, want %q", got, want)
	}
	if got, want := coordinated(r), []string{"condition_2", "condition_3", "district.d_next_o_id"}; !slices.Equal(got, want) {
		t.Errorf("invariants that need coordination: %q, want %q", got, want)
	}
	for _, f := range r.Findings {
		if f.Verdict != None && (f.Verdict != Needed || f.Mechanism != DeferredID || f.Transaction != "new_order") {
			t.Errorf("%s, %s: %s by %s", f.Transaction, f.Name, f.Verdict, f.Mechanism)
		}
	}
	if c := r.Cost; c.OnlyID != 0.45 || c.Coordinated != 0 || c.Unclear != 0 {
		t.Errorf("cost %+v, want 45 %% for an id only", c)
	}
}

func TestSuites(t *testing.T) {
	// TATP needs no coordination at all, AuctionMark and SEATS for one invariant each, TPC-E's four conditions for none.
	for _, c := range []struct {
		dir  string
		want []string
	}{
		{"tatp", nil},
		{"auctionmark", []string{"item_purchase_ip_i_id_key"}},
		{"seats", []string{"reservation_r_f_id_r_seat_key"}},
		{"tpce", nil},
	} {
		r := analyzeCase(t, "testdata/"+c.dir)
		if got := coordinated(r); !slices.Equal(got, c.want) {
			t.Errorf("%s: invariants that need coordination: %q, want %q", c.dir, got, c.want)
		}
		for _, f := range r.Findings {
			if f.Verdict == Needed && f.Example == nil {
				t.Errorf("%s: no counter-example for %s", c.dir, f.Name)
			}
		}
	}
}
