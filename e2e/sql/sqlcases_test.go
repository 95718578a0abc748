package sql

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

var update = flag.Bool("update", false, "write what the SQL cases print as what they should print")

// A sqlCase is a folder of testdata/sql.
//
//	case.sql	statements, in a schema that has the folder's name
//	want.txt	what psql prints of them, on Barista
//	plain.txt	what it prints on a plain PostgreSQL, where that differs: Barista refuses something
//	check.sql	queries that are answered alike before and after the leader has changed
//	needs.txt	extensions that are in no package that the tests install; without them the case is left out
type sqlCase struct{ name, dir string }

func sqlCases(t *testing.T) (cases []sqlCase) {
	scripts, err := filepath.Glob(filepath.Join("testdata", "sql", "*", "case.sql"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no SQL cases: %v", err)
	}
	for _, script := range scripts {
		dir := filepath.Dir(script)
		cases = append(cases, sqlCase{filepath.Base(dir), dir})
	}
	return cases
}

func TestSQLCases(t *testing.T) {
	// Each case prints what is expected of it, and what plain PostgreSQL prints but for what is refused; all nodes hold the same rows
	// and the same schema; and another leader answers the same.
	c := harness.StartCluster(t, devcluster.Options{Change: func(node *config.Config) { node.MaxTransaction = 16 << 20 }}) // refused_large_transaction
	plain := harness.StartPlain(t, nil)
	cases := sqlCases(t)
	answers := make(map[string]string)
	for i, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			if missing := one.missing(t); missing != "" {
				t.Skipf("extension %s is not installed", missing)
			}
			script := one.read(t, "case.sql")
			got := one.psql(t, c.URL(1+i%len(c.Nodes())), script)
			on := one.psql(t, plain, script)
			if *update {
				one.write(t, "want.txt", got)
				one.write(t, "plain.txt", unlessSame(on, got))
			}
			want := one.read(t, "want.txt")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Barista (-want +got):\n%s", diff)
			}
			if differs := one.read(t, "plain.txt"); differs != "" {
				want = differs
			}
			if diff := cmp.Diff(want, on); diff != "" {
				t.Errorf("plain PostgreSQL (-want +got):\n%s", diff)
			}
			if check := one.read(t, "check.sql"); check != "" {
				answers[one.name] = one.psql(t, c.URL(1), check)
			}
		})
	}
	c.VerifyAll(t)
	c.CompareSchemas(t)

	leader := c.AwaitLeader(t)
	if err := errors.Join(c.Node(leader).Kill9(), c.Node(leader).Kill9Postgres()); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, leader)
	for _, one := range cases {
		before, asked := answers[one.name]
		if !asked {
			continue
		}
		if diff := cmp.Diff(before, one.psql(t, c.URL(1), one.read(t, "check.sql"))); diff != "" {
			t.Errorf("%s: another leader answers otherwise (-before +after):\n%s", one.name, diff)
		}
	}
	c.VerifyAll(t)
}

func unlessSame(text, as string) string {
	if text == as {
		return ""
	}
	return text
}

// read returns a file of the case; nothing if there is none.
func (o sqlCase) read(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// missing returns an extension that the case needs and that is not there; empty if there is none.
func (o sqlCase) missing(t *testing.T) string {
	t.Helper()
	for _, name := range strings.Fields(o.read(t, "needs.txt")) {
		if _, err := os.Stat(filepath.Join(harness.PGShare, "extension", name+".control")); err != nil {
			return name
		}
	}
	return ""
}

// write writes a file of the case, or removes it if there is nothing to write.
func (o sqlCase) write(t *testing.T, name, text string) {
	path := filepath.Join(o.dir, name)
	if text == "" {
		_ = os.Remove(path) // it may not be there
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// psql runs a script in the schema of the case, and returns what psql prints: the script, its results, and the SQLSTATEs of errors.
func (o sqlCase) psql(t *testing.T, url, script string) string {
	t.Helper()
	cmd := exec.CommandContext(harness.Limited(t, harness.VerifyLimit), harness.NeedTool(t, "psql"), "-X", "-a", "-d", url, "-v", "VERBOSITY=sqlstate")
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c client_min_messages=warning -c search_path="+o.name+",public", "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader("CREATE SCHEMA IF NOT EXISTS " + o.name + ";\n" + script)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		t.Fatalf("psql: %v\n%s", err, output.String())
	}
	_, text, _ := strings.Cut(output.String(), "CREATE SCHEMA\n")
	return text
}
