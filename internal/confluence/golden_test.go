package confluence

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// caseSources reads the sources of a golden folder.
func caseSources(t testing.TB, dir string) []Source {
	t.Helper()
	var sources []Source
	for _, name := range []string{"schema.sql", "txns.sql"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, Source{Name: name, Text: string(data)})
	}
	return sources
}

// caseFolders lists the golden folders.
func caseFolders(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*/schema.sql")
	if err != nil || len(found) == 0 {
		t.Fatalf("no golden folders: %v", err)
	}
	for i, name := range found {
		found[i] = filepath.Dir(name)
	}
	return found
}

func analyzeCase(t testing.TB, dir string) *Report {
	t.Helper()
	report, err := Analyze(Input{Sources: caseSources(t, dir)})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestGolden(t *testing.T) {
	// Each folder's schema and transactions yield exactly the report in its want.txt.
	for _, dir := range caseFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			r := analyzeCase(t, dir)
			got := r.Lines() + "\n" + r.Table() + "\n" + r.Suggestions() + "\n" + r.CounterExamples() + r.Estimate()
			path := filepath.Join(dir, "want.txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
