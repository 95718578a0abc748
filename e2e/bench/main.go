// Bench measures Barista beside what people use today, on one machine and in one run: the cost of a commit, the time
// without a leader, and where the time of a commit goes. It makes everything that it measures, in a folder that it
// removes at the end, and it measures only; docs/performance.md says what was found.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// A command is one kind of measurement.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout io.Writer) error
}

func commands() []command {
	return []command{
		{"commit", "compare throughput, latency and cost of commits", runCommit},
		{"failover", "measure the time from the death of a leader to the next acknowledged write", runFailover},
		{"large", "measure time, memory and disk of large transactions", runLarge},
		{"capture", "measure what the capture of row changes costs a backend", runCapture},
		{"profile", "tell which processes and functions a commit costs", runProfile},
	}
}

func main() {
	// The first signal ends the measurement in order; after it the second has its usual, deadly effect.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	err := dispatch(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(conclude(err, os.Stderr))
}

func dispatch(ctx context.Context, args []string, stdout io.Writer) error {
	var names []string
	for _, c := range commands() {
		if len(args) > 0 && c.name == args[0] {
			return c.run(ctx, args[1:], stdout)
		}
		names = append(names, c.name)
	}
	if len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
		return help(stdout)
	}
	return config.Mistakef("which measurement? one of %s", strings.Join(names, ", "))
}

func help(stdout io.Writer) error {
	text := "usage: bench MEASUREMENT [FLAGS]\n\n"
	for _, c := range commands() {
		text += fmt.Sprintf("  %-8s  %s\n", c.name, c.summary)
	}
	_, err := io.WriteString(stdout, text+"\nbench MEASUREMENT -h lists its flags.\n")
	return err
}

// conclude writes the error, if any, and returns the exit status: 2 for what the person who typed can mend, else 1.
func conclude(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(stderr, "bench: %v\n", err)
	if config.IsMistake(err) {
		return 2
	}
	return 1
}
