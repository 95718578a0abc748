package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
)

// results are the outcomes of all rounds, by load and lane.
type results map[string][]outcome

func key(l load, lane string) string { return l.String() + ": " + lane }

func (r results) add(l load, in lane, o outcome) {
	k := key(l, in.Name)
	r[k] = append(r[k], o)
}

// median is the median of one number of all outcomes of a load in a lane; 0 if there are none.
func median[N ~int64 | ~float64](r results, l load, lane string, number func(outcome) N) N {
	var numbers []N
	for _, o := range r[key(l, lane)] {
		numbers = append(numbers, number(o))
	}
	return measure.Median(numbers)
}

func tps(o outcome) float64 { return o.TPS }

// The lines of a report.
const (
	headLine = "\n%-26s %8s %10s %10s %8s %9s %8s %8s\n"
	laneLine = "%-26s %8.0f %10.3f %10.3f %8.1f %9.0f %8s %8s\n"
)

// report is a table of the medians: one block for each load, one line for each lane.
func report(o commitOptions, lanes []lane, r results) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\nmedians of %d rounds of %d s, scale %d, prepared protocol\n", o.rounds, o.seconds, o.scale)
	for _, l := range o.loads() {
		fmt.Fprintf(&text, headLine, l, "tps", "latency ms", "CPU s/1000", "switches", "behind ms", "/ plain", "/ quorum")
		for _, lane := range lanes {
			fmt.Fprintf(&text, laneLine, "  "+lane.Name,
				median(r, l, lane.Name, tps),
				inMilliseconds(median(r, l, lane.Name, func(o outcome) time.Duration { return o.Latency })),
				1000*median(r, l, lane.Name, func(o outcome) time.Duration { return o.cpu }).Seconds(),
				median(r, l, lane.Name, func(o outcome) float64 { return o.switches }),
				inMilliseconds(median(r, l, lane.Name, func(o outcome) time.Duration { return o.behind })),
				ratio(r, l, lane.Name, "plain"), ratio(r, l, lane.Name, "quorum"))
		}
	}
	text.WriteString("\nCPU s/1000: processor seconds of all of a contender's processes for 1000 transactions, until every copy has them\n" +
		"switches: context switches of all of a contender's processes for one transaction\n" +
		"behind: how long it took after a run until every copy had everything\n")
	return text.String()
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// ratio compares the medians of the throughput in two lanes.
func ratio(r results, l load, lane, to string) string {
	base := median(r, l, to, tps)
	if base == 0 || lane == to {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(r, l, lane, tps)/base)
}
