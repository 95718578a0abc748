package lint

import (
	"go/ast"
	"strings"
	"testing"
)

func TestNoSleeps(t *testing.T) {
	// No test sleeps: it waits for a condition, with a limit.
	loaded := mustLoad(t)
	for _, f := range loaded.tests() {
		imports := f.imports()
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			if imported, name := packageName(node, imports); imported == "time" && name == "Sleep" {
				t.Errorf("%s: a test sleeps", loaded.fset.Position(node.Pos()))
			}
			return true
		})
	}
}

func TestFirstLines(t *testing.T) {
	// A test's first line says what it shows: a comment above it or at its start, or a message.
	loaded := mustLoad(t)
	for _, f := range loaded.tests() {
		for _, decl := range f.syntax.Decls {
			decl, ok := decl.(*ast.FuncDecl)
			if !ok || decl.Recv != nil || decl.Name.Name == "TestMain" || !strings.HasPrefix(decl.Name.Name, "Test") {
				continue
			}
			if decl.Doc == nil && !startsWithComment(f.syntax, decl) {
				t.Errorf("%s: %s does not say what it shows", loaded.fset.Position(decl.Pos()), decl.Name.Name)
			}
		}
	}
}

// startsWithComment reports whether a comment stands before the first statement
// of a function.
func startsWithComment(in *ast.File, decl *ast.FuncDecl) bool {
	first := decl.Body.Rbrace
	if len(decl.Body.List) > 0 {
		first = decl.Body.List[0].Pos()
	}
	for _, comment := range in.Comments {
		if decl.Body.Lbrace < comment.Pos() && comment.Pos() < first {
			return true
		}
	}
	return false
}
