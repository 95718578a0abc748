package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/e2e/bench/usage"
)

// An outcome is what one run in one lane found.
type outcome struct {
	measure.Result
	// cpu is the processor time of the contender's processes in all nodes for one transaction, until every copy
	// has it. The load generator's own is not in it.
	cpu time.Duration
	// switches are the contender's context switches for one transaction.
	switches float64
	// behind is how long it took after the run until every copy was level.
	behind time.Duration
	// shares are what single roles cost in the window, and windowed is how many transactions ran in it.
	shares   []usage.Share
	windowed float64
}

// The window in which context switches are counted: the kernel forgets those of backends that have ended.
const (
	windowStart = 0.2
	windowEnd   = 0.9
)

// measured runs the load in the lane and measures what it costs.
func (s *stage) measured(ctx context.Context, in lane, l load) (outcome, error) {
	var o outcome
	address, err := in.Address(ctx)
	if err != nil {
		return o, err
	}
	before, err := take(ctx, in.of)
	if err != nil {
		return o, err
	}
	seen := make(chan window, 1)
	watching, stop := context.WithCancel(ctx)
	go func() { seen <- watch(watching, in, l.seconds) }() // ends with the window, or by stop; awaited below
	text, err := l.run(ctx, s.programs, address)
	stop()
	w := <-seen
	if err != nil {
		return o, err
	}
	if o.Result, err = result(text); err != nil {
		return o, err
	}
	if o.behind, err = settle(ctx, in.of); err != nil {
		return o, err
	}
	after, err := take(ctx, in.of)
	if err = errors.Join(err, w.err); err != nil {
		return o, err
	}
	_, whole := usage.Between(before, after)
	o.cpu = whole.CPU / time.Duration(o.Transactions)
	elapsed, inside := usage.Between(w.before, w.after)
	o.windowed = o.TPS * elapsed.Seconds()
	o.switches = float64(inside.Switches) / o.windowed
	o.shares = usage.Shares(w.before, w.after)
	return o, nil
}

// A window is the middle of a run.
type window struct {
	before, after usage.Sample
	err           error
}

// watch samples the contender's processes at the window's two edges.
func watch(ctx context.Context, in lane, seconds int) window {
	var w window
	whole := time.Duration(seconds) * time.Second
	if w.err = pause(ctx, time.Duration(windowStart*float64(whole))); w.err != nil {
		return w
	}
	if w.before, w.err = take(ctx, in.of); w.err != nil {
		return w
	}
	if w.err = pause(ctx, time.Duration((windowEnd-windowStart)*float64(whole))); w.err != nil {
		return w
	}
	w.after, w.err = take(ctx, in.of)
	if w.err != nil {
		w.err = fmt.Errorf("watch %s: %w", in.Name, w.err)
	}
	return w
}
