package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// door is a server with both its listeners.
type door struct {
	url    string // of its HTTP address
	socket string
	server *Server
}

// open serves f until the test ends, with the socket in a folder of the user with that id.
func open(t *testing.T, f *fixed, owner int) door {
	t.Helper()
	dir, err := os.MkdirTemp("", "admin-") // t.TempDir lies in a folder that others may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	folder := filepath.Join(dir, "sock")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(folder, owner, -1); err != nil {
		t.Fatal(err)
	}
	people, err := Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := ListenSocket(t.Context(), filepath.Join(folder, "admin"))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, f, people.Addr())
	serveOn(t, s, people)
	serveOn(t, s, socket)
	return door{url: "http://" + people.Addr().String(), socket: filepath.Join(folder, "admin"), server: s}
}

// through returns a client that goes through the socket as a user, whatever the URL.
func (d door) through(uid int) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialAs(ctx, uid, d.socket)
	}}}
}

// dialAs connects as a user. For another one than this process's it takes a thread that becomes that user and ends with that.
func dialAs(ctx context.Context, uid int, path string) (conn net.Conn, err error) {
	if uid == os.Geteuid() {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	done := make(chan struct{})
	go func() { // ends when it has connected
		defer close(done)
		runtime.LockOSThread() // and never lets it go
		if _, _, failed := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); failed != 0 {
			err = failed
			return
		}
		conn, err = new(net.Dialer).DialContext(ctx, "unix", path)
	}()
	<-done
	return conn, err
}

const (
	nobody  = 65534
	someone = 65533
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be several users")
	}
}

func TestAccess(t *testing.T) {
	// Everybody may ask how the node is; whatever changes something or shows rows takes a token, or the socket and the right user.
	f := &fixed{own: Status{Role: Follower, Server: ServerRunning}, verify: func(context.Context) (any, error) { return "report", nil }}
	d := open(t, f, os.Geteuid())
	wrong := strings.Repeat("0", len(testToken))
	wanted := map[string]struct{ none, wrong, right, socket int }{
		"GET /health":             {200, 200, 200, 200},
		"GET /primary":            {503, 503, 503, 503},
		"GET /replica":            {200, 200, 200, 200},
		"GET /status":             {200, 401, 200, 200},
		"GET /cluster":            {200, 401, 200, 200},
		"GET /members":            {200, 401, 200, 200},
		"GET /operator":           {200, 401, 200, 200},
		"POST /verify":            {401, 401, 200, 200},
		"POST /transfer":          {401, 401, 200, 200},
		"POST /members/add":       {401, 401, 200, 200},
		"POST /members/add-spare": {401, 401, 200, 200},
		"POST /members/remove":    {401, 401, 409, 409},
		"POST /members/pardon":    {401, 401, 200, 200},
	}
	for pattern, want := range wanted {
		method, path, _ := strings.Cut(pattern, " ")
		body := map[string]string{"GET": "", "POST": "{}"}[method]
		for _, c := range []struct {
			name, token string
			client      *http.Client
			want        int
		}{
			{"no proof", "", http.DefaultClient, want.none},
			{"a wrong token", wrong, http.DefaultClient, want.wrong},
			{"the token", testToken, http.DefaultClient, want.right},
			{"the socket", "", d.through(os.Geteuid()), want.socket},
		} {
			if code, answer := send(t, c.client, method, d.url+path, c.token, body); code != c.want {
				t.Errorf("%s with %s: status %d, want %d: %s", pattern, c.name, code, c.want, answer)
			}
		}
	}
	for _, r := range d.server.routes() {
		if _, told := wanted[r.pattern]; !told {
			t.Errorf("nothing is said here of %s", r.pattern)
		}
	}
}

