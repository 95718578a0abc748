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
	return fresh, c.Account.As(func() error {
		if err := os.RemoveAll(fresh); err != nil {
			return fmt.Errorf("remove what an earlier try left: %w", err)
		}
		if err := privateFolder(fresh); err != nil {
			return config.Mistakef("make the data folder: %w", err)
		}
		return nil
	})
}

// privateFolder makes the folder at path, for its owner alone, if it does not exist.
func privateFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(path, 0o700)
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
	return c.Account.As(func() error { return c.exchange(fresh) })
}

func (c Config) exchange(fresh string) error {
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
	if err := c.Account.As(func() error { return privateFolder(c.SockDir) }); err != nil {
		return config.Mistakef("make the socket's folder: %w", err)
	}
	return nil
}

// checkData reports whether the data folder is one that this version of PostgreSQL can start, and the account's.
func (c Config) checkData() error {
	marker := filepath.Join(c.DataDir, "PG_VERSION")
	text, err := os.ReadFile(marker)
	if err != nil {
		return config.Mistakef("%s is no data folder: %w", c.DataDir, err)
	}
	if version := strings.TrimSpace(string(text)); version != fmt.Sprint(Major) {
		return config.Mistakef("%s was made by PostgreSQL %s; this is %d", c.DataDir, version, Major)
	}
	for _, path := range []string{c.DataDir, marker} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at %s: %w", path, err)
		}
		if !c.Account.Owns(info) {
			return config.Mistakef("%s does not belong to %s, who runs PostgreSQL: give the folder to that user, with all that is in it", path, c.Account.Name)
		}
	}
	return os.Chmod(c.DataDir, 0o700)
}

// installLibrary puts the server's copy of the extension in place, by rename: another server may have the old file
// mapped.
func (c Config) installLibrary() error {
	if c.Extension == nil {
		return nil
	}
	if err := privateFolder(c.LibDir); err != nil {
		return fmt.Errorf("install the extension: %w", err)
	}
	installed := filepath.Join(c.LibDir, "barista.so")
	if present, err := os.ReadFile(installed); err == nil && bytes.Equal(present, c.Extension.sharedObject) {
		return nil
	}
	if err := replaceFile(installed, c.Extension.sharedObject, 0o700); err != nil {
		return fmt.Errorf("install the extension: %w", err)
	}
	return nil
}

// replaceFile writes a file as a whole or not at all, and never into one that is there.
func replaceFile(path string, content []byte, mode fs.FileMode) error {
	fresh := path + ".new"
	if err := os.RemoveAll(fresh); err != nil { // of an earlier try
		return err
	}
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
