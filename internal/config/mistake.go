package config

import (
	"errors"
	"fmt"
)

// ErrMistake is matched by every Mistake: errors.Is(err, ErrMistake).
var ErrMistake = errors.New("the person who started the program can mend this")

// Mistake is an error that the person who started the program can mend: a wrong argument or key, a port in use, a
// missing program, a folder that cannot be read. Its text is one line. A command that ends with one has exit status 2.
type Mistake struct {
	err error
}

// Mistakef makes a Mistake. Like fmt.Errorf it wraps what %w names.
func Mistakef(format string, args ...any) error {
	return &Mistake{err: fmt.Errorf(format, args...)}
}

// Error returns the line for the person.
func (m *Mistake) Error() string { return m.err.Error() }

// Unwrap returns the cause, if the mistake has one.
func (m *Mistake) Unwrap() error { return errors.Unwrap(m.err) }

// Is makes every Mistake match ErrMistake.
func (m *Mistake) Is(target error) bool { return target == ErrMistake }

// IsMistake reports whether err is, or wraps, a Mistake.
func IsMistake(err error) bool { return errors.Is(err, ErrMistake) }
