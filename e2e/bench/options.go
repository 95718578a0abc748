package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/postgres"
)

// place says where a measurement finds programs and puts data.
type place struct {
	dir, barista, programs string
}

// newFlags returns the flags of a measurement, with those that all have.
func newFlags(name string, at *place) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&at.dir, "dir", "/var/tmp", "the `folder`, on a disk, in which the measurement makes and removes its own")
	flags.StringVar(&at.barista, "barista", "bin/barista", "the `program` to measure")
	flags.StringVar(&at.programs, "pg-bin", fmt.Sprintf("/usr/lib/postgresql/%d/bin", postgres.Major), "`folder` of PostgreSQL's programs")
	return flags
}

func parseFlags(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "usage: bench %s [FLAGS]\n\n", flags.Name())
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return err
	case err != nil:
		return config.Mistakef("%s: %w", flags.Name(), err)
	case flags.NArg() > 0:
		return config.Mistakef("%s: the argument %q is one too many", flags.Name(), flags.Arg(0))
	}
	return nil
}

// parseNumbers reads numbers from 1 on with commas between them.
func parseNumbers(text string) ([]int, error) {
	var numbers []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, config.Mistakef("%q: %q is no number from 1 on", text, word)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// checkPositive refuses a flag below 1.
func checkPositive(flags map[string]int) error {
	for name, value := range flags {
		if value < 1 {
			return config.Mistakef("--%s %d: give a number from 1 on", name, value)
		}
	}
	return nil
}

// kinds are the contenders by the names that flags use.
var kinds = map[string]func(place, string) contender.Contender{
	"plain": func(p place, dir string) contender.Contender {
		return contender.NewPlain(dir, contender.Programs(p.programs))
	},
	"quorum": func(p place, dir string) contender.Contender {
		return contender.NewQuorum(dir, contender.Programs(p.programs))
	},
	"barista": func(p place, dir string) contender.Contender { return contender.NewBarista(dir, p.barista) },
}

// parseKinds reads names of contenders with commas between them.
func parseKinds(text string) ([]string, error) {
	var names []string
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if kinds[word] == nil {
			return nil, config.Mistakef("there is no contender %q; there are plain, quorum, barista", word)
		}
		names = append(names, word)
	}
	return names, nil
}
