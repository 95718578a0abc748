package measure

import (
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	// The median is the middle value, whatever the order, and the mean of the two in the middle of an even number.
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	if got := Median([]time.Duration{3 * time.Second, time.Second}); got != 2*time.Second {
		t.Errorf("the median of 3 s and 1 s is %v, want 2 s", got)
	}
}
