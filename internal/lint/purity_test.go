package lint

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// pure are the packages that decide, describe and judge: no clock, disk,
// network, lock, goroutine or chance of their own.
var pure = []string{"internal/paxos", "internal/changeset", "internal/confluence", "internal/invariants", "internal/rivals"}

// pureOutside are the modules of others that a pure package may use: they too are values in, values out.
var pureOutside = map[string]string{
	"internal/confluence": "github.com/pganalyze/pg_query_go/v6", // PostgreSQL's parser
}

// worldly are the standard packages that reach the world, with all below them.
var worldly = []string{
	"os", "net", "time", "sync", "syscall", "runtime", "log", "context", "io/fs", "io/ioutil", "crypto/rand", "path/filepath",
	"testing", "unsafe", "embed", "plugin", "database",
}

// ofGenerators are the names of math/rand that draw from no global generator.
var ofGenerators = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}

func TestPurity(t *testing.T) {
	// Pure packages import nothing of the world, start nothing and roll no global dice.
	for _, f := range mustLoad(t).source() {
		if !slices.Contains(pure, entryFor(f.dir())) {
			continue
		}
		imports := f.imports()
		for _, imported := range imports {
			for _, w := range worldly {
				if imported == w || strings.HasPrefix(imported, w+"/") {
					t.Errorf("%s: a pure package imports %s", f.path, imported)
				}
			}
			outside := pureOutside[entryFor(f.dir())]
			if outside != "" && (imported == outside || strings.HasPrefix(imported, outside+"/")) {
				continue
			}
			if strings.Contains(strings.Split(imported, "/")[0], ".") && !strings.HasPrefix(imported, module) {
				t.Errorf("%s: a pure package imports %s, which may do anything", f.path, imported)
			}
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			switch node.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s: goroutine or channel in a pure package", mustLoad(t).fset.Position(node.Pos()))
			}
			imported, name := packageName(node, imports)
			if strings.HasPrefix(imported, "math/rand") && !slices.Contains(ofGenerators, name) {
				t.Errorf("%s: rand.%s uses the global generator", mustLoad(t).fset.Position(node.Pos()), name)
			}
			return true
		})
	}
}
