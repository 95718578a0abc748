package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/admin"
)

// obedient is a node that carries out every order, and counts them.
type obedient struct{ orders atomic.Int32 }

// recipe is what only the operator is to read.
const recipe = "a secret recipe"

func (o *obedient) Status() admin.Status {
	return admin.Status{Name: "n1", Role: admin.Stopped, Reason: admin.Diverged, Detail: "diverged: " + recipe}
}
func (o *obedient) Verify(context.Context) (any, error) {
	o.orders.Add(1)
	return map[string]any{"identical": true, "position": "7.1", "nodes": []string{"n1"}}, nil
}
func (o *obedient) Transfer(_ context.Context, to string) (admin.HandOver, error) {
	o.orders.Add(1)
	return admin.HandOver{From: "n1", To: to}, nil
}
func (o *obedient) Members() admin.Membership                  { return admin.Membership{Version: 3} }
func (o *obedient) AddMember(context.Context, string) error    { o.orders.Add(1); return nil }
func (o *obedient) AddSpare(context.Context, string) error     { o.orders.Add(1); return nil }
func (o *obedient) PardonMember(context.Context, string) error { o.orders.Add(1); return nil }
func (o *obedient) RemoveMember(context.Context, string) error { o.orders.Add(1); return nil }

// lonely is a membership of one.
type lonely struct{}

func (lonely) Names() []string { return []string{"n1"} }
func (lonely) Status(context.Context, string) (admin.Status, error) {
	return admin.Status{}, errors.New("there is no other")
}

// serveNode serves a node at an HTTP address and a socket, until the test ends.
func serveNode(t *testing.T) (node *obedient, address, socket string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "sock")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	node, socket = &obedient{}, filepath.Join(folder, "admin")
	people, err := admin.Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	operator, err := admin.ListenSocket(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	s, err := admin.New(admin.Options{
		Node: node, Peers: lonely{}, Verifier: node, Operator: node, Token: testToken, Socket: socket,
		Address: people.Addr().(*net.TCPAddr).AddrPort(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 2)
	for _, l := range []net.Listener{people, operator} {
		go func() { served <- s.Serve(l) }() // ended by Shutdown
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		s.Shutdown(ctx)
		if err := errors.Join(<-served, <-served); err != nil {
			t.Error(err)
		}
	})
	return node, people.Addr().String(), socket
}

// typed runs what a person typed, and returns what the program wrote and its exit status.
func typed(t *testing.T, args ...string) (out, errs string, exit int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	exit = conclude(dispatch(t.Context(), args, &stdout), &stderr)
	return stdout.String(), stderr.String(), exit
}

// orders are the commands that a node obeys only when its operator gives them.
var orders = [][]string{
	{"transfer", "--to", "n2"}, {"verify"}, {"members", "add", "n4"}, {"members", "add", "n4", "--spare"}, {"members", "remove", "n4"},
}

func TestOrdersThroughTheSocket(t *testing.T) {
	// On the node's machine its user gives orders, and reads everything, with --http alone.
	t.Setenv(tokenVariable, "")
	node, address, _ := serveNode(t)
	for i, args := range orders {
		if _, errs, exit := typed(t, append(args, "--http", address)...); exit != 0 || int(node.orders.Load()) != i+1 {
			t.Errorf("%v: status %d, order %d: %s", args, exit, node.orders.Load(), errs)
		}
	}
	if out, errs, exit := typed(t, "status", "--http", address); exit != 0 || !strings.Contains(out, recipe) {
		t.Errorf("status %d: %s%s", exit, out, errs)
	}
}

func TestOrdersWithAToken(t *testing.T) {
	// Where the socket cannot be reached, a token from a file or from the environment does; a wrong one, or none, is told in one line, and a file that
	// everybody may read is not used.
	node, address, socket := serveNode(t)
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	file := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wrong := strings.Repeat("ab", len(testToken)/2)
	for name, c := range map[string]struct {
		variable, file string
		want           string // of the error; empty: none
		shown          bool   // whether status shows everything; if there is an error, it may show nothing
	}{
		"from a file":       {"", file(testToken+"\n", 0o600), "", true},
		"from a file first": {wrong, file(testToken, 0o640), "", true},
		"from a variable":   {testToken, "", "", true},
		"none":              {"", "", "barista token", false},
		"a wrong one":       {wrong, "", "the token is wrong", false},
		"no token":          {"latte", "", "no token: barista token prints one", false},
		"two lines":         {"", file(testToken+"\n"+testToken+"\n", 0o600), "no token: barista token prints one", false},
		"open to everybody": {"", file(testToken, 0o644), "mode 0644): chmod 600", false},
		"a file not there":  {"", filepath.Join(t.TempDir(), "none"), "there is no file", false},
		"not a file":        {"", t.TempDir(), "no ordinary file", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tokenVariable, c.variable)
			given := []string{"--http", address}
			if c.file != "" {
				given = append(given, "--token-file", c.file)
			}
			for _, args := range orders {
				before := node.orders.Load()
				_, errs, exit := typed(t, append(args, given...)...)
				done := node.orders.Load() - before
				if c.want == "" && (exit != 0 || done != 1) || c.want != "" && (exit != statusMistake || done != 0) {
					t.Errorf("%v: status %d, %d orders: %s", args, exit, done, errs)
				}
				if !strings.Contains(errs, c.want) || strings.Count(errs, "\n") > 1 || strings.Contains(errs, wrong) || strings.Contains(errs, testToken) {
					t.Errorf("%v: %q; want one line with %q", args, errs, c.want)
				}
			}
			out, errs, exit := typed(t, append([]string{"status"}, given...)...)
			if shown := strings.Contains(out, recipe); shown != c.shown {
				t.Errorf("status %d: %s%s", exit, out, errs)
			}
			if told := exit != 0; told != (c.want != "" && name != "none") {
				t.Errorf("status %d: %s%s", exit, out, errs)
			}
		})
	}
}

