package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// untagged are versions that stand for a commit: a module that has no others cannot retract any.
var untagged = regexp.MustCompile(`\d{14}-[0-9a-f]{12}$`)

// retractions looks for modules that go.mod names in versions that their authors have withdrawn since, those of tests and tools too. Authors say
// so in the newest version, of which the module proxy tells.
func (c check) retractions() error {
	mod, err := c.goMod()
	if err != nil {
		return err
	}
	// -u asks for what was retracted, -versions shows whether there was an answer.
	list := exec.Command("go", "list", "-m", "-u", "-versions", "-e", "-json=Path,Version,Versions,Retracted,Error")
	list.Dir = c.module
	list.Env = append(os.Environ(), c.env...)
	for _, required := range mod.Require {
		list.Args = append(list.Args, required.Path)
	}
	output, err := printed(list)
	if err != nil {
		return err
	}
	asked := 0
	var found error
	var silent []string
	var why string
	err = eachJSON(output, func(m struct {
		Path, Version       string
		Versions, Retracted []string
		Error               *struct{ Err string }
	}) error {
		switch {
		case len(m.Retracted) > 0:
			found = errors.Join(found, fmt.Errorf("%s %s was retracted: %s", m.Path, m.Version, strings.Join(m.Retracted, "; ")))
		case m.Error != nil:
			silent, why = append(silent, m.Path), m.Error.Err
			return nil
		case len(m.Versions) == 0 && !untagged.MatchString(m.Version):
			silent, why = append(silent, m.Path), "the module proxy lists no versions"
			return nil
		}
		asked++
		return nil
	})
	switch {
	case err != nil || found != nil:
		return errors.Join(err, found)
	case len(mod.Require) == 0:
		c.say("go.mod names no modules that could be retracted")
	case asked == 0:
		return fmt.Errorf("retractions were not checked, of no module: %s", why)
	case len(silent) > 0:
		c.say("none of %d modules of go.mod was retracted; NOT CHECKED: %s (%s)", asked, strings.Join(silent, ", "), why)
	default:
		c.say("none of the %d modules of go.mod was retracted", asked)
	}
	return nil
}
