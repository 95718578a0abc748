package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/baristadb/barista/internal/config"
)

// commitOptions are the flags of the measurement of commits.
type commitOptions struct {
	place
	contenders             []string
	rounds, seconds, scale int
	clients                []int
	growth                 bool
}

func parseCommit(args []string, stdout io.Writer) (commitOptions, error) {
	var o commitOptions
	flags := newFlags("commit", &o.place)
	names := flags.String("contenders", "plain,quorum,barista", "`names` of those to compare; with --growth the default is barista")
	clients := flags.String("clients", "1,8,32", "`numbers` of clients")
	flags.IntVar(&o.rounds, "rounds", 3, "`number` of rounds; the result is the median")
	flags.IntVar(&o.seconds, "seconds", 10, "`length` of each run; with --growth the default is 60")
	flags.IntVar(&o.scale, "scale", 20, "pgbench's scale; 1 is 100,000 accounts")
	flags.BoolVar(&o.growth, "growth", false, "compare the first and the last ten seconds of one long run instead")
	if err := parseFlags(flags, args, stdout); err != nil {
		return o, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.growth && !given["contenders"] {
		*names = "barista"
	}
	if o.growth && !given["seconds"] {
		o.seconds = 60
	}
	if o.growth && !given["clients"] {
		*clients = "8"
	}
	if err := checkPositive(map[string]int{"rounds": o.rounds, "seconds": o.seconds, "scale": o.scale}); err != nil {
		return o, err
	}
	if o.growth && o.seconds <= 2*endSeconds { // pgbench may leave the last second out
		return o, config.Mistakef("--seconds %d: a run with two ends of %d s takes longer", o.seconds, endSeconds)
	}
	var failed, alsoFailed error
	o.contenders, failed = parseKinds(*names)
	o.clients, alsoFailed = parseNumbers(*clients)
	return o, errors.Join(failed, alsoFailed)
}

// idleTime is how long contenders are watched doing nothing.
const idleTime = 3 * time.Second

// runCommit compares the contenders.
func runCommit(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseCommit(args, stdout)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, o.place, o.contenders, stdout)
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err != nil {
		return err
	}
	if err := s.fill(ctx, o.scale, stdout); err != nil {
		return err
	}
	if err := s.idle(ctx, idleTime, stdout); err != nil {
		return err
	}
	if o.growth {
		err = s.grow(ctx, o, stdout)
	} else {
		err = s.compare(ctx, o, stdout)
	}
	if err != nil {
		return err
	}
	return s.check(ctx, stdout)
}

// compare runs all rounds and prints the results.
func (s *stage) compare(ctx context.Context, o commitOptions, stdout io.Writer) error {
	if err := s.warm(ctx, o); err != nil {
		return err
	}
	results := results{}
	for round := range o.rounds {
		fmt.Fprintf(stdout, "round %d of %d\n", round+1, o.rounds)
		for _, l := range o.loads() {
			for _, lane := range s.lanes {
				found, err := s.measured(ctx, lane, l)
				if err != nil {
					return fmt.Errorf("%s, %v: %w", lane.Name, l, err)
				}
				results.add(l, lane, found)
			}
		}
	}
	_, err := io.WriteString(stdout, report(o, s.lanes, results))
	return err
}

// loads are those of one round, in order.
func (o commitOptions) loads() []load {
	var all []load
	for _, workload := range []workload{tpcb, simple} {
		for _, clients := range o.clients {
			all = append(all, load{workload, clients, o.seconds})
		}
	}
	return all
}

// warm fills caches and touches pages once, so that the first round is like the others.
func (s *stage) warm(ctx context.Context, o commitOptions) error {
	for _, lane := range s.usual() {
		address, err := lane.Address(ctx)
		if err != nil {
			return err
		}
		if _, err := (load{tpcb, o.clients[len(o.clients)-1], o.seconds}).run(ctx, s.programs, address); err != nil {
			return fmt.Errorf("warm %s up: %w", lane.Name, err)
		}
		if _, err := settle(ctx, lane.of); err != nil {
			return fmt.Errorf("warm %s up: %w", lane.Name, err)
		}
	}
	return nil
}
