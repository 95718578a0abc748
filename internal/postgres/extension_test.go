package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withExtension is plain with the built extension; the test is skipped if there is none.
func withExtension(t *testing.T) Config {
	t.Helper()
	library, err := filepath.Abs("../../extension/barista.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(library); err != nil {
		t.Skip("needs the extension: run make extension")
	}
	c := plain(t)
	c.Library, c.LibDir = library, filepath.Join(filepath.Dir(c.DataDir), "lib")
	return c
}

func TestBootstrap(t *testing.T) {
	// A cluster's first server has the extension's functions in both databases, the origin, and no path in pg_proc.
	c := withExtension(t)
	if err := c.Init(bounded(t)); err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{"template1", "postgres"} {
		cmd := c.command("postgres", "--single", "-D", c.DataDir, "-j", "-c", "exit_on_error=on", "-c", "barista.bootstrap=on", database)
		cmd.Stdin = strings.NewReader("SELECT count(*) AS functions, min(probin) AS library, (SELECT max(roname) FROM pg_replication_origin) AS origin" +
			" FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN ('barista_apply', 'barista_capture', 'barista_start')")
		said, err := run(bounded(t), cmd)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`functions = "3"`, `library = "barista"`, `origin = "barista"`} {
			if !strings.Contains(said, want) {
				t.Errorf("database %s has no %s:\n%s", database, want, said)
			}
		}
	}
}

func TestBootstrapFails(t *testing.T) {
	// An error in the bootstrap script leaves no data folder, and is told.
	c := plain(t)
	dir := open(t)
	for name, text := range map[string]string{"barista.so": "no library", "bootstrap.sql": "SELECT 1;\n\nSELECT broken;\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.Library, c.LibDir = filepath.Join(dir, "barista.so"), filepath.Join(dir, "lib")
	if err := c.Init(bounded(t)); err == nil || !strings.Contains(err.Error(), "barista.so") {
		t.Errorf("Init with a broken library: %v; want an error that names it", err)
	}
	if _, err := os.Stat(c.DataDir); !os.IsNotExist(err) {
		t.Errorf("the data folder exists: %v", err)
	}
}
