package sql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestDumpOfAPlainServerRestores(t *testing.T) {
	// What a plain PostgreSQL dumps, with all that those SQL cases left there of which nothing is refused, is restored into Barista by several connections at once, and
	// Barista then dumps the same schema and the same rows.
	plain := harness.StartPlain(t, nil)
	for _, one := range sqlCases(t) {
		if one.read(t, "plain.txt") != "" || one.missing(t) != "" {
			continue
		}
		one.psql(t, plain, one.read(t, "case.sql"))
	}
	c := harness.StartCluster(t, devcluster.Options{})
	folder, err := devcluster.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	file, globals := filepath.Join(folder, "dump"), filepath.Join(folder, "globals")
	harness.Tool(t, "pg_dumpall", "--globals-only", "--no-role-passwords", "--restrict-key=none", "-d", plain, "-f", globals)
	harness.Tool(t, "pg_dump", "-Fc", "-d", plain, "-f", file)
	ours, theirs := c.URL(c.Follower(t)), harness.StartPlain(t, nil) // a restore may change the order of inherited columns
	restore := func(into string) (ignored string) {
		harness.Tool(t, "psql", "-X", "-q", "-d", into, "-f", globals) // roles that there are already are no harm
		_, _, errs := harness.RunProgram(t, harness.VerifyLimit, harness.NeedTool(t, "pg_restore"), "--disable-triggers", "-j", "4", "-d", into, file)
		t.Logf("pg_restore: %s", errs)
		_, ignored, _ = strings.Cut(errs, "errors ignored on restore:") // some cases leave rows that no server restores
		return ignored
	}
	if on, got := restore(theirs), restore(ours); on != got {
		t.Errorf("pg_restore ignored%s errors on plain PostgreSQL, and%s on Barista", on, got)
	}
	c.VerifyAll(t)
	c.CompareSchemas(t)
	for _, part := range []string{"--schema-only", "--data-only"} {
		want := harness.Tool(t, "pg_dump", part, "--restrict-key=none", "-d", theirs)
		if diff := cmp.Diff(want, harness.Tool(t, "pg_dump", part, "--restrict-key=none", "-d", ours)); diff != "" {
			t.Errorf("pg_dump %s (-plain +Barista):\n%s", part, diff)
		}
	}
}
