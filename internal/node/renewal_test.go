package node

import "testing"

func TestCopyThatDidNotHelp(t *testing.T) {
	// Shows after which copies it is the leader's turn to give one: when the data are again behind every log, or fail as those before did. Then most
	// likely whoever gave the last copy is no better.
	const at = "it could not apply what follows position 1A2/0, tried 10 times: ERROR: no such type (SQLSTATE 42704)"
	for _, test := range []struct {
		before, why string
		want        bool
	}{
		{"", tooOld, false},
		{tooOld, tooOld, false},
		{at, "it could not apply what follows position 1A2/0, tried 14 times: ERROR: no such type (SQLSTATE 42704)", false},
		{"it has failed in the same way at each of 5 starts: PANIC", at, true},
		{"", at, true},
	} {
		n := renewing{why: test.why, before: test.before}
		if got := n.helped(); got != test.want {
			t.Errorf("a copy made because %q, and now %q: helped is %v", test.before, test.why, got)
		}
	}
}
