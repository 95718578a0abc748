package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/e2e/bench/usage"
	"github.com/baristadb/barista/internal/config"
)

// profileOptions are the flags of a profile.
type profileOptions struct {
	place
	contenders   []string // one
	load         load
	scale, lines int
}

func parseProfile(args []string, stdout io.Writer) (profileOptions, error) {
	var o profileOptions
	flags := newFlags("profile", &o.place)
	name := flags.String("contender", "barista", "`name` of the one to look at")
	flags.StringVar((*string)(&o.load.workload), "workload", string(simple), "pgbench's built-in `script`: tpcb-like or simple-update")
	flags.IntVar(&o.load.clients, "clients", 8, "`number` of clients")
	flags.IntVar(&o.load.seconds, "seconds", 10, "`length` of each of the three runs")
	flags.IntVar(&o.scale, "scale", 20, "pgbench's scale; 1 is 100,000 accounts")
	flags.IntVar(&o.lines, "lines", 30, "`number` of lines in each table")
	if err := parseFlags(flags, args, stdout); err != nil {
		return o, err
	}
	if o.load.workload != tpcb && o.load.workload != simple {
		return o, config.Mistakef("--workload %s: there are %s and %s", string(o.load.workload), string(tpcb), string(simple))
	}
	if err := checkPositive(map[string]int{"clients": o.load.clients, "seconds": o.load.seconds, "scale": o.scale, "lines": o.lines}); err != nil {
		return o, err
	}
	var err error
	if o.contenders, err = parseKinds(*name); err != nil {
		return o, err
	}
	if len(o.contenders) != 1 {
		return o, config.Mistakef("--contender %s: one at a time", *name)
	}
	return o, checkPerf()
}

// runProfile runs the load three times, each time with another instrument, and prints what each saw. Instruments cost
// time themselves, and so each run has its own throughput.
func runProfile(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseProfile(args, stdout)
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
	in := s.usual()[0]
	if err := s.warm(ctx, commitOptions{clients: []int{o.load.clients}, seconds: o.load.seconds}); err != nil {
		return err
	}
	for _, instrument := range []func(context.Context, lane, profileOptions) (string, error){s.profileRoles, s.profileStacks, s.profileCalls} {
		text, err := instrument(ctx, in, o)
		if err != nil {
			return fmt.Errorf("profile %s: %w", in.Name, err)
		}
		if _, err := io.WriteString(stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// profileRoles tells what the processes of each role cost, and how long each statement takes.
func (s *stage) profileRoles(ctx context.Context, in lane, o profileOptions) (string, error) {
	found, err := s.measured(ctx, in, o.load)
	if err != nil {
		return "", err
	}
	address, err := in.Address(ctx)
	if err != nil {
		return "", err
	}
	said, err := o.load.run(ctx, s.programs, address, "--report-per-command")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s, %v: %.0f tps, %.3f ms\n", in.Name, o.load, found.TPS, inMilliseconds(found.Latency))
	if _, statements, found := strings.Cut(said, "statement latencies in milliseconds"); found {
		fmt.Fprintf(&text, "\nstatement latencies in ms%s", statements)
	}
	fmt.Fprintf(&text, "\n%-40s %14s %14s\n", "CPU by role", "us/commit", "switches")
	for _, share := range first(found.shares, o.lines) {
		fmt.Fprintf(&text, "%-40s %14.1f %14.2f\n", roleName(share.Role),
			perCommit(share.CPU, found.windowed), float64(share.Switches)/found.windowed)
	}
	return text.String(), nil
}

// profileStacks tells in which of Barista's packages, programs and system calls the processors' time goes.
func (s *stage) profileStacks(ctx context.Context, in lane, o profileOptions) (string, error) {
	var stacks []measure.Stack
	roles, r, err := s.observed(ctx, in, o.load, func(ctx context.Context) (err error) {
		stacks, err = sampleStacks(ctx, s.folder, o.load.seconds)
		return err
	})
	if err != nil {
		return "", err
	}
	type place struct {
		usage.Role
		where string
	}
	samples := map[place]int{}
	for _, stack := range stacks {
		if role, found := roles[stack.PID]; found {
			samples[place{role, stack.Place()}]++
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%-40s %-28s %10s   (under perf record, %.0f tps)\n", "CPU by role", "and place", "us/commit", r.TPS)
	for _, p := range first(sorted(samples), o.lines) {
		cpu := time.Duration(samples[p]) * time.Second / frequency
		fmt.Fprintf(&text, "%-40s %-28s %10.1f\n", roleName(p.Role), p.where, perCommit(cpu, r.TPS*float64(o.load.seconds)))
	}
	return text.String(), nil
}

// profileCalls tells how often and how long processes are in system calls.
func (s *stage) profileCalls(ctx context.Context, in lane, o profileOptions) (string, error) {
	var calls []measure.Calls
	roles, r, err := s.observed(ctx, in, o.load, func(ctx context.Context) (err error) {
		calls, err = traceCalls(ctx, o.load.seconds)
		return err
	})
	if err != nil {
		return "", err
	}
	type call struct {
		usage.Role
		name string
	}
	count, total := map[call]int64{}, map[call]time.Duration{}
	for _, c := range calls {
		if role, found := roles[c.Thread]; found {
			count[call{role, c.Name}] += c.Count
			total[call{role, c.Name}] += c.Total
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%-40s %-16s %12s %12s   (under perf trace, %.0f tps)\n", "system calls by role", "", "calls/commit", "us each", r.TPS)
	for _, c := range first(sorted(count), o.lines) {
		each := float64(total[c].Microseconds()) / float64(count[c])
		fmt.Fprintf(&text, "%-40s %-16s %12.2f %12.1f\n", roleName(c.Role), c.name, float64(count[c])/(r.TPS*float64(o.load.seconds)), each)
	}
	return text.String(), nil
}
