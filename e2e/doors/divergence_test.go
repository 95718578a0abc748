package doors

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestVerifyFindsAChangedRow(t *testing.T) {
	// When one row of one follower was changed behind Barista's back, verify names its table, key and node, and ends with status 1; so it
	// does when the follower was stopped because a change does not fit that row. Then its data are fetched anew by itself, and the nodes are identical.
	c := harness.StartCluster(t, devcluster.Options{})
	follower := c.Follower(t)
	harness.Run(t, c.Connect(t, follower), "CREATE TABLE spoiled (k int PRIMARY KEY, v int)",
		"INSERT INTO spoiled SELECT g, g FROM generate_series(41, 1000) g", "CREATE TABLE sound (k int); INSERT INTO sound VALUES (1)")
	c.VerifyAll(t)

	library := buildBehind(t, c)
	if err := c.Node(follower).Stop(harness.Limited(t, harness.ServeLimit)); err != nil {
		t.Fatal(err)
	}
	spoil(t, c.Node(follower).Config, library, "postgres")
	c.Restart(t, follower)
	if v := harness.One[int](t, c.Local(t, follower), "SELECT v FROM spoiled WHERE k = 41"); v != 666 {
		t.Fatalf("the row was not changed: %d", v)
	}

	for _, k := range c.All() {
		status, report, errs := c.Barista(t, "verify", "--http", c.Node(k).Config.HTTP)
		if status != 1 {
			t.Errorf("verify through n%d: status %d, want 1\n%s%s", k, status, report, errs)
		}
		for _, want := range []string{"spoiled", "41", c.Node(follower).Config.Name} {
			if !strings.Contains(report, want) {
				t.Errorf("verify through n%d does not name %s:\n%s", k, want, report)
			}
		}
		if strings.Contains(report, "sound") || strings.Contains(report, "identical") {
			t.Errorf("verify through n%d:\n%s", k, report)
		}
	}

	harness.Run(t, c.Connect(t, follower), "ALTER TABLE spoiled DROP CONSTRAINT spoiled_pkey", "DELETE FROM spoiled WHERE k = 41")
	stopped := "stopped: " + c.Node(follower).Config.Name + ":"
	for _, awaited := range []struct {
		what   string
		status int
		says   string
	}{{"a report of the stopped node", 1, stopped}, {"the stopped node with other data", 0, "identical"}} {
		harness.Await(t, 2*harness.ServeLimit, awaited.what, func(context.Context) error {
			status, report, errs := c.Barista(t, "verify", "--http", c.Node(follower).Config.HTTP)
			if status != awaited.status || !strings.Contains(report, awaited.says) {
				return fmt.Errorf("verify through n%d: status %d\n%s%s", follower, status, report, errs)
			}
			return nil
		})
	}
}

// buildBehind compiles behind.c, for the account of the nodes' servers.
func buildBehind(t testing.TB, c *harness.Cluster) (library string) {
	t.Helper()
	library = filepath.Join(c.Dir(), "behind.so")
	_, include, _ := harness.RunProgram(t, harness.QueryLimit, filepath.Join(harness.PGBin, "pg_config"), "--includedir-server")
	status, out, errs := harness.RunProgram(t, time.Minute, harness.NeedTool(t, "gcc"), "-shared", "-fPIC", "-I", strings.TrimSpace(include),
		"-o", library, filepath.Join("testdata", "behind.c"))
	if status != 0 {
		t.Fatalf("compile the library: %s%s", out, errs)
	}
	return library
}

// spoil runs the server of a stopped node without Barista, as its own user, and has it load the library into a database.
func spoil(t testing.TB, cfg config.Config, library, database string) {
	t.Helper()
	cmd := exec.CommandContext(harness.Limited(t, time.Minute), filepath.Join(harness.PGBin, "postgres"), "--single", "-D", cfg.DataDir(),
		"-c", "shared_preload_libraries=", "-c", "session_preload_libraries="+library, database)
	cmd.Dir, cmd.Stdin = cfg.DataDir(), strings.NewReader("")
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: ownerOf(t, cfg.DataDir())}
	}
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "ERROR") || strings.Contains(string(out), "FATAL") {
		t.Fatalf("change the row: %v\n%s", err, out)
	}
}

func ownerOf(t testing.TB, path string) *syscall.Credential {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}
