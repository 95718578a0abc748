package measure

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	// A process's times are found also when its command has spaces and parentheses.
	got, err := ParseStat("812 (odd) name) S 700 812 812 0 -1 4194304 9 9 0 0 250 50 300 100 20 0 1 0 5 6 7 8\n")
	want := Process{PID: 812, Parent: 700, Command: "odd) name", CPU: 3 * time.Second, Buried: 4 * time.Second}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{"", "812", "812 (a) S 1", "x (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "1 (a) S y 2 3 4 5 6 7 8 9 10 11 12 13 14 15"} {
		if got, err := ParseStat(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestParseSwitches(t *testing.T) {
	// Both kinds of context switches count; a status without them is an error.
	got, err := ParseSwitches("Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n")
	if err != nil || got != 157 {
		t.Errorf("got %d, %v; want 157", got, err)
	}
	if got, err := ParseSwitches("Name:\tx\n"); err == nil {
		t.Errorf("a status without counters was read as %d", got)
	}
}
