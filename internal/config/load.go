package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFileBytes is more than any sensible node.yaml; a longer file is some other file.
const maxFileBytes = 1 << 20

// Load reads the node.yaml at path, fills in the defaults, makes its paths absolute (relative ones start at the
// file's folder) and checks the whole. Every error is a Mistake that names the file.
func Load(path string) (Config, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Config{}, Mistakef("%s: %w", path, err)
	}
	text, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := Parse(text, filepath.Dir(path))
	if err != nil {
		return Config{}, Mistakef("%s: %w", path, err)
	}
	return c, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, Mistakef("%s: there is no such file", path)
	case err != nil:
		return nil, Mistakef("%w", err)
	case info.IsDir():
		return nil, Mistakef("%s: is a folder; name the node.yaml in it", path)
	case info.Size() > maxFileBytes:
		return nil, Mistakef("%s: has %d bytes, which is no node.yaml", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Mistakef("%w", err)
	}
	return text, nil
}

// Parse is Load for a text that is already in memory; base is the folder at which relative paths start.
func Parse(text []byte, base string) (Config, error) {
	c := Defaults()
	if err := yaml.Load(text, &c, yaml.WithKnownFields()); err != nil {
		return Config{}, errors.New(oneLine(err))
	}
	c.complete(base)
	if err := c.Check(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// complete fills in the defaults that depend on where the file lies and on other keys.
func (c *Config) complete(base string) {
	c.Dir = absolute(base, c.Dir)
	if c.SecretFile == "" {
		c.SecretFile = filepath.Join(c.Dir, "secret")
	}
	c.SecretFile = absolute(base, c.SecretFile)
	if c.PgBin != "" {
		c.PgBin = absolute(base, c.PgBin)
	}
	if c.ExtensionDir != "" {
		c.ExtensionDir = absolute(base, c.ExtensionDir)
	}
	if c.Auth == "" && c.loopbackOnly() {
		c.Auth = Trust
	}
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// oneLine joins the lines of a YAML error, which come one to a mistake under a headline.
func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " ")
}

// Write writes the configuration as a node.yaml that Load reads back, readable by its owner alone. It replaces the
// file as a whole or not at all.
func (c Config) Write(path string) error {
	text, err := yaml.Dump(c)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
