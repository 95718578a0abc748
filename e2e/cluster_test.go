package e2e

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
	startLimit  = 90 * time.Second // for a cluster, or a node that fetches its data, to serve
	serveLimit  = 60 * time.Second // for writes to go on after a fault
	queryLimit  = 30 * time.Second
	verifyLimit = 90 * time.Second
)

// cluster is a cluster of the tests, and what they ask of it.
type cluster struct {
	*devcluster.Cluster
	binary string
}

func newCluster(o devcluster.Options) (*cluster, error) {
	dir, err := devcluster.NewFolder()
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	c, err := devcluster.New(o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &cluster{Cluster: c, binary: o.Binary}, nil
}

// startCluster starts a cluster that ends with the test.
func startCluster(t testing.TB, o devcluster.Options) *cluster {
	t.Helper()
	o.Binary = needProgram(t)
	c, err := newCluster(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.logTailsIfFailed(t)
		c.checkNoPanic(t)
		if err := c.end(); err != nil {
			t.Error(err)
		}
	})
	ctx := limited(t, startLimit)
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// end kills what runs and removes the folder.
func (c *cluster) end() error {
	for _, node := range c.Nodes() {
		_ = node.Continue() // a paused one would not be seen to end
	}
	return errors.Join(c.Kill(), os.RemoveAll(c.Dir()))
}

// restart starts the node that a fault ended, and waits until all serve.
func (c *cluster) restart(t testing.TB, k int) {
	t.Helper()
	if err := c.Node(k).Start(); err != nil {
		t.Fatal(err)
	}
	c.ready(t)
}

func (c *cluster) ready(t testing.TB) {
	t.Helper()
	if err := c.WaitReady(limited(t, startLimit)); err != nil {
		t.Fatal(err)
	}
}

// leader waits until one node leads, and returns its number.
func (c *cluster) leader(t testing.TB) (leader int) {
	t.Helper()
	await(t, serveLimit, "a leader", func(ctx context.Context) error {
		if leader = c.Leader(ctx); leader == 0 {
			return errors.New("no node leads")
		}
		return nil
	})
	return leader
}

// others returns the numbers of all nodes but one.
func (c *cluster) others(k int) []int {
	return slices.DeleteFunc(c.all(), func(other int) bool { return other == k })
}

func (c *cluster) all() (numbers []int) {
	for k := range c.Nodes() {
		numbers = append(numbers, k+1)
	}
	return numbers
}

// follower returns the number of a node that does not lead.
func (c *cluster) follower(t testing.TB) int {
	t.Helper()
	return c.others(c.leader(t))[0]
}

// url is where clients reach the database through node k.
func (c *cluster) url(k int) string {
	return "postgres://postgres@" + c.Node(k).Config.PG + "/postgres?sslmode=disable"
}

// localURL is the own socket of node k's server.
func (c *cluster) localURL(k int) string {
	return "host=" + c.Node(k).Config.SockDir() + " port=5432 user=postgres dbname=postgres"
}

// connect connects through node k, until the test ends.
func (c *cluster) connect(t testing.TB, k int) *pgx.Conn {
	t.Helper()
	return connectTo(t, c.url(k))
}

// local connects to the own socket of node k's server, until the test ends.
func (c *cluster) local(t testing.TB, k int) *pgx.Conn {
	t.Helper()
	return connectTo(t, c.localURL(k))
}

// ours connects as barista does to the own socket of node k's server, which knows it by its account.
func (c *cluster) ours(t testing.TB, k int) *pgx.Conn {
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

func connectTo(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return connectWith(t, cfg)
}

func connectWith(t testing.TB, cfg *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(limited(t, queryLimit), cfg)
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

// run runs statements through a connection.
func run(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := conn.Exec(limited(t, queryLimit), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// one returns the one value that a query has.
func one[T any](t testing.TB, conn *pgx.Conn, query string, args ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(limited(t, queryLimit), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// barista runs the program and returns its exit status and what it wrote.
func (c *cluster) barista(t testing.TB, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return runProgram(t, verifyLimit, c.binary, args...)
}

func runProgram(t testing.TB, limit time.Duration, name string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(limited(t, limit), name, args...)
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

// verify has node k compare the nodes, and fails the test unless those with the given numbers are compared and identical.
func (c *cluster) verify(t testing.TB, k int, compared ...int) {
	t.Helper()
	status, report, errs := c.barista(t, "verify", "--http", c.Node(k).Config.HTTP)
	if status != 0 || !strings.HasPrefix(report, "identical") {
		t.Fatalf("barista verify through n%d: status %d\n%s%s", k, status, report, errs)
	}
	names, _, _ := strings.Cut(report[strings.LastIndex(strings.SplitN(report, "\n", 2)[0], ": ")+2:], "\n")
	for _, want := range compared {
		if !slices.Contains(strings.Split(names, ", "), c.Node(want).Config.Name) {
			t.Errorf("barista verify did not compare n%d:\n%s", want, report)
		}
	}
}

// verifyAll is verify of all nodes.
func (c *cluster) verifyAll(t testing.TB) {
	t.Helper()
	c.verify(t, 1, c.all()...)
}

// logTailsIfFailed shows what the nodes have last said, if the test has failed.
func (c *cluster) logTailsIfFailed(t testing.TB) {
	if t.Failed() {
		c.logTails(t)
	}
}

func (c *cluster) logTails(t testing.TB) {
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

// checkNoPanic fails the test if any barista has panicked or its memory was raced for.
func (c *cluster) checkNoPanic(t testing.TB) {
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

// connectTo opens a session through node k in a database.
func (c *cluster) connectTo(t testing.TB, k int, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(limited(t, queryLimit), strings.Replace(c.url(k), "/postgres?", "/"+database+"?", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(limited(t, queryLimit)) })
	return conn
}

// wipe removes all that is in a node's folder but node.yaml.
func wipe(t testing.TB, dir string) {
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
		await(t, serveLimit, "remove "+path, func(context.Context) error { return os.RemoveAll(path) })
	}
}
