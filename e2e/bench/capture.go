package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/pair"
	"github.com/baristadb/barista/internal/config"
)

// captureOptions are the flags of the measurement of what capture costs.
type captureOptions struct {
	place
	extension string
	rounds    int
	slice     int  // in ms
	idle      bool // the triggers are on both sides
	works     []work
}

func parseCapture(args []string, stdout io.Writer) (captureOptions, error) {
	var o captureOptions
	flags := newFlags("capture", &o.place)
	flags.StringVar(&o.extension, "library", "extension/barista.so", "the extension to measure, with bootstrap.sql beside it")
	flags.IntVar(&o.rounds, "rounds", 30, "`number` of times that each work is done by both servers")
	flags.IntVar(&o.slice, "slice", 150, "about so many `ms` of work at a time")
	flags.BoolVar(&o.idle, "triggers", false, "the server without capture has the triggers too: what is left is capture's own work")
	only := flags.String("only", "", "leave out works without this `text` in their name")
	if err := parseFlags(flags, args, stdout); err != nil {
		return o, err
	}
	for _, w := range works() {
		if strings.Contains(w.name, *only) {
			o.works = append(o.works, w)
		}
	}
	if len(o.works) == 0 {
		return o, config.Mistakef("--only %q: no work has that in its name", *only)
	}
	return o, checkPositive(map[string]int{"rounds": o.rounds, "slice": o.slice})
}

// captureLimit bounds one slice of work.
const captureLimit = time.Minute

// runCapture has two servers do the same work by turns, of which one captures it, and prints what their backends' processor times were.
func runCapture(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseCapture(args, stdout)
	if err != nil {
		return err
	}
	folder, err := makeFolder(o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	fmt.Fprintln(stdout, "starting one server with capture and one without")
	starting, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("starting takes too long"))
	defer cancel()
	p, err := pair.Start(starting, pair.Plan{Dir: folder, Library: o.extension, Programs: o.programs, Triggers: o.idle,
		Fill: func(ctx context.Context, target *pgx.ConnConfig) error { return o.fill(ctx, target) }})
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		err = errors.Join(err, p.Stop(stopping))
	}()
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, captureHead(o))
	for _, w := range o.works {
		costs, err := compare(ctx, p, w, o)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if _, err := io.WriteString(stdout, captureLine(w, costs)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, captureFoot)
	return err
}

// fill makes all tables.
func (o captureOptions) fill(ctx context.Context, target *pgx.ConnConfig) (err error) {
	if _, err := contender.Run(contender.Programs(o.programs).Command(ctx, "pgbench", "--initialize", "--quiet", fmt.Sprintf("--scale=%d", captureScale),
		"--host="+target.Host, fmt.Sprintf("--port=%d", target.Port), "--username="+target.User, target.Database)); err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, sql := range []string{
		createTypes, narrow.create(), wide.create(), types.create(),
		"CREATE TABLE parted (k int PRIMARY KEY, i1 int, t1 text) PARTITION BY HASH (k)",
		"CREATE TABLE parted0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
		"CREATE TABLE parted1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
		"VACUUM ANALYZE",
	} {
		if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%.80s: %w", sql, err)
		}
	}
	return nil
}

// A cost is what a row change cost the backend of each server, in two slices next to each other.
type cost struct{ off, on time.Duration }

// compare has both servers do the work by turns. Which of them begins changes from round to round.
func compare(ctx context.Context, p *pair.Pair, w work, o captureOptions) ([]cost, error) {
	n, err := calibrate(ctx, p, w, time.Duration(o.slice)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	var costs []cost
	for round := range o.rounds {
		var c cost
		turns := []func() error{
			func() (err error) { c.off, err = slice(ctx, p.Off, w, round, n); return err },
			func() (err error) { c.on, err = slice(ctx, p.On, w, round, n); return err },
		}
		for i := range turns {
			if err := turns[(round+i)%len(turns)](); err != nil {
				return nil, err
			}
		}
		costs = append(costs, c)
	}
	return costs, nil
}

// calibrate warms both servers and returns how many transactions take about as long as wanted.
func calibrate(ctx context.Context, p *pair.Pair, w work, want time.Duration) (int, error) {
	n := 1
	for {
		began := time.Now()
		for _, s := range []*pair.Session{p.Off, p.On} {
			if _, err := slice(ctx, s, w, -1, n); err != nil {
				return 0, err
			}
		}
		if took := time.Since(began) / 2; took > want/2 {
			return max(1, int(float64(n)*want.Seconds()/took.Seconds())), nil
		}
		n *= 2
	}
}

// slice runs transactions and returns what each row change cost the backend. Both servers get the same numbers in the same round.
func slice(ctx context.Context, s *pair.Session, w work, round, transactions int) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, captureLimit, errors.New("the work takes too long"))
	defer cancel()
	r := rand.New(rand.NewPCG(uint64(round), 1))
	before, err := s.CPU()
	if err != nil {
		return 0, err
	}
	if err := w.run(ctx, s, r, transactions); err != nil {
		return 0, err
	}
	after, err := s.CPU()
	return (after - before) / time.Duration(transactions*w.changes), err
}
