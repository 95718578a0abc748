// Package measure turns what programs and the kernel print into numbers, and numbers into the ones worth comparing:
// results of pgbench, process statistics, medians. It is pure: text in, values out.
package measure

import (
	"cmp"
	"slices"
)

// Median returns the middle of the values, or the mean of the two in the middle; the zero value if there are none.
func Median[N ~int64 | ~float64](values []N) N {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return sorted[middle-1] + (sorted[middle]-sorted[middle-1])/2
}
