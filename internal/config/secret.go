package config

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

const (
	minSecret   = 16       // bytes of a cluster's secret
	maxPassword = 1024     // bytes
	maxPrivate  = 64 << 10 // bytes of a file that holds one of them
)

// Secret reads the secret that all nodes of the cluster share, without the white space around it. A file that anybody on this machine may
// read or change, and a secret that can be guessed, are Mistakes, like every other error.
func (c Config) Secret() ([]byte, error) {
	text, err := readPrivate("the cluster's secret", c.SecretFile)
	if err != nil {
		return nil, err
	}
	secret := strings.TrimSpace(text)
	if secret == "" {
		return nil, Mistakef("the cluster's secret in %s is empty: copy the file of the first node", c.SecretFile)
	}
	if len(secret) < minSecret {
		return nil, Mistakef("the cluster's secret in %s has %d bytes; it must have at least %d: copy the file of the first node",
			c.SecretFile, len(secret), minSecret)
	}
	return []byte(secret), nil
}

// Password reads a password, or a verifier in its place, which is the one line of a file that not everybody may read. Every error is a
// Mistake and does not hold it.
func Password(path string) (string, error) {
	text, err := readPrivate("the password", path)
	if err != nil {
		return "", err
	}
	password := strings.TrimRight(text, "\r\n")
	switch {
	case password == "":
		return "", Mistakef("the password in %s is empty", path)
	case len(password) > maxPassword:
		return "", Mistakef("the password in %s has %d bytes; at most %d are allowed", path, len(password), maxPassword)
	case strings.ContainsAny(password, "\r\n\x00"):
		return "", Mistakef("the password in %s has more than one line", path)
	}
	return password, nil
}

// readPrivate reads a short file that must not be open to everybody.
func readPrivate(what, path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", Mistakef("read %s: there is no file %s", what, path)
	case err != nil:
		return "", Mistakef("read %s: %w", what, err)
	case !info.Mode().IsRegular():
		return "", Mistakef("read %s: %s is no ordinary file", what, path)
	case info.Mode().Perm()&0o006 != 0:
		return "", Mistakef("%s in %s is open to everybody on this machine (mode %04o): chmod 600 %s", what, path, info.Mode().Perm(), path)
	case info.Size() > maxPrivate:
		return "", Mistakef("read %s: %s has %d bytes, which is something else", what, path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", Mistakef("read %s: %w", what, err)
	}
	return string(text), nil
}
