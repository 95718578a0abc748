package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
)

// runToken prints what proves an operator of a node's cluster elsewhere than on its machine. Who can read the cluster's secret can have it.
func runToken(_ context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("token")
	path := configFlag(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	cfg, err := loadConfig("token", *path)
	if err != nil {
		return err
	}
	secret, err := cfg.Secret()
	if err != nil {
		return err
	}
	owner, err := journal.Owner(cfg.JournalDir())
	if errors.Is(err, fs.ErrNotExist) {
		return config.Mistakef("token: %s has no journal: a node belongs to a cluster once it was made or has joined", cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	_, err = fmt.Fprintln(stdout, admin.Token(secret, owner.Cluster))
	return err
}
