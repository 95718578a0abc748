package rivals

import "testing"

// Of two clusters that meet, never do both go on, and a larger one is not stopped by a smaller one.
func TestOneOfTwoClustersYields(t *testing.T) {
	for own := range 8 {
		for others := range 8 {
			if !Yields(own, others) && !Yields(others, own) {
				t.Errorf("clusters of %d and %d voters both go on", own, others)
			}
			if own > others && Yields(own, others) {
				t.Errorf("%d voters give way to %d", own, others)
			}
		}
	}
}

// A node tells once of each cluster that stops for its own, stops for one that has grown since, and after that for good.
func TestBookTellsOnce(t *testing.T) {
	own := Side{Cluster: [16]byte{1}, Voters: 3}
	var b Book
	for k, meeting := range []struct {
		other Side
		want  Verdict
	}{
		{Side{[16]byte{2}, 1}, GoesOn}, {Side{[16]byte{2}, 2}, Known}, {Side{[16]byte{3}, 1}, GoesOn}, {Side{[16]byte{2}, 3}, Stops},
		{Side{[16]byte{2}, 3}, Known}, {Side{[16]byte{4}, 1}, Known},
	} {
		if got := b.Meet(own, meeting.other); got != meeting.want {
			t.Errorf("meeting %d: %d, want %d", k, got, meeting.want)
		}
	}
	stopped := Book{}
	stopped.Stop()
	if got := stopped.Meet(own, Side{Voters: 9}); got != Known {
		t.Errorf("one that had stopped before: %d", got)
	}
}
