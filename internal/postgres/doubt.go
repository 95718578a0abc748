package postgres

import (
	"fmt"
	"os"
	"path/filepath"
)

// doubtfulFile is in a data folder that may not be whole although a server runs on it, because nobody has another. It goes with the folder, and into
// every copy of it. A person who has looked at the data removes it.
const doubtfulFile = "barista.doubtful"

// Doubt notes that the data that are there may not be whole.
func (c Config) Doubt() error {
	return c.Account.As(func() error {
		file, err := os.OpenFile(c.doubtfulPath(), os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			return fmt.Errorf("note that the data may not be whole: %w", err)
		}
		return syncFolder(c.DataDir)
	})
}

// Doubtful returns the path of the file that says that the data may not be whole; empty: there is none.
func (c Config) Doubtful() (path string, err error) {
	err = c.Account.As(func() error {
		missing, err := isMissing(c.doubtfulPath())
		if err == nil && !missing {
			path = c.doubtfulPath()
		}
		return err
	})
	return path, err
}

func (c Config) doubtfulPath() string { return filepath.Join(c.DataDir, doubtfulFile) }
