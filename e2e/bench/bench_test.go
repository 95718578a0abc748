package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/internal/config"
)

func TestMistakes(t *testing.T) {
	// Every wrong argument is a mistake that names what is wrong, and nothing is started.
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "which measurement"},
		{[]string{"brew"}, "which measurement"},
		{[]string{"commit", "now"}, `"now" is one too many`},
		{[]string{"commit", "--rounds", "0"}, "--rounds 0"},
		{[]string{"commit", "--clients", "1,,8"}, `"1,,8"`},
		{[]string{"commit", "--contenders", "plain,oracle"}, `"oracle"`},
		{[]string{"commit", "--growth", "--seconds", "20"}, "--seconds 20"},
		{[]string{"commit", "--dir", "/dev/shm"}, "in memory"},
		{[]string{"failover", "--times", "-1"}, "--times -1"},
		{[]string{"profile", "--contender", "oracle"}, `"oracle"`},
		{[]string{"capture", "--only", "tea"}, `"tea"`},
		{[]string{"capture", "--slice", "0"}, "--slice 0"},
		{[]string{"large", "--megabytes", "0"}, "--megabytes 0"},
		{[]string{"large", "--door", "3"}, "--door 3"},
		{[]string{"large", "--only", "tea"}, `"tea"`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			err := dispatch(t.Context(), c.args, &bytes.Buffer{})
			if !config.IsMistake(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want a mistake with %q", err, c.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	// Help names every measurement, and is no failure.
	var stdout, stderr bytes.Buffer
	if err := dispatch(t.Context(), []string{"help"}, &stdout); err != nil {
		t.Error(err)
	}
	for _, c := range commands() {
		if !strings.Contains(stdout.String(), c.name) {
			t.Errorf("help does not name %s", c.name)
		}
		if status := conclude(dispatch(t.Context(), []string{c.name, "-h"}, &stdout), &stderr); status != 0 {
			t.Errorf("%s -h ends with status %d", c.name, status)
		}
	}
}

func TestConclude(t *testing.T) {
	// The exit status tells who can help.
	var stderr bytes.Buffer
	if status := conclude(config.Mistakef("typed wrong"), &stderr); status != 2 {
		t.Errorf("a mistake ends with status %d, want 2", status)
	}
	if status := conclude(errors.New("broken"), &stderr); status != 1 {
		t.Errorf("a failure ends with status %d, want 1", status)
	}
}

func TestReport(t *testing.T) {
	// The report has the median of each lane and its ratio to the yardsticks that were measured too.
	o := commitOptions{rounds: 3, seconds: 10, scale: 20, clients: []int{8}}
	lanes := []lane{{Door: contender.Door{Name: "quorum"}}, {Door: contender.Door{Name: "other"}}}
	r := results{}
	for _, tps := range []float64{10, 1000, 2000} {
		r.add(load{tpcb, 8, 10}, lanes[0], outcome{Result: measure.Result{TPS: tps, Latency: time.Millisecond}})
		r.add(load{tpcb, 8, 10}, lanes[1], outcome{Result: measure.Result{TPS: tps / 2}, cpu: time.Millisecond})
	}
	text := report(o, lanes, r)
	var found bool
	for line := range strings.Lines(text) {
		if strings.Join(strings.Fields(line), " ") == "other 500 0.000 1.000 0.0 0 - 0.50" {
			found = true
		}
	}
	if !found || !strings.Contains(text, "TPC-B-like, 8 clients") {
		t.Errorf("the report is\n%s", text)
	}
}
