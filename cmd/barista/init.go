package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/node"
	"github.com/baristadb/barista/internal/postgres"
)

// runInit makes a new cluster: the folder, the secret, the server and the journal of its first node.
func runInit(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("init")
	path := configFlag(flags)
	passwordFile := flags.String("password-file", "", "a `file` with the password of the superuser postgres (with auth: scram)")
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := needConfig("init", *path); err != nil {
		return err
	}
	password := ""
	readPassword := func() (err error) {
		if *passwordFile != "" {
			password, err = config.Password(*passwordFile)
		}
		return err
	}
	early := os.Geteuid() != 0 || account.IsRoots(*passwordFile)
	if early {
		if err := readPassword(); err != nil {
			return err
		}
	}
	secret := func(cfg config.Config) ([]byte, error) {
		if err := checkUnused(cfg, *path); err != nil {
			return nil, err
		}
		return makeSecret(cfg)
	}
	g, err := takeAccount(*path, needs{secret: secret})
	if err != nil {
		return g.explain(err)
	}
	if !early { // it may be a link of the account's, which is to lead to nothing that the account may not read
		if err := readPassword(); err != nil {
			return g.explain(err)
		}
	}
	if err := initNode(ctx, g, *path, password); err != nil {
		return g.explain(err)
	}
	cfg := g.Config
	fmt.Fprintf(stdout, "%s holds the first node of a new cluster, %s\n", cfg.Dir, cfg.Name)
	fmt.Fprintf(stdout, "start it, then the other nodes with the same secret file (%s); they join by themselves and need no init\n", cfg.SecretFile)
	if cfg.Auth == config.SCRAM && password == "" {
		fmt.Fprintln(stdout, "no role has a password yet, and auth: scram lets nobody in without one: make the node again with --password-file")
	}
	return nil
}

// initNode makes the first node of a new cluster. The journal comes last: a folder with a journal is a node, one
// without is not.
func initNode(ctx context.Context, g *ground, path, password string) error {
	cfg := g.Config
	if err := os.MkdirAll(cfg.Dir, 0o711); err != nil {
		return config.Mistakef("make the node's folder: %w", err)
	}
	if err := checkUnused(cfg, path); err != nil {
		return err
	}
	if g.missing != nil {
		return g.missing
	}
	server, err := postgres.ForNode(cfg, g.Extension, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	server.Password = password
	release, err := config.Claim(cfg)
	if err != nil {
		return err
	}
	return errors.Join(fillNode(ctx, g, server), release())
}

func fillNode(ctx context.Context, g *ground, server postgres.Config) error {
	if g.Secret == nil {
		if _, err := makeSecret(g.Config); err != nil {
			return err
		}
	}
	if err := checkAlone(ctx, g); err != nil {
		return err
	}
	if err := server.Init(ctx); err != nil {
		return err
	}
	return createJournal(g.Config)
}

// checkAlone refuses to make a cluster where one answers already, and names the nodes of which nothing is known.
func checkAlone(ctx context.Context, g *ground) error {
	secret := g.Secret
	if secret == nil {
		var err error
		if secret, err = g.Config.Secret(); err != nil {
			return err
		}
	}
	taken, silent, err := node.Probe(ctx, g.Config, secret)
	if err != nil {
		return err
	}
	if taken != "" {
		return config.Mistakef("%s holds the same secret and belongs to a cluster: a node joins it by itself when it is started, without init; "+
			"to begin another cluster, stop its nodes for good or use another secret", taken)
	}
	for _, why := range silent {
		fmt.Fprintf(os.Stderr, "barista: warning: %s: if it belongs to a cluster already, this is a second one under the same name; "+
			"do not start it then\n", why)
	}
	return nil
}

// checkUnused refuses a folder that holds anything but what belongs to a node that has never run.
func checkUnused(cfg config.Config, path string) error {
	entries, err := os.ReadDir(cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return config.Mistakef("look into the node's folder: %w", err)
	}
	expected := map[string]bool{}
	for _, file := range []string{path, cfg.SecretFile, cfg.PIDFile(), cfg.LogFile()} {
		if file, err := filepath.Abs(file); err == nil {
			expected[file] = true
		}
	}
	for _, entry := range entries {
		if found := filepath.Join(cfg.Dir, entry.Name()); !expected[found] {
			return config.Mistakef("%s is not empty: it holds %s; a new cluster begins in an empty folder", cfg.Dir, entry.Name())
		}
	}
	return nil
}

// secretBytes is the length of a cluster's secret; the file holds it as hexadecimal digits.
const secretBytes = 32

// makeSecret draws the cluster's secret, unless its file already exists, and returns what is in the file.
func makeSecret(cfg config.Config) ([]byte, error) {
	if _, err := os.Stat(cfg.SecretFile); !errors.Is(err, fs.ErrNotExist) {
		return cfg.Secret()
	}
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	if err := writeNew(cfg.SecretFile, hex.EncodeToString(secret)+"\n"); err != nil {
		return nil, config.Mistakef("write the cluster's secret: %w", err)
	}
	return cfg.Secret()
}

// writeNew writes a file that was not there, for its owner alone.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
