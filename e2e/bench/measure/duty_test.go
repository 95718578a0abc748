package measure

import "testing"

func TestDuty(t *testing.T) {
	// Processes that do the same have one name, whatever they are at right now.
	for title, want := range map[string]string{
		"bin/barista start --config x":                                      "c",
		"postgres: barista-n1: postgres postgres 127.0.0.1(4711) COMMIT":    "client backend",
		"postgres: barista-n2: barista postgres [local] SELECT":             "apply backend",
		"postgres: barista-n1: walwriter":                                   "walwriter",
		"postgres: walsender postgres 127.0.0.1(4711) streaming 0/15D8C000": "walsender",
		"postgres: walreceiver streaming 0/15D8C000":                        "walreceiver",
		"postgres: startup recovering 000000010000000000000015":             "startup",
		"postgres: autovacuum worker postgres":                              "autovacuum worker",
		"postgres: ":                                                        "c",
	} {
		if got := Duty("c", title); got != want {
			t.Errorf("Duty(%q) = %q, want %q", title, got, want)
		}
	}
}
