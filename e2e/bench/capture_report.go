package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
)

const (
	captureHeadLine = "%-38s %10s %10s %10s %8s %8s  %s\n"
	captureRowLine  = "%-38s %10.2f %10.2f %+10.2f %+7.1f%% %+7.1f%%  %+.1f to %+.1f\n"
)

func captureHead(o captureOptions) string {
	return fmt.Sprintf("\nprocessor time of the backend, for one row change; medians of %d rounds of about %d ms\n\n", o.rounds, o.slice) +
		fmt.Sprintf(captureHeadLine, "", "us off", "us on", "us more", "more", "at least", "middle half")
}

const captureFoot = "\noff: the extension is loaded, and nothing is captured or checked; on: captured. Rolled back, but for what says that the gate is in it\n" +
	"more: of the two slices of each round, of which half lie in the middle half\n" +
	"at least: of the cheapest slice of either. What others do on the machine makes slices dearer and none cheaper\n"

func captureLine(w work, costs []cost) string {
	var off, on, more []float64
	var ratios []float64
	for _, c := range costs {
		off, on = append(off, inMicroseconds(c.off)), append(on, inMicroseconds(c.on))
		more = append(more, inMicroseconds(c.on-c.off))
		ratios = append(ratios, 100*(float64(c.on)/float64(c.off)-1))
	}
	slices.SortFunc(ratios, cmp.Compare)
	return fmt.Sprintf(captureRowLine, w.name, measure.Median(off), measure.Median(on), measure.Median(more), measure.Median(ratios),
		100*(slices.Min(on)/slices.Min(off)-1), ratios[len(ratios)/4], ratios[len(ratios)-1-len(ratios)/4])
}

func inMicroseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
