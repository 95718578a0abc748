package main

import (
	"testing"
	"time"
)

func TestLongestCommit(t *testing.T) {
	// The longest commit is looked for among those that were under way between two moments; the usual one is the median of all.
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	commits := []write{{at(0), at(50)}, {at(60), at(61)}, {at(70), at(90)}, {at(100), at(102)}, {at(110), at(210)}}
	for _, c := range []struct{ from, to, want int }{
		{0, 1000, 100}, // all
		{55, 105, 20},  // neither those before nor those after
		{80, 105, 20},  // one that had begun
		{55, 65, 1},
		{91, 99, 0}, // none
	} {
		if got := longest(commits, at(c.from), at(c.to)); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("from %d to %d: %v, want %d ms", c.from, c.to, got, c.want)
		}
	}
	if got := usual(commits); got != 20*time.Millisecond {
		t.Errorf("usual: %v", got)
	}
	if got := usual(nil); got != 0 {
		t.Errorf("usual of none: %v", got)
	}
}
