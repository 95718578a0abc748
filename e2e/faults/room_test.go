package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

// awaitLead waits until node k leads.
func awaitLead(t testing.TB, c *harness.Cluster, k int) {
	t.Helper()
	harness.Await(t, harness.ServeLimit, fmt.Sprintf("n%d leads", k), func(ctx context.Context) error {
		if leader := c.Leader(ctx); leader != k {
			return fmt.Errorf("n%d does", leader)
		}
		return nil
	})
}

// awaitHealth waits until a node's health has a status and a text.
func awaitHealth(t testing.TB, c *harness.Cluster, k, status int, text string) {
	t.Helper()
	harness.Await(t, harness.ServeLimit, "the health of the node", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Node(k).Config.HTTP+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		said, err := io.ReadAll(response.Body)
		if err == nil && (response.StatusCode != status || !strings.Contains(string(said), text)) {
			err = fmt.Errorf("it is %s: %s", response.Status, said)
		}
		return err
	})
}

func TestLittleRoom(t *testing.T) {
	// Nodes that have less room than they are to have leave the lead to the one that has enough, say so, and cannot be made leaders; when that one
	// dies, one of them serves; when it is back, it leads again.
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		if cfg.Name != "n3" {
			cfg.MinFree = 1 << 60
		}
	}})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	l := &harness.Ledger{}
	w := harness.StartWriters(t, l, harness.URLs(c, []int{1, 2}))
	awaitLead(t, c, 3)
	l.AwaitMore(t, 50)
	for _, k := range []int{1, 2} {
		awaitHealth(t, c, k, http.StatusServiceUnavailable, "there is little room on its disks")
	}
	awaitHealth(t, c, 3, http.StatusOK, "leader")
	status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP, "--to", "n1")
	if status != 1 || !strings.Contains(errs, "n1 cannot take over: there is little room: ") {
		t.Errorf("a transfer to a node with little room: status %d: %s", status, errs)
	}
	if err := c.Node(3).Kill9(); err != nil {
		t.Fatal(err)
	}
	l.AwaitMore(t, 50)
	c.Restart(t, 3)
	awaitLead(t, c, 3)
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
}

func TestFullDisk(t *testing.T) {
	// The disk of the leader fills up under load. It hands over before its server fails; when nothing at all is free the others go on; and
	// with room again it is a follower like every other.
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		cfg.Settings = map[string]string{"max_wal_size": "64MB", "min_wal_size": "32MB"}
		if cfg.Name == "n1" {
			cfg.MinFree = 150 << 20
		}
	}})
	const fills = 1
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	disk := ontoSmallDisk(t, c, fills)
	if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(1).Config.HTTP, "--to", "n1"); status != 0 && !strings.Contains(errs, "leads already") {
		t.Fatal(errs)
	}
	awaitLead(t, c, fills)
	l := &harness.Ledger{}
	w := harness.StartWriters(t, l, harness.URLs(c, c.All()))
	l.AwaitMore(t, 50)

	leaveFree(t, disk, 100<<20)
	harness.Await(t, harness.ServeLimit, "another node leads", func(ctx context.Context) error {
		if leader := c.Leader(ctx); leader == 0 || leader == fills {
			return fmt.Errorf("n%d does", leader)
		}
		return nil
	})
	awaitHealth(t, c, fills, http.StatusServiceUnavailable, "there is little room on its disks")
	leaveFree(t, disk, 0)
	l.AwaitMore(t, 500)

	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	c.Ready(t)
	l.AwaitMore(t, 50)
	w.Stopped()
	c.VerifyAll(t)
	l.CheckOn(t, c, c.All()...)
	if refused := l.Counted(harness.Refused); refused > 0 {
		t.Logf("%d writes were refused", refused)
	}
}

// ontoSmallDisk moves the data of node k to a disk of its own, with 400 MiB, and returns where that is.
func ontoSmallDisk(t *testing.T, c *harness.Cluster, k int) string {
	t.Helper()
	node := c.Node(k)
	disk, data := t.TempDir(), node.Config.DataDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("needs to mount a small disk: %s", out)
	}
	t.Cleanup(func() {
		if err := node.Kill9(); err != nil {
			t.Log(err)
		}
		for _, path := range []string{data, disk} {
			// Its last processes may still be about to end.
			if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
				t.Errorf("unmount %s: %v", path, err)
			}
		}
	})
	if err := errors.Join(node.Kill9(), os.Chmod(disk, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"cp", "-a", data, filepath.Join(disk, "pgdata")},
		{"find", data, "-mindepth", "1", "-delete"},
		{"mount", "--bind", filepath.Join(disk, "pgdata"), data},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	c.Restart(t, k)
	return disk
}

// leaveFree puts so much onto a disk that no more than some bytes are free.
func leaveFree(t *testing.T, disk string, bytes int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(disk, "ballast"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	load := make([]byte, 1<<20)
	for {
		var fs syscall.Statfs_t
		if err := syscall.Statfs(disk, &fs); err != nil {
			t.Fatal(err)
		}
		free := int64(fs.Bavail) * fs.Frsize
		if free <= bytes {
			return
		}
		if _, err := f.Write(load[:min(int64(len(load)), free-bytes)]); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}
