package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/internal/config"
)

// largeOptions are the flags of the measurement of large transactions.
type largeOptions struct {
	place
	megabytes, door int
	only            string
}

func parseLarge(args []string, stdout io.Writer) (largeOptions, error) {
	var o largeOptions
	flags := newFlags("large", &o.place)
	flags.IntVar(&o.megabytes, "megabytes", 1024, "about so many `MB` in one transaction")
	flags.IntVar(&o.door, "door", 1, "1: through the leader's node, 2: through a follower's")
	flags.StringVar(&o.only, "only", "", "leave out transactions without this `text` in their name")
	if err := parseFlags(flags, args, stdout); err != nil {
		return o, err
	}
	if o.door > 2 {
		return o, config.Mistakef("--door %d: there are 1 and 2", o.door)
	}
	if len(o.bulks()) == 0 {
		return o, config.Mistakef("--only %q: no transaction has that in its name", o.only)
	}
	return o, checkPositive(map[string]int{"megabytes": o.megabytes, "door": o.door})
}

// bulks are the transactions that were asked for.
func (o largeOptions) bulks() (chosen []bulk) {
	for _, b := range bulks(o.megabytes) {
		if strings.Contains(b.name, o.only) {
			chosen = append(chosen, b)
		}
	}
	return chosen
}

const (
	bulkLimit  = 10 * time.Minute // for one transaction, until every copy has it
	quietLimit = time.Minute      // until memory and journals are back to what they were
)

// runLarge runs large transactions beside a client that commits small ones, and prints what they took of time, memory and disk.
func runLarge(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseLarge(args, stdout)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, o.place, []string{"barista"}, stdout)
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err != nil {
		return err
	}
	b := s.contenders[0].(*contender.Barista) // the only kind that was asked for
	address, err := b.Doors()[o.door-1].Address(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, largeHead)
	for _, bulk := range o.bulks() {
		row, err := measureBulk(ctx, b, bulk, address)
		if err != nil {
			return fmt.Errorf("%s: %w", bulk.name, err)
		}
		fmt.Fprint(stdout, row)
	}
	checking, cancel := context.WithTimeoutCause(ctx, checkLimit, errors.New("comparing the nodes takes too long"))
	defer cancel()
	if err := b.Verify(checking); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "\nbarista's nodes are identical")
	return tellQuiet(ctx, b, stdout)
}

// measureBulk prepares and runs one large transaction, and waits until every copy has it.
func measureBulk(ctx context.Context, b *contender.Barista, bulk bulk, address string) (largeRow, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, bulkLimit, errors.New("it takes too long"))
	defer cancel()
	row := largeRow{name: bulk.name}
	conn, err := contender.Connect(ctx, address)
	if err != nil {
		return row, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := bulk.prepare(ctx, conn); err != nil {
		return row, err
	}
	if err := b.Settle(ctx); err != nil {
		return row, err
	}
	small, err := startSmall(ctx, b)
	if err != nil {
		return row, err
	}
	defer small.stop()
	seen, err := observe(ctx, b)
	if err != nil {
		return row, err
	}
	defer seen.stop()

	began := time.Now()
	if err := bulk.run(ctx, conn); err != nil {
		return row, err
	}
	ran := time.Now()
	if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
		return row, err
	}
	committed := time.Now()
	if err := small.pauseAnd(ctx, b.Settle); err != nil {
		return row, err
	}
	row.ran, row.committed, row.level = ran.Sub(began), committed.Sub(ran), time.Since(committed)
	row.peaks = seen.stop()
	samples := small.stop()
	row.whileRunning, row.whileCommitting = longest(samples, began, ran), longest(samples, ran, committed)
	row.whileApplying = longest(samples, committed, time.Now())
	row.usual = usual(samples)
	return row, errors.Join(seen.err, small.err)
}

// tellQuiet prints what memory and journals are when all is purged.
func tellQuiet(ctx context.Context, b *contender.Barista, stdout io.Writer) error {
	if err := pause(ctx, quietLimit); err != nil {
		return err
	}
	now, err := look(ctx, b)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%v later: leader's barista %d MB, followers' up to %d MB, journals up to %d MB, temporary files %d MB\n",
		quietLimit, now.leader>>20, now.followers>>20, now.journal>>20, now.spilled>>20)
	return err
}

// A bulk is one large transaction, begun by run and committed by its caller.
type bulk struct {
	name    string
	prepare func(context.Context, *pgx.Conn) error
	run     func(context.Context, *pgx.Conn) error
}
