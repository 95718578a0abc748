package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fixed is a cluster that stands still.
type fixed struct {
	own    Status
	others map[string]Status // by name; those that are not in it are unreachable
	names  []string
	verify func(ctx context.Context) (any, error)
}

func (f *fixed) Status() Status                          { return f.own }
func (f *fixed) Verify(ctx context.Context) (any, error) { return f.verify(ctx) }

type fixedPeers struct{ *fixed }

func (p fixedPeers) Names() []string { return p.names }
func (p fixedPeers) Status(_ context.Context, name string) (Status, error) {
	if s, ok := p.others[name]; ok {
		return s, nil
	}
	return Status{}, errors.New("connection refused")
}

// testToken is the operator's.
var testToken = Token([]byte("espresso, long and strong"), [16]byte{1})

// newServer returns a server for f, which says that it serves HTTP at an address.
func newServer(t *testing.T, f *fixed, address net.Addr) *Server {
	t.Helper()
	s, err := New(Options{
		Node: f, Peers: fixedPeers{f}, Verifier: f, Operator: f, Token: testToken, Address: address.(*net.TCPAddr).AddrPort(),
		Socket: "/var/lib/barista/n1/sock/admin", Hosts: []string{"db1.example"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve serves f on a free port until the test ends or stop is called.
func serve(t *testing.T, f *fixed) (stop func(), url string) {
	t.Helper()
	l, err := Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, newServer(t, f, l.Addr()), l), "http://" + l.Addr().String()
}

// serveOn serves s on l until the test ends or stop is called.
func serveOn(t *testing.T, s *Server, l net.Listener) (stop func()) {
	t.Helper()
	stop = func() {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		s.Shutdown(ctx)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }() // ended by stop
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return stop
}

// call asks without proof; order is call with the operator's token and a body.
func call(t *testing.T, method, url string) (int, string) {
	t.Helper()
	return send(t, http.DefaultClient, method, url, "", "")
}

func order(t *testing.T, url, body string) (int, string) {
	t.Helper()
	return send(t, http.DefaultClient, http.MethodPost, url, testToken, body)
}

// send asks with a token, if there is one, and with JSON as the body, if there is any.
func send(t *testing.T, client *http.Client, method, url, token, body string) (int, string) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// Each check answers 200 exactly in the states for which a load balancer may rely on it.
func TestChecks(t *testing.T) {
	tests := []struct {
		name                     string
		status                   Status
		health, primary, replica bool
	}{
		{"leader", Status{Role: Leader, Server: ServerRunning, LeaseMS: 700}, true, true, false},
		{"leader without a lease", Status{Role: Leader, Server: ServerRunning}, true, false, false},
		{"opening", Status{Role: Follower, Reason: Opening, Server: ServerRunning, LeaseMS: 700}, true, false, false},
		{"suspended leader", Status{Role: Leader, Reason: Suspended, Server: ServerRunning, LeaseMS: 1}, true, false, false},
		{"suspended", Status{Role: Follower, Reason: Suspended, Server: ServerRunning}, true, false, false},
		{"follower", Status{Role: Follower, Server: ServerRunning}, true, false, true},
		{"catching up", Status{Role: CatchingUp, Server: ServerRunning}, true, false, false},
		{"rebuilt", Status{Role: CatchingUp, Server: ServerRebuilding}, true, false, false},
		{"restarting", Status{Role: Follower, Server: ServerStarting}, true, false, false},
		{"server failed", Status{Role: Follower, Server: ServerFailed}, false, false, false},
		{"server stopped", Status{Role: Follower, Server: ServerStopped}, false, false, false},
		{"stopped", Status{Role: Stopped, Server: ServerRunning}, false, false, false},
		{"nothing known", Status{}, false, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, url := serve(t, &fixed{own: test.status})
			for path, want := range map[string]bool{"/health": test.health, "/primary": test.primary, "/replica": test.replica} {
				code, _ := call(t, http.MethodGet, url+path)
				if code != map[bool]int{true: 200, false: 503}[want] {
					t.Errorf("%s answers %d", path, code)
				}
			}
		})
	}
}

// The JSON of a status keeps its field names, and a cluster lists all members by name, those that do not answer included.
func TestStatusAndCluster(t *testing.T) {
	own := Status{
		Name: "n2", Role: Leader, Ballot: "7.2", Epoch: "7.2", Leader: "n2", Index: 123, Chosen: "123.0", Applied: "123.0",
		Server: ServerRunning, LeaseMS: 812, Sessions: 4, Members: []Member{{Node: 2, Name: "n2", Address: "127.0.0.1:7001", Voter: true}},
	}
	f := &fixed{own: own, names: []string{"n3", "n1", "n2"}, others: map[string]Status{"n1": {Role: Follower, Index: 122, Lag: 1}}}
	_, url := serve(t, f)

	code, body := call(t, http.MethodGet, url+"/status")
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil || code != 200 {
		t.Fatalf("%d, %v: %s", code, err, body)
	}
	want := map[string]any{
		"name": "n2", "role": "leader", "ballot": "7.2", "epoch": "7.2", "leader": "n2", "index": 123.0, "chosen": "123.0", "applied": "123.0", "lag": 0.0,
		"server": "running", "lease_ms": 812.0, "sessions": 4.0,
		"members": []any{map[string]any{"node": 2.0, "name": "n2", "address": "127.0.0.1:7001", "voter": true}},
	}
	if !reflect.DeepEqual(fields, want) {
		t.Errorf("status is %v, want %v", fields, want)
	}

	_, body = call(t, http.MethodGet, url+"/cluster")
	var cluster Cluster
	if err := json.Unmarshal([]byte(body), &cluster); err != nil || len(cluster.Nodes) != 3 {
		t.Fatalf("%v: %s", err, body)
	}
	for i, want := range []Status{{Name: "n1", Role: Follower}, {Name: "n2", Role: Leader}, {Name: "n3", Role: Unreachable}} {
		if got := cluster.Nodes[i]; got.Name != want.Name || got.Role != want.Role {
			t.Errorf("node %d is %s %s, want %s %s", i, got.Name, got.Role, want.Name, want.Role)
		}
	}
}

// One verification runs at a time; its report, or why there is none, is the answer; shutting down cancels it.
func TestVerify(t *testing.T) {
	begun, proceed := make(chan struct{}), make(chan any)
	f := &fixed{verify: func(ctx context.Context) (any, error) {
		begun <- struct{}{}
		select {
		case report := <-proceed:
			if err, ok := report.(error); ok {
				return nil, err
			}
			return report, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	stop, url := serve(t, f)
	answers := make(chan string, 1)
	verify := func() {
		_, body := order(t, url+"/verify", "{}")
		answers <- body
	}

	go verify() // ends when it may proceed
	<-begun
	if code, _ := order(t, url+"/verify", "{}"); code != http.StatusConflict {
		t.Errorf("a second verification was answered with %d", code)
	}
	proceed <- map[string]bool{"identical": true}
	if body := <-answers; !strings.Contains(body, `"identical": true`) {
		t.Errorf("answer: %s", body)
	}
	go verify()
	<-begun
	proceed <- errors.New("no node leads")
	if body := <-answers; body != "no node leads\n" {
		t.Errorf("answer: %s", body)
	}
	go verify()
	<-begun
	stop()
	if body := <-answers; !strings.Contains(body, "canceled") {
		t.Errorf("answer: %s", body)
	}
}

// What is asked in the wrong way gets an error, and nothing is verified by a GET.
func TestWrongRequests(t *testing.T) {
	_, url := serve(t, &fixed{})
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/verify", 405},
		{http.MethodPost, "/status", 405},
		{http.MethodGet, "/", 404},
		{http.MethodGet, "/healthy", 404},
	} {
		if code, _ := call(t, test.method, url+test.path); code != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, code, test.want)
		}
	}
}

// Without a host only this machine is served; a port in use and nonsense are errors.
func TestListen(t *testing.T) {
	l, err := Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("listens on %s", ip)
	}
	for _, address := range []string{l.Addr().String(), "nonsense", "127.0.0.1:http-alt-nonsense"} {
		if second, err := Listen(t.Context(), address); err == nil {
			second.Close()
			t.Errorf("listens on %q", address)
		}
	}
}

func TestOneRequestEach(t *testing.T) {
	// Who sends many requests on one connection is answered once: a queue of them would keep the node busy for as long as it lasts.
	_, url := serve(t, &fixed{own: Status{Name: "n1"}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, strings.Repeat("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 10)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if answers := strings.Count(string(said), "HTTP/1.1 200 OK"); answers != 1 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d answers on one connection, and %v", answers, err)
	}
}
