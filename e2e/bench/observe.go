package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/e2e/bench/usage"
)

// observed runs the load under an instrument, and tells which roles there were in the middle of the run.
func (s *stage) observed(ctx context.Context, in lane, l load, instrument func(context.Context) error) (usage.Roles, measure.Result, error) {
	address, err := in.Address(ctx)
	if err != nil {
		return nil, measure.Result{}, err
	}
	roots, err := in.of.Roots(ctx)
	if err != nil {
		return nil, measure.Result{}, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- instrument(watching) }() // ends by itself or by stop; awaited below
	roles := make(chan usage.Roles, 1)
	lookedAt := make(chan error, 1)
	go func() { // ends in the middle of the run or by stop; awaited below
		err := pause(watching, time.Duration(l.seconds)*time.Second/2)
		var found usage.Roles
		if err == nil {
			found, err = usage.FindRoles(roots)
		}
		roles <- found
		lookedAt <- err
	}()
	text, err := l.run(ctx, s.programs, address)
	if err != nil {
		stop()
	}
	if err := errors.Join(err, <-ended, <-lookedAt); err != nil {
		return nil, measure.Result{}, err
	}
	r, err := result(text)
	return <-roles, r, err
}

// sorted returns the keys, those with the greatest numbers first.
func sorted[K comparable, N ~int | ~int64](numbers map[K]N) []K {
	return slices.SortedFunc(maps.Keys(numbers), func(a, b K) int {
		return cmp.Or(cmp.Compare(numbers[b], numbers[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
}

func first[T any](all []T, n int) []T { return all[:min(n, len(all))] }

func roleName(r usage.Role) string { return r.Of + ": " + r.Does }

// perCommit divides processor time, in microseconds.
func perCommit(cpu time.Duration, commits float64) float64 {
	return float64(cpu) / float64(time.Microsecond) / commits
}
