package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/baristadb/barista/internal/node"
)

// runStart runs one node until a signal ends it.
func runStart(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("start")
	path := configFlag(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	cfg, err := loadConfig("start", *path)
	if err != nil {
		return err
	}
	err = node.Run(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // told to stop, and stopped
	}
	return err
}

func unlessHelped(err error) error {
	if errors.Is(err, errHelped) {
		return nil
	}
	return err
}
