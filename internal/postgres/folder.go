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

// Beside the data folder there may be
//
//   - its name with .new: a copy that is being made, or the rest of one; nobody looks into it but to remove it;
//   - its name with .old: the folder that the data folder has taken the place of, whole, until KeepCopy;
//   - its name with .gone: the rest of one that is being removed.
func (c Config) replacedFolder() string { return c.DataDir + ".old" }

// Missing reports whether there is no data folder.
func (c Config) Missing() (bool, error) { return isMissing(c.DataDir) }

func isMissing(folder string) (bool, error) {
	_, err := os.Lstat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a data folder: %w", err)
	}
	return false, nil
}

// settle makes the finished folder the data folder. One that is there steps aside and is kept until the new one has proved its worth
// (KeepCopy): a copy shows only when it has recovered how much of the order it holds, and not every copy gets so far. If there is such a
// folder already, the one that is there is itself a copy that was never kept, and is removed.
//
//  1. the data folder steps aside, or goes,
//  2. the new one takes its name,
//  3. what went is removed.
//
// A crash after 1 leaves no data folder, and PutBack takes the one that is kept; after 2 a verified one, and the next settle removes the rest.
func (c Config) settle(fresh string) error {
	return c.Account.As(func() error { return c.exchange(fresh) })
}

func (c Config) exchange(fresh string) error {
	aside := c.replacedFolder()
	keeps, err := c.keepsReplaced()
	if err != nil {
		return err
	}
	if keeps {
		aside, err = c.gone()
	} else {
		err = c.remove(aside) // no data, or nothing
	}
	if err != nil {
		return err
	}
	if err := os.Rename(c.DataDir, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("move the old data folder aside: %w", err)
	}
	if err := os.Rename(fresh, c.DataDir); err != nil {
		return fmt.Errorf("put the new data folder in its place: %w", err)
	}
	if err := syncFolder(filepath.Dir(c.DataDir)); err != nil {
		return err
	}
	_, err = c.gone()
	return err
}

// keepsReplaced reports whether there is a folder that the data folder has taken the place of. A link by its name is none, nor is an empty folder,
// whoever has put them there: the data folder would be taken for a copy that was never kept, and go. One that holds anything may be data that are damaged.
func (c Config) keepsReplaced() (bool, error) {
	info, err := os.Lstat(c.replacedFolder())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a data folder that is kept: %w", err)
	}
	entries, err := os.ReadDir(c.replacedFolder())
	if err != nil {
		return false, fmt.Errorf("look for a data folder that is kept: %w", err)
	}
	return len(entries) > 0, nil
}

// gone is the name of a folder on its way out, when nothing goes by it any more.
func (c Config) gone() (string, error) {
	path := c.DataDir + ".gone"
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("remove the old data folder: %w", err)
	}
	return path, nil
}

// KeepCopy removes the folder that the data folder has taken the place of, if there is one: what runs now holds all that it held. What is half
// removed does not go by a name that means more.
func (c Config) KeepCopy() error {
	return c.Account.As(func() error { return c.remove(c.replacedFolder()) })
}

// Discard removes the data folder, and the one that it has taken the place of. No server may run in it.
func (c Config) Discard(ctx context.Context) error {
	if err := KillStale(ctx, c.DataDir); err != nil {
		return err
	}
	return c.Account.As(func() error {
		return errors.Join(c.remove(c.DataDir), c.remove(c.replacedFolder()))
	})
}

func (c Config) remove(folder string) error {
	path, err := c.gone()
	if err != nil {
		return err
	}
	if err := os.Rename(folder, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the old data folder: %w", err)
	}
	if err := syncFolder(filepath.Dir(folder)); err != nil {
		return err
	}
	_, err = c.gone()
	return err
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
	if err := c.checkGivenUp(); err != nil {
		return err
	}
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
