package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	// A secret that can be guessed, or that everybody on the machine may read, is one clear line; a good one comes without its newline.
	const good = "0123456789abcdef"
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string // of the mistake; empty: none
	}{
		{"good", good + "\n", 0o600, ""},
		{"for a group", good, 0o640, ""},
		{"empty", " \n", 0o600, "is empty"},
		{"short", "latte\n", 0o600, "has 5 bytes; it must have at least 16"},
		{"readable by all", good, 0o644, "mode 0644): chmod 600"},
		{"writable by all", good, 0o602, "mode 0602): chmod 600"},
		{"something else", strings.Repeat("x", maxPrivate+1), 0o600, "which is something else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret, err := Config{SecretFile: writePrivate(t, c.text, c.mode)}.Secret()
			checkPrivate(t, string(secret), err, good, c.want)
		})
	}
	_, err := Config{SecretFile: filepath.Join(t.TempDir(), "absent")}.Secret()
	checkPrivate(t, "", err, "", "there is no file")
	_, err = Config{SecretFile: t.TempDir()}.Secret()
	checkPrivate(t, "", err, "", "no ordinary file")
}

func TestPassword(t *testing.T) {
	// A password is the one line of its file, and no mistake in the file tells it.
	const good = " café 'au' lait\\ "
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"good", good + "\n", 0o600, ""},
		{"without a newline", good, 0o400, ""},
		{"empty", "\n", 0o600, "is empty"},
		{"two lines", "espresso\nsecond\n", 0o600, "more than one line"},
		{"long", strings.Repeat("espresso", 200), 0o600, "has 1600 bytes"},
		{"readable by all", "espresso", 0o604, "mode 0604): chmod 600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			password, err := Password(writePrivate(t, c.text, c.mode))
			checkPrivate(t, password, err, good, c.want)
			if err != nil && strings.Contains(err.Error(), "espresso") {
				t.Errorf("the mistake tells the password: %v", err)
			}
		})
	}
}

func writePrivate(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkPrivate wants the text, or a mistake of one line that holds want.
func checkPrivate(t *testing.T, got string, err error, text, want string) {
	t.Helper()
	if want == "" {
		if err != nil || got != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
		return
	}
	if !IsMistake(err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v; want a mistake of one line with %q", err, want)
	}
}