func TestUsersOfTheSocket(t *testing.T) {
	// The socket is for root and for the owner of its folder. Others do not reach it, and where a folder was opened to them, they are refused.
	needRoot(t)
	d := open(t, &fixed{}, nobody)
	for uid, want := range map[int]int{0: http.StatusOK, nobody: http.StatusOK} {
		if code, answer := send(t, d.through(uid), http.MethodPost, d.url+"/transfer", "", "{}"); code != want {
			t.Errorf("user %d: status %d: %s", uid, code, answer)
		}
	}
	if conn, err := dialAs(t.Context(), someone, d.socket); err == nil {
		conn.Close()
		t.Error("another user reaches the socket")
	}
	for path, mode := range map[string]os.FileMode{filepath.Dir(d.socket): 0o711, d.socket: 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/transfer", "/verify"} {
		if code, answer := send(t, d.through(someone), http.MethodPost, d.url+path, testToken, "{}"); code != http.StatusForbidden {
			t.Errorf("%s as another user: status %d: %s", path, code, answer)
		}
	}
}

func TestHosts(t *testing.T) {
	// A request that names another host is refused, a health check excepted: so no page finds its own name leading here.
	d := open(t, &fixed{own: Status{Role: Follower, Server: ServerRunning}}, os.Geteuid())
	_, port, err := net.SplitHostPort(strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	socket := d.through(os.Geteuid())
	for _, c := range []struct {
		client *http.Client
		path   string
		host   string
		want   int
	}{
		{http.DefaultClient, "/status", "192.0.2.7", http.StatusOK},
		{http.DefaultClient, "/status", "192.0.2.7:8080", http.StatusOK},
		{http.DefaultClient, "/status", "[2001:db8::1]", http.StatusOK},
		{http.DefaultClient, "/status", "[2001:db8::1]:8080", http.StatusOK},
		{http.DefaultClient, "/status", "LocalHost:8080", http.StatusOK},
		{http.DefaultClient, "/status", "db1.example:8080", http.StatusOK},
		{http.DefaultClient, "/status", "coffee.example:8080", http.StatusMisdirectedRequest},
		{http.DefaultClient, "/status", "127.0.0.1.coffee.example", http.StatusMisdirectedRequest},
		{http.DefaultClient, "/status", "xdb1.example", http.StatusMisdirectedRequest},
		{http.DefaultClient, "/cluster", "coffee.example", http.StatusMisdirectedRequest},
		{http.DefaultClient, "/members", "coffee.example", http.StatusMisdirectedRequest},
		{http.DefaultClient, "/operator", "coffee.example", http.StatusMisdirectedRequest},
		{http.DefaultClient, "/health", "coffee.example", http.StatusOK},
		{http.DefaultClient, "/replica", "coffee.example", http.StatusOK},
		// Through the socket comes what was meant for this node's address, and not for that of another one.
		{socket, "/status", "localhost", http.StatusOK},
		{socket, "/status", "127.0.0.1:" + port, http.StatusOK},
		{socket, "/status", "127.0.0.2:" + port, http.StatusMisdirectedRequest},
		{socket, "/status", "127.0.0.1:1", http.StatusMisdirectedRequest},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		response, err := c.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s at %s: status %d, want %d", c.path, c.host, response.StatusCode, c.want)
		}
	}
}

func TestServes(t *testing.T) {
	// Who listens at an address is reached at that one, and who listens at all of them at each.
	for _, c := range []struct {
		listens, at string
		want        bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:81", false},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"127.0.0.1:80", "[::ffff:127.0.0.1]:80", true},
		{"0.0.0.0:80", "192.0.2.7:80", true},
		{"0.0.0.0:80", "[::1]:80", false},
		{"[::]:80", "192.0.2.7:80", true},
		{"[::]:80", "[::1]:80", true},
		{"[::]:80", "[::1]:81", false},
		{"[::1]:80", "127.0.0.1:80", false},
	} {
		if got := serves(addrPort(t, c.listens), addrPort(t, c.at)); got != c.want {
			t.Errorf("%s reached at %s: %v", c.listens, c.at, got)
		}
	}
}

