package main

import (
	"strings"
	"testing"
	"time"
)

func TestCaptureLine(t *testing.T) {
	// What capture costs is told by the median of the rounds' own ratios: a round in which the machine was slow says as much as another.
	var costs []cost
	for _, slow := range []time.Duration{1, 1, 7, 2} {
		costs = append(costs, cost{off: 1000 * slow, on: 1100 * slow})
	}
	line := captureLine(work{name: "brewing"}, costs)
	if got, want := strings.Join(strings.Fields(line), " "), "brewing 1.50 1.65 +0.15 +10.0% +10.0% +10.0 to +10.0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWideTable(t *testing.T) {
	// The wide table has 100 columns and rows of about 1 kB, and COPY's lines have a field for each.
	if n := 1 + len(wide.columns); n != 100 {
		t.Errorf("it has %d columns", n)
	}
	if line := wide.line(7); strings.Count(line, "\t") != 99 || strings.Contains(line, "%") || len(line) < 900 {
		t.Errorf("a line is %q", line)
	}
}
