package changeset

import (
	"encoding/json"
	"testing"
)

func TestPosition(t *testing.T) {
	// A position is index and ordinal, ordered by both, and survives text and JSON.
	ordered := []Position{0, At(1, 0), At(1, 1), At(1, MaxSets-1), At(2, 0), At(1<<48-1, MaxSets-1)}
	for i, p := range ordered {
		if i > 0 && ordered[i-1] >= p {
			t.Errorf("%v is not below %v", ordered[i-1], p)
		}
		if At(p.Index(), p.Ordinal()) != p {
			t.Errorf("%v does not come back from its parts", p)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back Position
		if err := json.Unmarshal(text, &back); err != nil || back != p {
			t.Errorf("%s came back as %v, %v", text, back, err)
		}
	}
	if got := At(123, 0).String(); got != "123.0" {
		t.Errorf("At(123, 0) is written %s", got)
	}
}

func TestParsePositionRefuses(t *testing.T) {
	// Text that is no position is an error.
	for _, s := range []string{"", "1", "1.", ".1", "1.65536", "-1.0", "1.-1", "281474976710656.0", "1.0.0", " 1.0"} {
		if p, err := ParsePosition(s); err == nil {
			t.Errorf("%q was read as %v", s, p)
		}
	}
}

func TestAtPanics(t *testing.T) {
	// An ordinal or index that does not fit is a bug, not a wrong position.
	for name, at := range map[string]func(){
		"ordinal":  func() { At(1, MaxSets) },
		"negative": func() { At(1, -1) },
		"index":    func() { At(1<<48, 0) },
	} {
		if !panics(at) {
			t.Errorf("%s: no panic", name)
		}
	}
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}
