package lint

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestPagesNameWhatIsThere(t *testing.T) {
	// The page on Paxos names every scenario, and no scenario and no test that is not there.
	const page, scenarios = "docs/internals/paxos.md", "internal/paxos/testdata/scenarios"
	loaded := mustLoad(t)
	tests, stories := make(map[string]bool), make(map[string]bool)
	text := ""
	for _, f := range loaded.files {
		if path.Dir(f.path) == scenarios {
			stories[path.Base(f.path)] = true
		}
		if f.path == page {
			text = string(f.text)
		}
		if f.syntax == nil || !strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		for _, decl := range f.syntax.Decls {
			if decl, ok := decl.(*ast.FuncDecl); ok {
				tests[decl.Name.Name] = true
			}
		}
	}
	for story := range stories {
		if !strings.Contains(text, "`"+story+"`") {
			t.Errorf("%s does not name the scenario %s", page, story)
		}
	}
	for _, name := range regexp.MustCompile("`[a-z0-9_]+\\.txt`").FindAllString(text, -1) {
		if !stories[strings.Trim(name, "`")] {
			t.Errorf("%s names %s: there is no such scenario", page, name)
		}
	}
	for _, name := range regexp.MustCompile("`Test[A-Za-z0-9]+`").FindAllString(text, -1) {
		if !tests[strings.Trim(name, "`")] {
			t.Errorf("%s names %s: there is no such test", page, name)
		}
	}
}
