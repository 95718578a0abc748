package measure

import (
	"testing"
	"time"
)

const summary = `pgbench (15.20 (Debian 15.20-0+deb12u1))
progress: 1.0 s, 1000.5 tps, lat 0.9 ms stddev 0.1, 0 failed
progress: 2.0 s, 2000.0 tps, lat 0.9 ms stddev 0.1, 0 failed
progress: 3.0 s, 3000.0 tps, lat 0.9 ms stddev 0.1, 0 failed
transaction type: <builtin: TPC-B (sort of)>
scaling factor: 20
query mode: prepared
number of clients: 8
number of threads: 2
maximum number of tries: 1
duration: 3 s
number of transactions actually processed: 6001
number of failed transactions: 2 (0.033%)
latency average = 1.250 ms
latency stddev = 0.100 ms
initial connection time = 4.405 ms
tps = 2001.562003 (without initial connection time)
`

func TestParseResult(t *testing.T) {
	// Every number of a run is found in pgbench's summary; a text without one is an error.
	got, err := ParseResult(summary)
	want := Result{Transactions: 6001, Failed: 2, TPS: 2001.562003, Latency: 1250 * time.Microsecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{"", "pgbench: error: connection to server failed\n", summary[:len(summary)-80]} {
		if got, err := ParseResult(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestProgress(t *testing.T) {
	// The ends of a run are compared by the lines of its progress report.
	seconds, err := ParseProgress(summary)
	if err != nil || len(seconds) != 3 || seconds[2] != (Second{At: 3 * time.Second, TPS: 3000}) {
		t.Fatalf("got %v, %v; want three lines", seconds, err)
	}
	if first, last := Ends(seconds, 1); first != 1000.5 || last != 3000 {
		t.Errorf("the ends are %v and %v, want 1000.5 and 3000", first, last)
	}
	if first, last := Ends(seconds, 2); first != 0 || last != 0 {
		t.Errorf("three seconds have ends of two: %v and %v", first, last)
	}
}
