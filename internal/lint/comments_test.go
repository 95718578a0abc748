package lint

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

func TestPackageComments(t *testing.T) {
	// Every package says what it is for, and once.
	comments := make(map[string][]string) // by folder, the files that have one
	for _, f := range mustLoad(t).files {
		if f.syntax == nil || ast.IsGenerated(f.syntax) {
			continue
		}
		comments[f.dir()] = append(comments[f.dir()], "")
		if f.syntax.Doc != nil {
			comments[f.dir()] = append(comments[f.dir()], f.path)
		}
	}
	for dir, files := range comments {
		files = slices.DeleteFunc(files, func(name string) bool { return name == "" })
		if len(files) != 1 {
			t.Errorf("%s: %d package comments, want one: %s", dir, len(files), strings.Join(files, ", "))
		}
	}
}

// meaningless names say nothing about what is in a package.
var meaningless = []string{"util", "utils", "common", "types", "base", "helpers", "misc", "shared"}

func TestPackageNames(t *testing.T) {
	// No package is named for nothing.
	for _, f := range append(mustLoad(t).source(), mustLoad(t).tests()...) {
		if slices.Contains(meaningless, f.syntax.Name.Name) {
			t.Errorf("%s: package %s is named for nothing", f.path, f.syntax.Name.Name)
		}
	}
}

func TestExportedComments(t *testing.T) {
	// Every exported function, method of an exported type, and type has a comment.
	loaded := mustLoad(t)
	for _, f := range loaded.source() {
		for _, decl := range f.syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if isExported(decl) && decl.Doc == nil && f.syntax.Name.Name != "main" && !isTrivial(decl) {
					t.Errorf("%s: %s has no comment", loaded.fset.Position(decl.Pos()), decl.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					spec, ok := spec.(*ast.TypeSpec)
					if ok && spec.Name.IsExported() && decl.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						t.Errorf("%s: type %s has no comment", loaded.fset.Position(spec.Pos()), spec.Name.Name)
					}
				}
			}
		}
	}
}

// wellKnown are methods whose meaning the standard library fixes.
var wellKnown = []string{"String", "Error", "Unwrap", "Is", "As", "Len", "Less", "Swap", "Read", "Write", "Close", "ServeHTTP"}

// isTrivial reports whether a method's name says it all.
func isTrivial(decl *ast.FuncDecl) bool {
	return decl.Recv != nil && slices.Contains(wellKnown, decl.Name.Name)
}

// isExported reports whether other packages can name a function or method.
func isExported(decl *ast.FuncDecl) bool {
	if !decl.Name.IsExported() {
		return false
	}
	if decl.Recv == nil {
		return true
	}
	of := decl.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	switch generic := of.(type) {
	case *ast.IndexExpr:
		of = generic.X
	case *ast.IndexListExpr:
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	return ok && name.IsExported()
}
