package node

import "testing"

// Of two clusters that meet, never do both go on, and a larger one is not stopped by a smaller one.
func TestOneOfTwoClustersYields(t *testing.T) {
	for own := range 8 {
		for others := range 8 {
			if !yields(own, others) && !yields(others, own) {
				t.Errorf("clusters of %d and %d voters both go on", own, others)
			}
			if own > others && yields(own, others) {
				t.Errorf("%d voters give way to %d", own, others)
			}
		}
	}
}
