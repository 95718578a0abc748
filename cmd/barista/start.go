package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/node"
)

// runStart runs one node until a signal ends it.
func runStart(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("start")
	path := configFlag(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := needConfig("start", *path); err != nil {
		return err
	}
	g, err := takeAccount(*path, needs{secret: config.Config.Secret, ports: true})
	if err != nil {
		return g.explain(err)
	}
	if g.missing != nil {
		return g.explain(g.missing)
	}
	err = node.Run(ctx, g.Options, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // told to stop, and stopped
	}
	return g.explain(err)
}

func unlessHelped(err error) error {
	if errors.Is(err, errHelped) {
		return nil
	}
	return err
}
