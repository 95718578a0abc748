package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/baristadb/barista/internal/config"
)

// newFlags returns the flag set of a subcommand, which prints nothing by itself.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// errHelped says that the person asked for a command's flags and has been shown them.
var errHelped = errors.New("helped")

// parseNamed reads the arguments of a subcommand that takes the name of a node, anywhere among its flags. Every error but errHelped is a
// Mistake.
func parseNamed(flags *flag.FlagSet, args []string, stdout io.Writer) (name string, err error) {
	if err := parse(flags, " NAME", args, stdout); err != nil { // it stops at the name
		return "", err
	}
	if flags.NArg() == 0 {
		return "", config.Mistakef("%s: which node?", flags.Name())
	}
	name = flags.Arg(0)
	return name, parseFlags(flags, flags.Args()[1:], stdout)
}

// parseFlags reads the arguments of a subcommand that takes flags only. Every error but errHelped is a Mistake.
func parseFlags(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	if err := parse(flags, "", args, stdout); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return config.Mistakef("%s: the argument %q is one too many", flags.Name(), flags.Arg(0))
	}
	return nil
}

func parse(flags *flag.FlagSet, operands string, args []string, stdout io.Writer) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "usage: barista %s%s [FLAGS]\n\n", flags.Name(), operands)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return errHelped
	case err != nil:
		return config.Mistakef("%s: %w", flags.Name(), err)
	}
	return nil
}

// configFlag adds --config to the flags.
func configFlag(flags *flag.FlagSet) *string {
	return flags.String("config", "", "the node's `node.yaml`")
}

// needConfig finds that --config named a node.yaml.
func needConfig(name, path string) error {
	if path == "" {
		return config.Mistakef("%s: --config is missing: name the node's node.yaml", name)
	}
	return nil
}