func TestOpenAnswers(t *testing.T) {
	// Why a node is as it is, is told to everybody in Barista's own words; what an error said is for the operator.
	const told = "hello from a user's function"
	f := &fixed{
		own:   Status{Name: "n1", Role: Stopped, Reason: Diverged, Detail: "diverged: " + told, Server: ServerStopped},
		names: []string{"n1", "n2", "n3"}, others: map[string]Status{"n2": {Role: Stopped, Reason: Reason(told), Detail: told}},
	}
	d := open(t, f, os.Geteuid())
	for _, path := range []string{"/health", "/primary", "/replica", "/status", "/cluster"} {
		if _, answer := call(t, http.MethodGet, d.url+path); strings.Contains(answer, told) || !strings.Contains(answer, "diverged") {
			t.Errorf("%s tells everybody: %s", path, answer)
		}
	}
	for _, path := range []string{"/status", "/cluster"} {
		if _, answer := send(t, http.DefaultClient, http.MethodGet, d.url+path, testToken, ""); !strings.Contains(answer, "diverged: "+told) {
			t.Errorf("%s tells the operator: %s", path, answer)
		}
		if _, answer := send(t, d.through(os.Geteuid()), http.MethodGet, d.url+path, "", ""); !strings.Contains(answer, "diverged: "+told) {
			t.Errorf("%s tells the operator on the machine: %s", path, answer)
		}
	}
	_, answer := call(t, http.MethodGet, d.url+"/cluster")
	var all Cluster
	if err := json.Unmarshal([]byte(answer), &all); err != nil || len(all.Nodes) != 3 || all.Nodes[2].Detail != string(NoAnswer) {
		t.Errorf("%v: %s", err, answer)
	}
}

func TestOpenStatus(t *testing.T) {
	// Of a status in which every text is foreign, only those are open that nobody but Barista's own nodes and their operators write.
	var s Status
	value := reflect.ValueOf(&s).Elem()
	for i := range value.NumField() {
		if value.Field(i).Kind() == reflect.String {
			value.Field(i).SetString("x" + value.Type().Field(i).Name)
		}
	}
	opened := reflect.ValueOf(s.Open())
	for i := range opened.NumField() {
		field := opened.Type().Field(i)
		if field.Type.Kind() != reflect.String {
			continue
		}
		shown := opened.Field(i).String() != ""
		switch field.Name {
		case "Name", "Role", "Ballot", "Epoch", "Member", "Leader", "Chosen", "Applied", "Server":
			if !shown {
				t.Errorf("%s is not shown", field.Name)
			}
		default:
			if shown {
				t.Errorf("%s is shown to everybody", field.Name)
			}
		}
	}
}

func TestWrongTokens(t *testing.T) {
	// However many wrong tokens come, the log has a line in a minute, and the token is in none.
	l, err := Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer // written by one request at a time
	s := newServer(t, &fixed{}, l.Addr())
	s.options.Log = slog.New(slog.NewTextHandler(&log, nil))
	serveOn(t, s, l)
	guess := strings.Repeat("ab", len(testToken)/2)
	for _, token := range []string{guess, testToken[1:], testToken + "0", guess} {
		if code, answer := send(t, http.DefaultClient, http.MethodGet, "http://"+l.Addr().String()+"/status", token, ""); code != http.StatusUnauthorized {
			t.Errorf("status %d: %s", code, answer)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("somebody", "for a proxy")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d with what a proxy asked for", response.StatusCode)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || strings.Contains(text, guess) || !strings.Contains(text, "wrong token") {
		t.Errorf("the log says %q", text)
	}
	var few seldom
	now := time.Now()
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Second, 0}, {59 * time.Second, 0}, {time.Minute, 3}, {90 * time.Second, 0}, {2 * time.Minute, 2}} {
		if got := few.due(now.Add(c.after)); got != c.want {
			t.Errorf("after %v a line about %d, want %d", c.after, got, c.want)
		}
	}
}

func TestToken(t *testing.T) {
	// A token is that of one secret and one cluster, and has a form of its own.
	secret := []byte("0123456789abcdef")
	token := Token(secret, [16]byte{1})
	if !ValidToken(token) || token != Token(secret, [16]byte{1}) || strings.Contains(token, string(secret)) {
		t.Errorf("the token is %q", token)
	}
	if token == Token(secret, [16]byte{2}) || token == Token([]byte("0123456789abcdeF"), [16]byte{1}) {
		t.Error("two clusters have the same token")
	}
	for _, text := range []string{"", token[2:], token + "00", strings.Repeat("x", len(token))} {
		if ValidToken(text) {
			t.Errorf("%q passes for a token", text)
		}
	}
}
