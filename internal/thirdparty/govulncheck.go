package main

import (
	"os/exec"
	"slices"
	"strings"
)

// A finding is an entry of the database that concerns what was looked at.
type finding struct {
	id, module, version, fixed string
	reached                    bool // a function that is concerned is part of the program
}

// standard is how the database calls Go's library.
const standard = "stdlib"

// govulncheck runs the tool that go.mod pins. It returns the modules that were looked at, the program's own and Go's library left out, and what was
// found, for each entry and module once.
func govulncheck(database, mode, what string) (scanned []string, findings []finding, err error) {
	output, err := printed(exec.Command("go", "tool", "govulncheck", "-format", "json", "-db", database, "-mode", mode, what))
	if err != nil {
		return nil, nil, err
	}
	type message struct {
		SBOM *struct {
			Modules []struct{ Path, Version string }
		}
		OSV     *struct{ ID string } // in mode query: one that concerns what was asked for
		Finding *struct {
			OSV   string
			Fixed string `json:"fixed_version"`
			Trace []struct{ Module, Version, Function string }
		}
	}
	err = eachJSON(output, func(m message) error {
		switch {
		case m.SBOM != nil:
			for _, module := range m.SBOM.Modules {
				if module.Path != standard && module.Version != "(devel)" {
					scanned = append(scanned, module.Path)
				}
			}
		case m.OSV != nil && mode == "query":
			findings = append(findings, finding{id: m.OSV.ID})
		case m.Finding != nil && len(m.Finding.Trace) > 0:
			at := m.Finding.Trace[0]
			findings = append(findings, finding{m.Finding.OSV, at.Module, at.Version, m.Finding.Fixed, at.Function != ""})
		}
		return nil
	})
	return scanned, merge(findings), err
}

// merge leaves one finding of each entry and module, reached if any was.
func merge(findings []finding) []finding {
	slices.SortStableFunc(findings, func(a, b finding) int { return strings.Compare(a.id+a.module, b.id+b.module) })
	var merged []finding
	for _, f := range findings {
		if last := len(merged) - 1; last >= 0 && merged[last].id == f.id && merged[last].module == f.module {
			merged[last].reached = merged[last].reached || f.reached
			continue
		}
		merged = append(merged, f)
	}
	return merged
}
