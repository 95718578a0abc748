package lint

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// module is the path that all our import paths start with.
const module = "github.com/baristadb/barista/"

// tree is the repository as the tests see it.
type tree struct {
	root  string
	fset  *token.FileSet
	files []file
}

// file is one text file. The fields that are of Go only are nil for others.
type file struct {
	path   string // below the root, with slashes
	text   []byte
	syntax *ast.File
}

// loadOnce reads the repository once for all tests.
var loadOnce = sync.OnceValues(load)

func mustLoad(t *testing.T) tree {
	t.Helper()
	loaded, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func load() (tree, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return tree{}, err
	}
	loaded := tree{root: root, fset: token.NewFileSet()}
	paths, err := listFiles(root)
	if err != nil {
		return tree{}, err
	}
	if len(paths) == 0 {
		return tree{}, fmt.Errorf("no files in %s", root)
	}
	for _, name := range paths {
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // git knows it, but it was deleted
		}
		if err != nil {
			return tree{}, err
		}
		f := file{path: filepath.ToSlash(name), text: text}
		if strings.HasSuffix(name, ".go") {
			f.syntax, err = parser.ParseFile(loaded.fset, f.path, text, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return tree{}, err
			}
		}
		loaded.files = append(loaded.files, f)
	}
	return loaded, nil
}

// listFiles returns the regular files below root that belong to the project.
func listFiles(root string) ([]string, error) {
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = root
	if output, err := list.Output(); err == nil && len(output) > 0 {
		return strings.Split(strings.TrimRight(string(output), "\x00"), "\x00"), nil
	}
	var paths []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin"):
			return fs.SkipDir
		case entry.Type().IsRegular():
			relative, err := filepath.Rel(root, name)
			paths = append(paths, relative)
			return err
		}
		return nil
	})
	return paths, err
}

// source returns the Go files that people write, without tests.
func (t tree) source() []file {
	var files []file
	for _, f := range t.files {
		if f.syntax != nil && !f.isTest() && !ast.IsGenerated(f.syntax) {
			files = append(files, f)
		}
	}
	return files
}

// tests returns the Go files that only tests use.
func (t tree) tests() []file {
	var files []file
	for _, f := range t.files {
		if f.syntax != nil && f.isTest() {
			files = append(files, f)
		}
	}
	return files
}

func (f file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// dir returns the folder of the file's package.
func (f file) dir() string { return path.Dir(f.path) }

// imports returns the paths that the file imports, by the names that it uses
// for them.
func (f file) imports() map[string]string {
	imports := make(map[string]string)
	for _, spec := range f.syntax.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(imported)
		if name == "v2" {
			name = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = imported
	}
	return imports
}

// packageName returns what a selector like name.Name is of, if it is of an
// imported package.
func packageName(node ast.Node, imports map[string]string) (imported, name string) {
	selector, ok := node.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	of, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return imports[of.Name], selector.Sel.Name
}
