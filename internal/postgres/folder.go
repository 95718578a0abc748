package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/baristadb/barista/internal/config"
)

// freshFolder makes an empty folder beside the data folder, in which the next one is built. What an earlier try left
// there goes.
func (c Config) freshFolder(ctx context.Context) (string, error) {
	fresh := c.DataDir + ".new"
	if err := KillStale(ctx, fresh); err != nil {
		return "", err
	}
	if err := os.RemoveAll(fresh); err != nil {
		return "", fmt.Errorf("remove what an earlier try left: %w", err)
	}
	if err := c.Account.folder(fresh); err != nil {
		return "", config.Mistakef("make the data folder: %w", err)
	}
	return fresh, nil
}

// settle makes the finished folder the data folder, in the place of one that may be there.
//
//  1. the old folder steps aside,
//  2. the new one takes its name,
//  3. the old one is removed.
//
// A crash after 1 leaves no data folder, and the copy is made again; after 2 a verified one, and the next settle
// removes the rest.
func (c Config) settle(fresh string) error {
	old := c.DataDir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove the old data folder: %w", err)
	}
	if err := os.Rename(c.DataDir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("move the old data folder aside: %w", err)
	}
	if err := os.Rename(fresh, c.DataDir); err != nil {
		return fmt.Errorf("put the new data folder in its place: %w", err)
	}
	if err := syncFolder(filepath.Dir(c.DataDir)); err != nil {
		return err
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove the old data folder: %w", err)
	}
	return nil
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("make the folder's names durable: %w", err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("make the names in %s durable: %w", dir, err)
	}
	return nil
}

// PrepareFolders makes the folder of the server's socket, in which barista puts the mapped file and the gate's socket
// before it calls Start.
func (c Config) PrepareFolders() error {
	if err := c.checkSocketPath(); err != nil {
		return err
	}
	if err := c.Account.folder(c.SockDir); err != nil {
		return config.Mistakef("make the socket's folder: %w", err)
	}
	return nil
}

// checkData reports whether the data folder is one that this version of PostgreSQL can start, and makes sure that
// the account owns it.
func (c Config) checkData() error {
	marker := filepath.Join(c.DataDir, "PG_VERSION")
	text, err := os.ReadFile(marker)
	if err != nil {
		return config.Mistakef("%s is no data folder: %w", c.DataDir, err)
	}
	if version := strings.TrimSpace(string(text)); version != fmt.Sprint(Major) {
		return config.Mistakef("%s was made by PostgreSQL %s; this is %d", c.DataDir, version, Major)
	}
	owned, err := c.Account.owns(marker)
	if err != nil {
		return fmt.Errorf("look at %s: %w", c.DataDir, err)
	}
	if !owned {
		if !c.Account.other {
			return config.Mistakef("%s does not belong to %s", c.DataDir, c.Account.Name)
		}
		if err := c.Account.ownAll(c.DataDir); err != nil {
			return err
		}
	}
	return c.Account.folder(c.DataDir)
}

// installLibrary puts the server's copy of the extension in place, by rename: another server may have the old file
// mapped.
func (c Config) installLibrary() error {
	if c.Library == "" {
		return nil
	}
	if err := c.Account.folder(c.LibDir); err != nil {
		return fmt.Errorf("install the extension: %w", err)
	}
	built, err := os.ReadFile(c.Library)
	if err != nil {
		return config.Mistakef("install the extension: %w", err)
	}
	installed := filepath.Join(c.LibDir, "barista.so")
	if present, err := os.ReadFile(installed); err == nil && bytes.Equal(present, built) {
		return nil
	}
	fresh := installed + ".new"
	if err := os.WriteFile(fresh, built, 0o700); err != nil {
		return fmt.Errorf("install the extension: %w", err)
	}
	if err := c.Account.Own(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, installed); err != nil {
		return fmt.Errorf("install the extension: %w", err)
	}
	return nil
}
