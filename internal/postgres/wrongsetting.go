package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/baristadb/barista/internal/config"
)

// checkSettings asks PostgreSQL itself whether it takes the settings of node.yaml, before a server is made or started with them: one that it
// does not take would end each start. It reads them as it does at a start, from a file, and knows names, values, units and limits. Names with a
// dot are an extension's, and taken as they are. The error is a config.Mistake that names the setting.
func (c Config) checkSettings() error {
	if len(c.Settings) == 0 {
		return nil
	}
	dir := ""
	err := c.Account.As(func() (err error) {
		if dir, err = os.MkdirTemp("", "barista-"); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "postgresql.conf"), []byte(c.ownSettings()), 0o600)
	})
	if dir != "" {
		defer func() { _ = c.Account.As(func() error { return os.RemoveAll(dir) }) }() // it is a temporary one
	}
	if err != nil {
		return fmt.Errorf("write the settings for PostgreSQL to read: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), settingsLimit)
	defer cancel()
	said, err := run(ctx, c.command("postgres", "-D", dir, "-C", "config_file"))
	if _, refused := errors.AsType[*exec.ExitError](err); refused {
		return config.Mistakef("settings: PostgreSQL says: %s", wrongSettings(said))
	}
	if err != nil {
		return fmt.Errorf("have PostgreSQL read the settings: %w", err)
	}
	return c.checkLibraries()
}

// settingsLimit is how long PostgreSQL may take to read settings; it takes some milliseconds.
const settingsLimit = 30 * time.Second

// wrongSetting is how PostgreSQL names what it does not take, with its hint.
var wrongSetting = regexp.MustCompile(`(?m)^.*?(?:LOG|HINT):  (.*?)(?: in file ".*" line \d+)?$`)

// wrongSettings returns what PostgreSQL says of wrong settings, on one line.
func wrongSettings(output string) string {
	var told []string
	for _, match := range wrongSetting.FindAllStringSubmatch(output, -1) {
		if !strings.HasPrefix(match[1], "skipping missing configuration file") {
			told = append(told, match[1])
		}
	}
	if len(told) == 0 {
		return lastWords(output)
	}
	return strings.Join(told, "; ")
}

// checkLibraries reports whether the libraries to preload are installed. Where they would be is asked of pg_config; without that, nobody knows.
func (c Config) checkLibraries() error {
	names := c.Settings[config.SharedLibraries]
	if names == "" {
		return nil
	}
	said, err := exec.Command(filepath.Join(c.Bin, "pg_config"), "--pkglibdir").Output()
	if err != nil {
		return nil
	}
	folder := strings.TrimSpace(string(said))
	for name := range strings.SplitSeq(names, ",") {
		file := filepath.Join(folder, strings.TrimSpace(name)+".so")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return config.Mistakef("settings: %s names %s, and there is no %s: install it", config.SharedLibraries, strings.TrimSpace(name), file)
		}
	}
	return nil
}
