package proxy

import (
	"strings"
	"testing"
)

const fatalBody = "SFATAL\x00VFATAL\x00C57P01\x00Mgone\x00\x00"

// play runs a script of messages: "c:Q" is from the client, "s:Z" from the server, "s:T" is a ReadyForQuery inside a
// transaction, and "s:!" a fatal error.
func play(t *testing.T, r *requests, script string) {
	t.Helper()
	for _, step := range strings.Fields(script) {
		from, kind := step[:2], step[2]
		switch {
		case from == "c:":
			r.fromClient(kind)
		case kind == 'Z':
			r.fromServer(msgReadyForQuery, []byte("I"))
		case kind == 'T':
			r.fromServer(msgReadyForQuery, []byte("T"))
		case kind == '!':
			r.fromServer(msgError, []byte(fatalBody))
		case kind == 'E':
			r.fromServer(msgError, []byte("SERROR\x00VERROR\x00C23505\x00\x00"))
		default:
			r.fromServer(kind, nil)
		}
	}
}

// After each script, the proxy knows whether the server owes an answer.
func TestOutstanding(t *testing.T) {
	tests := []struct {
		name, script string
		want         bool
	}{
		{"start-up", "s:R c:p s:R s:K s:Z", false},
		{"a query sent before the session was ready", "c:Q s:R s:Z", true},
		{"simple query", "s:Z c:Q", true},
		{"simple query answered", "s:Z c:Q s:D s:C s:Z", false},
		{"several statements in a simple query", "s:Z c:Q s:C s:C", true},
		{"a query that failed", "s:Z c:Q s:E s:Z", false},
		{"two queries in flight, one answered", "s:Z c:Q c:Q s:C s:Z", true},
		{"extended without a Sync", "s:Z c:P c:B c:E", true},
		{"a Flush is answered, but no Sync came", "s:Z c:P c:D c:H s:1 s:t", true},
		{"extended", "s:Z c:P c:B c:D c:E c:S s:1 s:2 s:C s:Z", false},
		{"a pipeline of two Syncs, one answered", "s:Z c:P c:B c:E c:S c:B c:E c:S s:C s:Z", true},
		{"a pipeline of two Syncs, answered", "s:Z c:P c:B c:E c:S c:B c:E c:S s:C s:Z s:C s:Z", false},
		{"function call", "s:Z c:F", true},
		{"function call answered", "s:Z c:F s:V s:Z", false},
		{"copy in, simple", "s:Z c:Q s:G c:d c:d", true},
		{"copy in, simple, done", "s:Z c:Q s:G c:d c:c s:C s:Z", false},
		{"copy in, simple, failed by the client", "s:Z c:Q s:G c:d c:f s:E s:Z", false},
		{"copy in, extended, with the Sync that the server ignores", "s:Z c:P c:B c:E c:S s:G c:d c:c c:S", true},
		{"the same, done", "s:Z c:P c:B c:E c:S s:G c:d c:c c:S s:C s:Z", false},
		{"the same, the ignored Sync arriving late", "s:Z c:P c:B c:E s:G c:S c:d c:c c:S s:C s:Z", false},
		{"the same, failed by the server", "s:Z c:P c:B c:E c:S s:G c:d s:E c:c c:S s:Z", false},
		{"copy in, extended, Flush", "s:Z c:P c:B c:E c:H s:G c:d c:c c:S s:C s:Z", false},
		{"copy out", "s:Z c:Q s:H s:d s:c", true},
		{"copy out, done", "s:Z c:Q s:H s:d s:c s:C s:Z", false},
		{"notices and notifications answer nothing", "s:Z s:N s:A s:S", false},
		{"open transaction", "s:Z c:Q s:T", false},
		{"goodbye", "s:Z c:X", false},
	}
	for _, test := range tests {
		var r requests
		play(t, &r, test.script)
		if got := r.outstanding(); got != test.want {
			t.Errorf("%s: outstanding = %v, want %v", test.name, got, test.want)
		}
	}
}

// A session may be ended at shutdown only when it is idle outside a transaction.
func TestQuiet(t *testing.T) {
	for script, want := range map[string]bool{
		"":                    false,
		"s:R":                 false,
		"s:Z":                 true,
		"s:Z c:Q":             false,
		"s:Z c:Q s:C s:T":     false,
		"s:Z c:Q s:C s:Z":     true,
		"s:Z c:P":             false,
		"s:Z c:Q s:G s:A":     false,
		"s:Z c:Q s:T c:Q":     false,
		"s:Z c:Q s:T c:Q s:Z": true,
	} {
		var r requests
		play(t, &r, script)
		if got := r.quiet(); got != want {
			t.Errorf("%q: quiet = %v, want %v", script, got, want)
		}
	}
}

// What the client is told at the end depends on how it ended and on what was under way; after the server's own last word, nothing.
func TestFailureAtTheEnd(t *testing.T) {
	tests := []struct {
		script string
		why    ending
		want   string
	}{
		{"s:R", leaderLost, "57P03"},
		{"s:Z", leaderLost, "08006"},
		{"s:Z", backendEnded, "08006"},
		{"s:Z c:Q s:T", backendEnded, "08006"},
		{"s:Z c:Q", backendEnded, "08007"},
		{"s:Z c:Q", leaderLost, "08007"},
		{"s:Z c:Q s:E", leaderLost, "08007"},
		{"s:Z c:Q s:!", backendEnded, ""},
		{"s:Z s:!", backendEnded, ""},
		{"s:! ", backendEnded, ""},
		{"s:Z c:X", backendEnded, ""},
		{"s:Z", clientBroke, "08P01"},
		{"s:Z c:Q", backendBroke, ""},
		{"s:Z c:Q", clientGone, ""},
		{"s:Z", shutdownIdle, "57P01"},
		{"s:Z c:Q", shutdownForce, "08007"},
		{"s:R", shutdownForce, "57P01"},
	}
	for _, test := range tests {
		r := newRelay("n2", nil)
		play(t, &r.requests, test.script)
		r.why = test.why
		got := ""
		if f := r.failure(); f != nil {
			got = f.SQLSTATE
		}
		if got != test.want {
			t.Errorf("%q ended by %d: told %q, want %q", test.script, test.why, got, test.want)
		}
	}
}
