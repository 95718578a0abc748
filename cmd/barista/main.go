// Barista makes several PostgreSQL servers behave as one database that survives the loss of any minority of them.
// This is its one program: a node, and the commands to make, watch and check a cluster. Each subcommand has a file
// of its own; here is only which one is meant and with which status the program ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// Exit statuses. Any other comes from an ExitError.
const (
	statusFailed  = 1 // it was tried and did not work
	statusMistake = 2 // the person who typed the command can mend it
	statusPartly  = 3 // of verify: no difference was found, and not everything was compared
)

// ExitError ends the program with Code and without a further word.
type ExitError struct{ Code int }

// Error names the status, for the case that the error is printed after all.
func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

func main() {
	// The first signal ends the command in order; after it the second has its usual, deadly effect.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:])
	stop()
	os.Exit(conclude(err, os.Stderr))
}

// A command is one subcommand.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout io.Writer) error
}

func commands() []command {
	return []command{
		{"demo", "run a whole cluster on this machine", runDemo},
		{"init", "make the first node of a new cluster", runInit},
		{"start", "run one node in the foreground", runStart},
		{"status", "show each node's role and progress", runStatus},
		{"analyze", "tell which transactions of an application need coordination", runAnalyze},
		{"verify", "compare all nodes at one position", runVerify},
		{"transfer", "have another node lead", runTransfer},
		{"members", "show who belongs to the cluster, or change it", runMembers},
		{"token", "print what proves an operator elsewhere than on a node's machine", runToken},
	}
}

// run finds the subcommand and runs it.
func run(ctx context.Context, args []string) error {
	return dispatch(ctx, args, os.Stdout)
}

func dispatch(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return config.Mistakef("which command? one of %s; barista help explains them", names())
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout)
		}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(stdout)
	}
	return config.Mistakef("there is no command %q; the commands are %s", args[0], names())
}

func names() string {
	var all []string
	for _, c := range commands() {
		all = append(all, c.name)
	}
	return strings.Join(all, ", ")
}

func help(stdout io.Writer) error {
	text := "usage: barista COMMAND [FLAGS]\n\n"
	for _, c := range commands() {
		text += fmt.Sprintf("  %-8s %s\n", c.name, c.summary)
	}
	text += "\nbarista COMMAND -h lists the command's flags.\n"
	_, err := io.WriteString(stdout, text)
	return err
}

// conclude writes the error, if any, as one line and returns the exit status.
func conclude(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	if exit, found := errors.AsType[ExitError](err); found {
		return exit.Code
	}
	fmt.Fprintf(stderr, "barista: %s\n", oneLine(strings.ReplaceAll(err.Error(), "\n", "; ")))
	if errors.Is(err, errNotCompared) {
		return statusPartly
	}
	for _, mistake := range []error{config.ErrMistake, syscall.EADDRINUSE, fs.ErrPermission} {
		if errors.Is(err, mistake) {
			return statusMistake
		}
	}
	return statusFailed
}
