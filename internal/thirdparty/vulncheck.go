package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// A check looks for what is known of a program's modules.
type check struct {
	module   string // the folder of its go.mod
	binary   string
	database string
	copied   copied
	env      []string // added to the environment when modules are asked for
	out      io.Writer
}

// run makes all checks, and returns what the first of them and the others found.
func (c check) run() error {
	database, err := c.choose()
	if err != nil {
		return err
	}
	return errors.Join(c.advisories(database), c.toolchain(database), c.retractions())
}

// say prints a line, also where what it tells has several.
func (c check) say(format string, args ...any) {
	fmt.Fprintln(c.out, "vulncheck:", strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}

// advisories looks for entries on what is linked into the binary. One on a module is an error, whether the program reaches the code in question or
// not: a newer version is the simplest answer. One on Go's library is said only, since it comes with whichever Go is at hand.
func (c check) advisories(database string) error {
	scanned, findings, err := govulncheck(database, "binary", c.binary)
	if err != nil {
		return err
	}
	if len(scanned) == 0 {
		return fmt.Errorf("nothing was checked: %s names no modules that it links", c.binary)
	}
	var found error
	var library []finding
	for _, f := range findings {
		if f.module == standard {
			library = append(library, f)
			continue
		}
		reached := "the program does not contain the functions in question"
		if f.reached {
			reached = "the program contains functions in question"
		}
		found = errors.Join(found, fmt.Errorf("%s %s: %s, fixed in %s; %s", f.module, f.version, f.id, orNone(f.fixed), reached))
	}
	if found == nil {
		c.say("none of the %d modules of %s has a known vulnerability", len(scanned), filepath.Base(c.binary))
	}
	c.sayLibrary(library)
	return found
}

func orNone(version string) string {
	if version == "" {
		return "no version yet"
	}
	return version
}

func (c check) sayLibrary(findings []finding) {
	var ids []string
	version := ""
	for _, f := range findings {
		if f.reached {
			ids = append(ids, f.id)
			version = f.version
		}
	}
	if len(ids) > 0 {
		c.say("WARNING: %s was built with Go %s, whose library has %d known vulnerabilities in functions that the program contains: %s. "+
			"Use a newer Go for what is handed on: with GOTOOLCHAIN=auto it is the one that go.mod names",
			filepath.Base(c.binary), version, len(ids), strings.Join(ids, ", "))
	}
}

// goMod is what a go.mod says.
type goMod struct {
	Go, Toolchain string
	Require       []struct{ Path string }
}

func (c check) goMod() (goMod, error) {
	edit := exec.Command("go", "mod", "edit", "-json")
	edit.Dir = c.module
	var mod goMod
	output, err := printed(edit)
	if err != nil {
		return mod, err
	}
	return mod, json.Unmarshal(output, &mod)
}

// toolchain looks for entries on the library of the Go that go.mod asks for.
func (c check) toolchain(database string) error {
	mod, err := c.goMod()
	if err != nil {
		return err
	}
	if mod.Toolchain == "" {
		mod.Toolchain = "go" + mod.Go
	}
	_, findings, err := govulncheck(database, "query", standard+"@"+mod.Toolchain)
	if err != nil {
		return err
	}
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.id)
	}
	if len(ids) > 0 {
		return fmt.Errorf("the library of %s, which go.mod names, has known vulnerabilities: %s: raise its line toolchain", mod.Toolchain, strings.Join(ids, ", "))
	}
	c.say("the library of %s, which go.mod names, has no known vulnerability", mod.Toolchain)
	return nil
}
