package harness

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/google/go-cmp/cmp"
)

// Tool runs a program of PostgreSQL that must succeed, and returns what it prints.
func Tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	status, out, errs := RunProgram(t, VerifyLimit, NeedTool(t, name), args...)
	if status != 0 {
		t.Fatalf("%s: exit status %d: %s", name, status, errs)
	}
	return out
}

// StartPlain starts a PostgreSQL without Barista that ends with the test, and returns where it is.
func StartPlain(t *testing.T, settings map[string]string) string {
	t.Helper()
	NeedProgram(t) // what is compared with it needs it
	runs, err := account.Lookup("")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := devcluster.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := runs.Give(dir, nil); err != nil {
		t.Fatal(err)
	}
	plain := postgres.Config{
		Name: "plain", Bin: PGBin, Account: runs, Auth: config.Trust, Settings: settings,
		DataDir: filepath.Join(dir, "data"), SockDir: filepath.Join(dir, "sock"), LogFile: filepath.Join(dir, "log"),
	}
	ctx := Limited(t, StartLimit)
	if err := plain.Init(ctx); err != nil {
		t.Fatal(err)
	}
	server, err := plain.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return "host=" + plain.SockDir + " port=5432 user=postgres dbname=postgres"
}

// CompareSchemas fails the test unless all nodes dump the same schema, that of all databases, with their own settings and privileges, and the roles
// with their passwords.
func (c *Cluster) CompareSchemas(t *testing.T) {
	t.Helper()
	var first string
	for _, k := range c.All() {
		dump := Tool(t, "pg_dumpall", "--schema-only", "--clean", "--restrict-key=none", "-d", c.LocalURL(k))
		if first == "" {
			first = dump
		} else if diff := cmp.Diff(first, dump); diff != "" {
			t.Errorf("the schema of n%d is another (-n1 +n%d):\n%s", k, k, diff)
		}
	}
}
