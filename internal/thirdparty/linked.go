package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A module is one that a program links packages of.
type module struct {
	Path, Version, Dir string

	// folders of the packages that are linked, and the files that are compiled for them, headers included.
	folders, files []string
}

// listed is what "go list" says of a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
	GoFiles, CgoFiles, CFiles, HFiles, SFiles []string
}

// linkedInto returns the modules that a main package links, the main module left out, in the order of their paths. It is what is linked on
// Linux, whatever the machine, so that everybody gets the same.
func linkedInto(name string) ([]module, error) {
	list := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module,GoFiles,CgoFiles,CFiles,HFiles,SFiles", name)
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	output, err := printed(list)
	if err != nil {
		return nil, err
	}
	modules := make(map[string]*module)
	err = eachJSON(output, func(p listed) error {
		if p.Standard || p.Module == nil || p.Module.Main {
			return nil
		}
		m := modules[p.Module.Path]
		if m == nil {
			m = &module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
			modules[m.Path] = m
		}
		return m.add(p)
	})
	if err != nil {
		return nil, err
	}
	var sorted []module
	for _, m := range modules {
		slices.Sort(m.files)
		m.files = slices.Compact(m.files)
		sorted = append(sorted, *m)
	}
	slices.SortFunc(sorted, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return sorted, nil
}

// add takes a package's files. C may include what lies in folders below, of which "go list" says nothing.
func (m *module) add(p listed) error {
	m.folders = append(m.folders, p.Dir)
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.HFiles, p.SFiles) {
		m.files = append(m.files, filepath.Join(p.Dir, name))
	}
	if len(p.CgoFiles) == 0 {
		return nil
	}
	return filepath.WalkDir(p.Dir, func(name string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && slices.Contains([]string{".c", ".h"}, filepath.Ext(name)) {
			m.files = append(m.files, name)
		}
		return err
	})
}

// printed runs a command and returns what it printed; what it complained of is in the error.
func printed(command *exec.Cmd) ([]byte, error) {
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return output, fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return output, nil
}

// eachJSON calls f with each value of a stream.
func eachJSON[T any](stream []byte, f func(T) error) error {
	decoder := json.NewDecoder(bytes.NewReader(stream))
	for {
		var value T
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(value)
		}
		if err != nil {
			return err
		}
	}
}