// liar answers at an HTTP address in a node's place, names a socket and counts what else it is asked.
func liar(t *testing.T, socket string) (address string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/operator" || r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
			asked.Add(1)
		}
		if err := json.NewEncoder(w).Encode(admin.OperatorSocket{Path: socket}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func TestSomebodyElsesSocket(t *testing.T) {
	// Who answers in a node's place cannot have an order sent to a socket that is none of a node's, and learns nothing of it.
	t.Setenv(tokenVariable, "")
	dir := t.TempDir()
	place := func(parts ...string) string {
		path := filepath.Join(append([]string{dir}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var touched atomic.Int32
	victim := func(path string) string {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() { // ends with the listener
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				touched.Add(1)
				conn.Close()
			}
		}()
		return path
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	real := victim(place("real", "sock", "admin"))
	must(os.Symlink(filepath.Dir(real), place("linked", "sock")))
	must(os.Symlink(real, place("link", "sock", "admin")))
	must(os.WriteFile(place("file", "sock", "admin"), nil, 0o600))
	open := victim(place("open", "sock", "admin"))
	must(os.Chmod(filepath.Dir(open), 0o777))
	for name, c := range map[string]struct{ path, want string }{
		"another name":        {victim(place("docker", "sock", "docker.sock")), "no node's socket"},
		"another folder":      {victim(place("run", "admin")), "no node's socket"},
		"not from the root":   {"sock/admin", "no node's socket"},
		"a way round":         {filepath.Dir(real) + "/../sock/admin", "no node's socket"},
		"a long one":          {"/" + strings.Repeat("x", maxSocketName) + "/sock/admin", "no node's socket"},
		"a link to a folder":  {filepath.Join(dir, "linked", "sock", "admin"), "cannot be reached"},
		"a link to a socket":  {filepath.Join(dir, "link", "sock", "admin"), "no socket of its folder's owner"},
		"a file":              {filepath.Join(dir, "file", "sock", "admin"), "no socket of its folder's owner"},
		"in a folder for all": {open, "others than its owner may write"},
		"nowhere":             {filepath.Join(dir, "none", "sock", "admin"), "cannot be reached"},
		"nothing":             {"", "run this on the node's machine"},
	} {
		t.Run(name, func(t *testing.T) {
			address, asked := liar(t, c.path)
			for _, args := range orders {
				_, errs, exit := typed(t, append(args, "--http", address)...)
				if exit != statusMistake || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 {
					t.Errorf("%v: status %d, %q; want %q", args, exit, errs, c.want)
				}
			}
			if asked.Load() != 0 || touched.Load() != 0 {
				t.Errorf("the liar was asked %d times, and other sockets %d times", asked.Load(), touched.Load())
			}
		})
	}
}

func TestAnotherNodesSocket(t *testing.T) {
	// Who answers in a node's place and names the socket of another node does not have the order carried out there.
	t.Setenv(tokenVariable, "")
	node, _, socket := serveNode(t)
	address, asked := liar(t, socket)
	for _, args := range orders {
		_, errs, exit := typed(t, append(args, "--http", address)...)
		if exit != statusMistake || !strings.Contains(errs, "this node serves HTTP at") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d, %q", args, exit, errs)
		}
	}
	if node.orders.Load() != 0 || asked.Load() != 0 {
		t.Errorf("the node got %d orders, and the liar %d", node.orders.Load(), asked.Load())
	}
}

func TestTokenGoesNowhereElse(t *testing.T) {
	// A token goes to the address that was typed: no answer, and no proxy, has it sent on.
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	t.Setenv(tokenVariable, testToken)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(node.Close)
	for _, args := range append(orders, []string{"status"}, []string{"members", "list"}) {
		if _, errs, exit := typed(t, append(args, "--http", strings.TrimPrefix(node.URL, "http://"))...); exit == 0 {
			t.Errorf("%v: status 0: %s", args, errs)
		}
	}
	if newContact("127.0.0.1:1", testToken, nil).client.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy may get the token")
	}
	if elsewhere.Load() != 0 {
		t.Errorf("%d requests went elsewhere", elsewhere.Load())
	}
}
