package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/usage"
)

const (
	startLimit  = 3 * time.Minute
	fillLimit   = 10 * time.Minute
	settleLimit = 2 * time.Minute
	checkLimit  = 5 * time.Minute
	stopLimit   = time.Minute
)

// A stage holds the contenders of one measurement, all of them running.
type stage struct {
	place
	folder     string
	contenders []contender.Contender
	lanes      []lane
}

// A lane is one row of a result: a contender through one of its doors.
type lane struct {
	contender.Door
	of contender.Contender
}

// newStage starts the contenders of the named kinds, each in a folder of its own. The stage is to be closed also if
// there is an error.
func newStage(ctx context.Context, at place, names []string, news io.Writer) (*stage, error) {
	folder, err := makeFolder(at.dir)
	s := &stage{place: at, folder: folder}
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("starting takes too long"))
	defer cancel()
	for _, name := range names {
		fmt.Fprintf(news, "starting %s\n", name)
		own := filepath.Join(folder, name)
		if err := os.Mkdir(own, 0o755); err != nil {
			return s, err
		}
		c := kinds[name](at, own)
		s.contenders = append(s.contenders, c)
		if err := c.Start(ctx); err != nil {
			return s, fmt.Errorf("start %s: %w", name, err)
		}
		for _, door := range c.Doors() {
			s.lanes = append(s.lanes, lane{door, c})
		}
	}
	return s, nil
}

// usual are the contenders, each through its usual door.
func (s *stage) usual() []lane {
	var lanes []lane
	for _, c := range s.contenders {
		lanes = append(lanes, lane{c.Doors()[0], c})
	}
	return lanes
}

// close stops all contenders and removes their data. It works also when ctx has ended.
func (s *stage) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	var failed []error
	for _, c := range s.contenders {
		failed = append(failed, c.Stop(ctx))
	}
	if s.folder != "" {
		failed = append(failed, os.RemoveAll(s.folder))
	}
	return errors.Join(failed...)
}

// fill makes pgbench's tables in every contender.
func (s *stage) fill(ctx context.Context, scale int, news io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, fillLimit, errors.New("filling the tables takes too long"))
	defer cancel()
	for _, lane := range s.usual() {
		address, err := lane.Address(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := fill(ctx, s.programs, address, scale); err != nil {
			return fmt.Errorf("fill %s: %w", lane.Name, err)
		}
		filled := time.Since(began)
		if err := lane.of.Settle(ctx); err != nil {
			return fmt.Errorf("fill %s: %w", lane.Name, err)
		}
		fmt.Fprintf(news, "filled %s in %.1f s, all copies in %.1f s\n", lane.Name, filled.Seconds(), time.Since(began).Seconds())
	}
	return nil
}

// idle tells what each contender costs when nobody uses it, as a share of one processor: all of them stay up while
// one is measured.
func (s *stage) idle(ctx context.Context, long time.Duration, news io.Writer) error {
	var before []usage.Sample
	for _, c := range s.contenders {
		sample, err := take(ctx, c)
		if err != nil {
			return err
		}
		before = append(before, sample)
	}
	if err := pause(ctx, long); err != nil {
		return err
	}
	for i, c := range s.contenders {
		after, err := take(ctx, c)
		if err != nil {
			return err
		}
		elapsed, cost := usage.Between(before[i], after)
		fmt.Fprintf(news, "idle, %s uses %.1f %% of a processor\n", c.Doors()[0].Name, 100*cost.CPU.Seconds()/elapsed.Seconds())
	}
	return nil
}

// check holds every contender's sums against each other, and the data of Barista's nodes.
func (s *stage) check(ctx context.Context, news io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkLimit, errors.New("checking the data takes too long"))
	defer cancel()
	for _, lane := range s.usual() {
		address, err := lane.Address(ctx)
		if err != nil {
			return err
		}
		if err := checkSums(ctx, address); err != nil {
			return fmt.Errorf("check %s: %w", lane.Name, err)
		}
		if b, isBarista := lane.of.(*contender.Barista); isBarista {
			if err := b.Verify(ctx); err != nil {
				return err
			}
			fmt.Fprintln(news, "barista's nodes are identical")
		}
	}
	fmt.Fprintln(news, "the sums of pgbench's tables agree in every contender")
	return nil
}

func take(ctx context.Context, c contender.Contender) (usage.Sample, error) {
	roots, err := c.Roots(ctx)
	if err != nil {
		return usage.Sample{}, err
	}
	return usage.Take(roots)
}

// settle waits until all of the contender's copies are level, and returns how long it took.
func settle(ctx context.Context, c contender.Contender) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleLimit, errors.New("the copies do not become level"))
	defer cancel()
	began := time.Now()
	err := c.Settle(ctx)
	return time.Since(began), err
}

// pause lets time pass, unless ctx ends.
func pause(ctx context.Context, long time.Duration) error {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
