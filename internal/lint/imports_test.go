package lint

import (
	"slices"
	"strings"
	"testing"
)

// anyOfOurs is for those who put everything together.
const anyOfOurs = "*"

// mayImport says which packages of ours each package may import. Arrows point
// one way: pure packages import none, front doors only session and what is
// pure, node joins, commands start. Tests may import more.
var mayImport = map[string]string{
	// Pure: values in, values out.
	"internal/paxos":      "",
	"internal/changeset":  "",
	"internal/confluence": "",
	"internal/invariants": "",

	// The durable record.
	"internal/journal":     "internal/paxos internal/invariants",
	"internal/zkjournal":   "internal/paxos internal/journal internal/invariants",
	"internal/journaltest": "internal/paxos internal/journal",

	// From consensus to the server and back.
	"internal/lobby":        "",
	"internal/transport":    "internal/lobby",
	"internal/budget":       "",
	"internal/renewal":      "internal/paxos",
	"internal/rivals":       "",
	"internal/replicator":   "internal/paxos internal/changeset internal/budget internal/invariants",
	"internal/gate":         "internal/paxos internal/changeset internal/replicator internal/budget",
	"internal/apply":        "internal/paxos internal/changeset internal/replicator",
	"internal/config":       "",
	"internal/account":      "internal/config",
	"internal/postgres":     "internal/config internal/account",
	"internal/postgrestest": "internal/postgres internal/config internal/account",
	"internal/verify":       "internal/changeset",

	// Front doors.
	"internal/session":   "internal/paxos internal/changeset internal/confluence",
	"internal/proxy":     "internal/session internal/lobby internal/paxos internal/changeset internal/confluence",
	"internal/thriftapi": "internal/session internal/paxos internal/changeset internal/confluence api/thrift",
	"internal/admin":     "internal/session internal/paxos internal/changeset internal/confluence",

	// Those that put together, start or watch.
	"internal/node":       anyOfOurs,
	"internal/devcluster": "internal/config internal/account",
	"internal/sim":        anyOfOurs,
	"internal/tpcc":       "",
	"internal/lint":       "",
	"internal/thirdparty": "",
	"cmd":                 anyOfOurs,
	"extension":           anyOfOurs,
	"e2e":                 anyOfOurs,
	"examples":            "api/thrift",
	"api/thrift":          "",
}

// onlyIn are the packages that only some may import.
var onlyIn = map[string]string{
	"e2e/harness":               "",
	"extension/exttest/harness": "",
	"internal/node":             "cmd internal/devcluster internal/sim e2e",
	"internal/devcluster":       "cmd e2e",
	"internal/sim":              "cmd e2e",
	"internal/journaltest":      "",
	"internal/postgrestest":     "",
	"internal/lint":             "",
}

func TestImports(t *testing.T) {
	// Every package imports only those of ours that the table allows.
	for _, f := range mustLoad(t).source() {
		of := entryFor(f.dir())
		allowed, found := mayImport[of]
		if !found {
			t.Errorf("%s: package %s has no line in mayImport: decide what it may import", f.path, f.dir())
			continue
		}
		for _, imported := range f.imports() {
			ours, isOurs := strings.CutPrefix(imported, module)
			if !isOurs || ours == f.dir() {
				continue
			}
			if allowed != anyOfOurs && !listed(allowed, ours) {
				t.Errorf("%s: %s may not import %s", f.path, of, ours)
			}
			if few, found := onlyIn[ours]; found && !listed(few, of) {
				t.Errorf("%s: only %q may import %s", f.path, few, ours)
			}
		}
	}
}

// entryFor returns the key of mayImport for a package's folder: itself, or the
// folder above that has one.
func entryFor(dir string) string {
	for key := range mayImport {
		if strings.HasPrefix(dir+"/", key+"/") {
			return key
		}
	}
	return dir
}

func listed(list, word string) bool { return slices.Contains(strings.Fields(list), entryFor(word)) }
