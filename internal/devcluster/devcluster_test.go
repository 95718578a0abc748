package devcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
)

// TestMain makes this test program play the barista that the cluster starts: init leaves a journal folder, start
// claims the node's folder and answers on its HTTP port as n1 being the leader.
func TestMain(m *testing.M) {
	if len(os.Args) != 4 || os.Args[2] != "--config" {
		os.Exit(m.Run())
	}
	if err := playBarista(os.Args[1], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "barista:", err)
		os.Exit(2)
	}
}

func playBarista(command, path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	if command == "init" {
		return os.Mkdir(cfg.JournalDir(), 0o700)
	}
	release, err := config.Claim(cfg)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if cfg.Settings["refuse"] == "on" {
		return errors.New("no beans")
	}
	listener, err := net.Listen("tcp", cfg.HTTP)
	if err != nil {
		return err
	}
	go http.Serve(listener, pretend(cfg)) // ends with the process
	<-ctx.Done()
	return release()
}

// pretend answers as a node of a healthy cluster in which n1 leads.
func pretend(cfg config.Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/primary", answerIf(cfg.Name == "n1"))
	mux.HandleFunc("/replica", answerIf(cfg.Name != "n1"))
	mux.HandleFunc("/cluster", func(w http.ResponseWriter, _ *http.Request) {
		var nodes []NodeStatus
		for name := range cfg.Peers {
			role := "follower"
			if name == "n1" {
				role = "leader"
			}
			nodes = append(nodes, NodeStatus{Name: name, Role: role})
		}
		json.NewEncoder(w).Encode(map[string]any{"nodes": nodes})
	})
	return mux
}

func answerIf(healthy bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// run makes and starts a cluster that ends with the test.
func run(t *testing.T, o Options) *Cluster {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Binary = self
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Kill(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Start(bounded(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLifeOfACluster(t *testing.T) {
	// A cluster starts, is found ready, loses a node and gets it back, stops, and is resumed with its peer ports.
	dir, err := NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := run(t, Options{Dir: dir})
	if err := c.WaitReady(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if got := c.Leader(bounded(t)); got != 1 {
		t.Errorf("node %d leads, want 1", got)
	}
	for _, k := range []int{1, 2, 3} {
		_, err := os.Stat(c.Node(k).Config.JournalDir())
		if made := err == nil; made != (k == 1) {
			t.Errorf("node %d has a journal: %v; only the first node is to be initialised", k, made)
		}
	}
	if _, err := New(Options{Dir: dir}); !config.IsMistake(err) || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("the same folder a second time: %v; want a Mistake", err)
	}

	second := c.Node(2)
	if err := second.Kill9(); err != nil {
		t.Fatal(err)
	}
	if pid, err := second.PID(); pid != 0 || err != nil {
		t.Errorf("a killed node has process %d, %v", pid, err)
	}
	if err := c.WaitReady(bounded(t)); err == nil || !strings.Contains(err.Error(), "a node ended") {
		t.Errorf("ready without a node: %v", err)
	}
	if err := c.WaitServing(bounded(t), 1, 3); err != nil {
		t.Errorf("the others: %v", err)
	}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitReady(bounded(t)); err != nil {
		t.Fatal(err)
	}

	if err := second.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(bounded(t)); err != nil {
		t.Fatalf("stop, with a paused node: %v", err)
	}
	again := run(t, Options{Dir: dir})
	if err := again.WaitReady(bounded(t)); err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= 3; k++ {
		if was, is := c.Node(k).Config.Peer, again.Node(k).Config.Peer; was != is {
			t.Errorf("node %d was at %s and is at %s", k, was, is)
		}
	}
}

func TestMistakes(t *testing.T) {
	// What stands in the way of a cluster is a Mistake that says what.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	holds := t.TempDir()
	if _, err := New(Options{Dir: holds, Nodes: 1}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"port in use", Options{Dir: t.TempDir(), PgPort: port}, fmt.Sprint(port)},
		{"ports overlap", Options{Dir: t.TempDir(), PgPort: 6432, HTTPPort: 6433}, "6433"},
		{"port beyond the last", Options{Dir: t.TempDir(), PgPort: 65535}, "65536"},
		{"too many nodes", Options{Dir: t.TempDir(), Nodes: 99}, "1 to 9"},
		{"another number of nodes", Options{Dir: holds, Nodes: 3}, "cluster of 1"},
		{"a file for a folder", Options{Dir: file}, file},
		{"no folder", Options{}, "give a path"},
		{"a fixed setting", Options{Dir: t.TempDir(), Settings: map[string]string{"fsync": "off"}}, "fsync"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.o); !config.IsMistake(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New: %v; want a Mistake with %q", err, c.want)
			}
		})
	}
}

func TestProcessesHavePortsOfTheirOwn(t *testing.T) {
	// Who claims ports gets others than those that are claimed, and gives them back at its end.
	first := claimBlock(7)
	second := claimBlock(first.number)
	if first.claim == nil || second.claim == nil || first.number == second.number {
		t.Fatalf("two have blocks %d and %d", first.number, second.number)
	}
	if err := errors.Join(first.claim.Close(), second.claim.Close()); err != nil {
		t.Fatal(err)
	}
	if again := claimBlock(first.number); again.number != first.number {
		t.Errorf("block %d is not given back", first.number)
	} else if err := again.claim.Close(); err != nil {
		t.Error(err)
	}
}

func TestNodeThatCannotStart(t *testing.T) {
	// Waiting ends early, with the node's own last words, when a node ends by itself.
	c := run(t, Options{Dir: t.TempDir(), Nodes: 1, Settings: map[string]string{"refuse": "on"}})
	if err := c.WaitReady(bounded(t)); err == nil || !strings.Contains(err.Error(), "no beans") {
		t.Errorf("WaitReady: %v; want the node's last line", err)
	}
}

func TestJournalMarksACluster(t *testing.T) {
	// A folder in which some node has a journal is a cluster: its first node, wiped, is not made anew.
	dir := t.TempDir()
	if _, err := New(Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "n2", "journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, Options{Dir: dir})
	if _, err := os.Stat(filepath.Join(dir, "n1", "journal")); !os.IsNotExist(err) {
		t.Errorf("the first node was initialised again: %v", err)
	}
}

func TestFoldersOfOthers(t *testing.T) {
	// Who is not root neither reads a node.yaml nor writes one where another account can have put something: not in its folder, and not in one that everybody can change.
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be two others")
	}
	own, err := account.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	other, err := account.Lookup("daemon")
	if err != nil {
		t.Skip(err)
	}
	for want, mode := range map[string]os.FileMode{"belongs to user": 0o755, "can be changed by everybody": 0o777} {
		dir, err := NewFolder()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		above, node := filepath.Join(dir, "above"), filepath.Join(dir, "above", "n1")
		owner := other
		if mode == 0o777 {
			owner = own
		}
		err = errors.Join(os.MkdirAll(node, 0o755), os.WriteFile(filepath.Join(node, "node.yaml"), []byte("pg_bin: /theirs\n"), 0o666),
			owner.Give(above, func(string) bool { return true }), os.Chmod(above, mode), os.Chmod(node, 0o777))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range []string{above, filepath.Join(dir, "link")} {
			if err := os.Symlink(above, filepath.Join(dir, "link")); err != nil && !errors.Is(err, os.ErrExist) {
				t.Fatal(err)
			}
			err = own.As(func() error {
				_, err := New(Options{Dir: folder, Nodes: 1})
				return err
			})
			if !config.IsMistake(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want a Mistake with %q", folder, err, want)
			}
		}
	}
}
