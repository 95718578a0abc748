package harness

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/devcluster"
)

const (
	StartLimit  = 90 * time.Second // for a cluster, or a node that fetches its data, to serve
	ServeLimit  = 60 * time.Second // for writes to go on after a fault
	QueryLimit  = 30 * time.Second
	VerifyLimit = 90 * time.Second
)

// Cluster is a cluster of the tests, and what they ask of it.
type Cluster struct {
	*devcluster.Cluster
	Binary string
}

func newCluster(o devcluster.Options) (*Cluster, error) {
	dir, err := devcluster.NewFolder()
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	c, err := devcluster.New(o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Cluster{Cluster: c, Binary: o.Binary}, nil
}

// StartCluster starts a cluster that ends with the test.
func StartCluster(t testing.TB, o devcluster.Options) *Cluster {
	t.Helper()
	o.Binary = NeedProgram(t)
	c, err := newCluster(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.logTailsIfFailed(t)
		c.CheckNoPanic(t)
		if err := c.end(); err != nil {
			t.Error(err)
		}
	})
	ctx := Limited(t, StartLimit)
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// end kills what runs and removes the folder.
func (c *Cluster) end() error {
	for _, node := range c.Nodes() {
		_ = node.Continue() // a paused one would not be seen to end
	}
	return errors.Join(c.Kill(), os.RemoveAll(c.Dir()))
}

// Restart starts the node that a fault ended, and waits until all serve.
func (c *Cluster) Restart(t testing.TB, k int) {
	t.Helper()
	if err := c.Node(k).Start(); err != nil {
		t.Fatal(err)
	}
	c.Ready(t)
}

// Ready waits until all nodes serve.
func (c *Cluster) Ready(t testing.TB) {
	t.Helper()
	if err := c.WaitReady(Limited(t, StartLimit)); err != nil {
		t.Fatal(err)
	}
}

// AwaitLeader waits until one node leads, and returns its number.
func (c *Cluster) AwaitLeader(t testing.TB) (leader int) {
	t.Helper()
	Await(t, ServeLimit, "a leader", func(ctx context.Context) error {
		if leader = c.Leader(ctx); leader == 0 {
			return errors.New("no node leads")
		}
		return nil
	})
	return leader
}

// Others returns the numbers of all nodes but one.
func (c *Cluster) Others(k int) []int {
	return slices.DeleteFunc(c.All(), func(other int) bool { return other == k })
}

// All returns the numbers of all nodes.
func (c *Cluster) All() (numbers []int) {
	for k := range c.Nodes() {
		numbers = append(numbers, k+1)
	}
	return numbers
}

// Follower returns the number of a node that does not lead.
func (c *Cluster) Follower(t testing.TB) int {
	t.Helper()
	return c.Others(c.AwaitLeader(t))[0]
}

// URL is where clients reach the database through node k.
func (c *Cluster) URL(k int) string {
	return "postgres://postgres@" + c.Node(k).Config.PG + "/postgres?sslmode=disable"
}

// LocalURL is the own socket of node k's server.
func (c *Cluster) LocalURL(k int) string {
	return "host=" + c.Node(k).Config.SockDir() + " port=5432 user=postgres dbname=postgres"
}

// Connect connects through node k, until the test ends.
func (c *Cluster) Connect(t testing.TB, k int) *pgx.Conn {
	t.Helper()
	return ConnectTo(t, c.URL(k))
}

// Local connects to the own socket of node k's server, until the test ends.
func (c *Cluster) Local(t testing.TB, k int) *pgx.Conn {
	t.Helper()
	return ConnectTo(t, c.LocalURL(k))
}

// Ours connects as barista does to the own socket of node k's server, which knows it by its account.
func (c *Cluster) Ours(t testing.TB, k int) *pgx.Conn {
	t.Helper()
	dir := c.Node(k).Config.SockDir()
	cfg, err := pgx.ParseConfig("host=" + dir + " port=5432 user=barista dbname=postgres")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = account.Within(dir, func() error {
			conn, err = new(net.Dialer).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
	return connectWith(t, cfg)
}

// ConnectTo connects to a URL, until the test ends.
func ConnectTo(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return connectWith(t, cfg)
}

func connectWith(t testing.TB, cfg *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(Limited(t, QueryLimit), cfg)
	if err != nil {
		t.Fatalf("connect to %s: %v", cfg.ConnString(), err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

// Run runs statements through a connection.
func Run(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := conn.Exec(Limited(t, QueryLimit), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// One returns the one value that a query has.
func One[T any](t testing.TB, conn *pgx.Conn, query string, args ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(Limited(t, QueryLimit), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// Barista runs the program and returns its exit status and what it wrote.
func (c *Cluster) Barista(t testing.TB, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return RunProgram(t, VerifyLimit, c.Binary, args...)
}

// RunProgram runs a program, and returns its exit status and what it wrote.
func RunProgram(t testing.TB, limit time.Duration, name string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(Limited(t, limit), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return 0, out.String(), errs.String()
}

// Verify has node k compare the nodes, and fails the test unless those with the given numbers are compared and identical. If
// they are fewer than there are nodes, the others may be away.
func (c *Cluster) Verify(t testing.TB, k int, compared ...int) {
	t.Helper()
	status, report, errs := c.Barista(t, "verify", "--http", c.Node(k).Config.HTTP)
	all := status == 0 && strings.HasPrefix(report, "identical ")
	away := status == 3 && strings.HasPrefix(report, "incomplete ") && len(compared) < len(c.Nodes()) // the others are, or are back
	if !all && !away {
		t.Fatalf("barista verify through n%d: status %d\n%s%s", k, status, report, errs)
	}
	_, names, _ := strings.Cut(strings.SplitN(report, "\n", 2)[0], ": ")
	names, _, _ = strings.Cut(names, " do not differ")
	for _, want := range compared {
		if !slices.Contains(strings.Split(names, ", "), c.Node(want).Config.Name) {
			t.Errorf("barista verify did not compare n%d:\n%s", want, report)
		}
	}
}

// VerifyAll is Verify of all nodes.
func (c *Cluster) VerifyAll(t testing.TB) {
	t.Helper()
	c.Verify(t, 1, c.All()...)
}

// logTailsIfFailed shows what the nodes have last said, if the test has failed.
func (c *Cluster) logTailsIfFailed(t testing.TB) {
	if t.Failed() {
		c.logTails(t)
	}
}

func (c *Cluster) logTails(t testing.TB) {
	for _, node := range c.Nodes() {
		for _, path := range []string{node.Config.LogFile(), node.Config.ServerLogFile()} {
			t.Logf("the end of %s:\n%s", path, tail(path))
		}
	}
}

// tail returns the end of a file, as far as it is there.
func tail(path string) string {
	const size = 6000 // bytes
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if end, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, end-size), io.SeekStart) // at worst the whole file is shown
	}
	text, _ := io.ReadAll(file)
	return string(text)
}

// ReadFile returns what a file holds, such as a log.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// CheckNoPanic fails the test if any barista has panicked or its memory was raced for.
func (c *Cluster) CheckNoPanic(t testing.TB) {
	t.Helper()
	for _, node := range c.Nodes() {
		text, err := os.ReadFile(node.Config.LogFile())
		if err != nil {
			t.Error(err)
		}
		for _, sign := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if at := bytes.Index(text, []byte(sign)); at >= 0 {
				t.Errorf("%s: %s", node.Config.Name, text[at:min(len(text), at+2000)])
			}
		}
	}
}

// ConnectTo opens a session through node k in a database.
func (c *Cluster) ConnectTo(t testing.TB, k int, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(Limited(t, QueryLimit), strings.Replace(c.URL(k), "/postgres?", "/"+database+"?", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(Limited(t, QueryLimit)) })
	return conn
}

// Wipe removes all that is in a node's folder but node.yaml.
func Wipe(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == "node.yaml" {
			continue
		}
		// The kernel may still be ending the server, which writes there.
		path := filepath.Join(dir, entry.Name())
		Await(t, ServeLimit, "remove "+path, func(context.Context) error { return os.RemoveAll(path) })
	}
}
