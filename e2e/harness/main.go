package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/devcluster"
)

// PGBin holds the programs of PostgreSQL that the tests run.
const PGBin = "/usr/lib/postgresql/15/bin"

// PGShare holds its data, such as the control files of extensions.
const PGShare = "/usr/share/postgresql/15"

// program is the barista that the tests run.
var program = sync.OnceValues(func() (string, error) {
	path := os.Getenv("BARISTA_BIN")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "barista") // seen from a package of tests
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	library := filepath.Join(filepath.Dir(path), "..", "extension", "barista.so")
	for _, need := range []string{path, library, filepath.Join(PGBin, "postgres")} {
		if _, err := os.Stat(need); err != nil {
			return "", fmt.Errorf("%w: run make build first", err)
		}
	}
	return path, nil
})

// NeedProgram returns the path of barista, or skips the test without it, and with -short.
func NeedProgram(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	path, err := program()
	if err != nil {
		t.Skip(err)
	}
	return path
}

// NeedTool returns the path of a client's program, or skips the test without it.
func NeedTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join(PGBin, name))
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// The cluster of the tests that leave it as it was. It lives until the end of the run.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// SharedCluster returns the cluster of the tests that break nothing.
func SharedCluster(t testing.TB) *Cluster {
	t.Helper()
	binary := NeedProgram(t)
	shared.once.Do(func() {
		shared.cluster, shared.err = newCluster(devcluster.Options{Binary: binary})
		if shared.err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), StartLimit)
			defer cancel()
			shared.err = errors.Join(shared.cluster.Start(ctx), shared.cluster.WaitReady(ctx))
		}
	})
	if shared.err != nil {
		if shared.cluster != nil {
			shared.cluster.logTails(t)
		}
		t.Fatalf("start the shared cluster: %v", shared.err)
	}
	t.Cleanup(func() { shared.cluster.logTailsIfFailed(t) })
	return shared.cluster
}

// Main runs the tests of a package, ends the cluster that they shared, and returns the exit status.
func Main(m *testing.M) int {
	status := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.end(); err != nil {
			fmt.Fprintln(os.Stderr, "end the shared cluster:", err)
			status = max(status, 1)
		}
	}
	return status
}

// Limited returns a context that ends with the test, or after d.
func Limited(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Await waits until the condition holds, which it does when it returns nil.
func Await(t testing.TB, limit time.Duration, what string, condition func(context.Context) error) {
	t.Helper()
	if err := poll(Limited(t, limit), condition); err != nil {
		t.Fatalf("%s: not within %v: %v", what, limit, err)
	}
}

// poll asks until the condition returns nil, or returns its last error when ctx ends.
func poll(ctx context.Context, condition func(context.Context) error) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
