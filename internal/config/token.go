package config

import "strings"

// Token reads the one line of a file that not everybody may read: an operator's token, as barista token prints it. Every error is a
// Mistake and does not hold it.
func Token(path string) (string, error) {
	text, err := readPrivate("the operator's token", path)
	return strings.TrimSpace(text), err
}
