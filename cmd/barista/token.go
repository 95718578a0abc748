package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// runToken prints what proves an operator of a node's cluster elsewhere than on its machine. Who can read the cluster's secret can have it.
func runToken(_ context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("token")
	path := configFlag(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := needConfig("token", *path); err != nil {
		return err
	}
	token := ""
	err := account.Within(*path, func() (err error) {
		token, err = readToken(*path)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, token)
	return err
}

// readToken reads what the token is made from, each with the rights of who decides about it.
func readToken(path string) (string, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return "", err
	}
	var secret []byte
	var owner paxos.IdentityRecord
	err = account.Within(cfg.SecretFile, func() (err error) {
		secret, err = cfg.Secret()
		return err
	})
	if err != nil {
		return "", err
	}
	err = account.Within(cfg.JournalDir(), func() (err error) {
		owner, err = journal.Owner(cfg.JournalDir())
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", config.Mistakef("token: %s has no journal: a node belongs to a cluster once it was made or has joined", cfg.Dir)
	}
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return admin.Token(secret, owner.Cluster), nil
}
