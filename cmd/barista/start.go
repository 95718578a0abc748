package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/baristadb/barista/internal/config"
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
	err = runNode(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
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

// runNode runs one node until ctx ends.
func runNode(context.Context, config.Config, *slog.Logger) error {
	return errors.New("this build has no node")
}
