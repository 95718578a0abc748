package lint

import (
	"go/ast"
	"slices"
	"testing"
)

// withBool are the exported functions that may have a bool parameter, as
// folder.Name: a setter whose name says what true means, or where every caller
// passes a constant that does.
var withBool = []string{
	"internal/paxos.SetElectable",
	"internal/journal.Append",
}

func TestNoBoolParameters(t *testing.T) {
	// No exported function has a bool parameter: a call does not show what true means.
	loaded := mustLoad(t)
	for _, f := range loaded.source() {
		for _, decl := range f.syntax.Decls {
			decl, ok := decl.(*ast.FuncDecl)
			if !ok || !isExported(decl) || slices.Contains(withBool, f.dir()+"."+decl.Name.Name) {
				continue
			}
			for _, parameter := range decl.Type.Params.List {
				if name, ok := parameter.Type.(*ast.Ident); ok && name.Name == "bool" {
					t.Errorf("%s: %s has a bool parameter", loaded.fset.Position(parameter.Pos()), decl.Name.Name)
				}
			}
		}
	}
}

func TestOnlyMainExits(t *testing.T) {
	// Only a command's main, and a test's, ends the process.
	loaded := mustLoad(t)
	for _, f := range loaded.source() {
		imports := f.imports()
		if f.syntax.Name.Name == "main" {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			imported, name := packageName(node, imports)
			if imported == "os" && name == "Exit" || imported == "log" && (name == "Fatal" || name == "Fatalf" || name == "Fatalln") {
				t.Errorf("%s: %s.%s outside main", loaded.fset.Position(node.Pos()), imported, name)
			}
			return true
		})
	}
}
