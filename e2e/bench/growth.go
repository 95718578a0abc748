package main

import (
	"context"
	"fmt"
	"io"

	"github.com/baristadb/barista/e2e/bench/measure"
)

// endSeconds is the length of the two ends of a long run that are compared.
const endSeconds = 10

// grow tells whether a commit costs more after many commits: it compares the ends of one long run.
func (s *stage) grow(ctx context.Context, o commitOptions, stdout io.Writer) error {
	if err := s.warm(ctx, commitOptions{clients: o.clients, seconds: endSeconds}); err != nil {
		return err
	}
	for _, lane := range s.usual() {
		for _, clients := range o.clients {
			address, err := lane.Address(ctx)
			if err != nil {
				return err
			}
			l := load{simple, clients, o.seconds}
			text, err := l.run(ctx, s.programs, address, "--progress=1")
			if err != nil {
				return err
			}
			if err := tellGrowth(stdout, lane.Name, l, text); err != nil {
				return err
			}
			if _, err := settle(ctx, lane.of); err != nil {
				return err
			}
		}
	}
	return nil
}

func tellGrowth(stdout io.Writer, name string, l load, text string) error {
	r, err := result(text)
	if err != nil {
		return err
	}
	seconds, err := measure.ParseProgress(text)
	if err != nil {
		return err
	}
	first, last := measure.Ends(seconds, endSeconds)
	if first == 0 {
		return fmt.Errorf("%d seconds have no two ends of %d", len(seconds), endSeconds)
	}
	_, err = fmt.Fprintf(stdout, "%s, %v: %d transactions in %d s; first %d s %.0f tps, last %d s %.0f tps, last/first %.2f\n",
		name, l, r.Transactions, len(seconds), endSeconds, first, endSeconds, last, last/first)
	return err
}
