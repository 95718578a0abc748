package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// givenUpFile is in a data folder that no server is to run on any more: it is kept only until a copy of a peer's has taken its place, because it may hold
// what nobody else has. The file is in the folder itself, so that it goes with that wherever an exchange that is cut short leaves it. It says why.
const givenUpFile = "barista.given-up"

// maxGivenUp limits what is read of that file, in bytes.
const maxGivenUp = 1024

// GiveUp notes that no server is to run on the data that are there, and why, in the data folder and in the one that it has taken the place of. If the
// process dies before it returns, what is noted may be a part of that: it has to be called again. A server that runs on them is not ended by it.
func (c Config) GiveUp(why string) error {
	return c.Account.As(func() error {
		return errors.Join(noteGivenUp(c.DataDir, why), noteGivenUp(c.replacedFolder(), why))
	})
}

func noteGivenUp(folder, why string) error {
	if !holdsData(folder) {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(folder, givenUpFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = file.WriteString(why + "\n")
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) || file == nil { // that it is there says enough, and there may be no room for more
		return fmt.Errorf("note that a data folder is given up: %w", err)
	}
	return syncFolder(folder)
}

// holdsData reports whether a server could run on a folder. Where somebody else put something by the name of one that is kept, a link perhaps to what is
// not this account's, there is nothing to give up or to put back.
func holdsData(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "PG_VERSION"))
	return err == nil
}

// GivenUp says why no server is to run on the data that are there; empty: one may.
func (c Config) GivenUp() (why string, err error) {
	err = c.Account.As(func() error {
		text, err := os.ReadFile(filepath.Join(c.DataDir, givenUpFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look whether the data are given up: %w", err)
		}
		if why = strings.TrimSpace(string(text[:min(len(text), maxGivenUp)])); why == "" {
			why = "they were given up"
		}
		return nil
	})
	return why, err
}

// checkGivenUp keeps a server from data that are given up.
func (c Config) checkGivenUp() error {
	why, err := c.GivenUp()
	if err == nil && why != "" {
		err = config.Mistakef("no server runs on %s: %s (%s says so)", c.DataDir, why, givenUpFile)
	}
	return err
}

// PutBack gives the folder that the data folder was to take the place of its name again, if there is no data folder: then an exchange or a removal
// was cut short.
func (c Config) PutBack() error {
	return c.Account.As(func() error {
		missing, err := isMissing(c.DataDir)
		if err != nil || !missing || !holdsData(c.replacedFolder()) {
			return err
		}
		err = os.Rename(c.replacedFolder(), c.DataDir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("put a data folder back in its place: %w", err)
		}
		c.Log.Warn("the data folder was missing, because the process died while another one took its place; the one before is put back")
		return syncFolder(filepath.Dir(c.DataDir))
	})
}
