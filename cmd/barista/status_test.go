package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const twoNodes = `{"nodes": [
	{"name": "n1", "role": "leader", "member": "voter", "ballot": "7.1", "index": 124, "chosen": "123.0", "applied": "123.0", "lag": 0, "server": "running", "lease_ms": 700},
	{"name": "n2", "role": "unreachable", "index": 0, "lag": 0, "lease_ms": 0, "detail": "dial:\nrefused\u001b[2J"}]}`

func statusOf(t *testing.T, answer http.HandlerFunc, args ...string) (string, string, int) {
	t.Helper()
	node := httptest.NewServer(answer)
	defer node.Close()
	var stdout, stderr bytes.Buffer
	err := runStatus(t.Context(), append(args, "--http", node.Listener.Addr().String()), &stdout)
	return stdout.String(), stderr.String(), conclude(err, &stderr)
}

func TestStatusTable(t *testing.T) {
	// People get a table with a line for each node; what is not known is a dash, and nothing acts upon their terminal.
	out, _, exit := statusOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cluster" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(twoNodes))
	})
	want := "" +
		"NODE  ROLE         MEMBER  BALLOT  CHOSEN  APPLIED  LAG  SERVER   DETAIL\n" +
		"n1    leader       voter   7.1     123.0   123.0    0    running  \n" +
		"n2    unreachable  -       -       -       -        -    -        dial: refused\\x1b[2J\n"
	if out != want || exit != 0 {
		t.Errorf("status %d, table:\n%s\nwant:\n%s", exit, out, want)
	}
}

func TestStatusJSON(t *testing.T) {
	// Programs get JSON whose positions and ballots are strings.
	out, _, exit := statusOf(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(twoNodes)) }, "--json")
	var got struct {
		Nodes []map[string]any `json:"nodes"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || exit != 0 || len(got.Nodes) != 2 {
		t.Fatalf("status %d, %v: %s", exit, err, out)
	}
	for field, want := range map[string]any{"name": "n1", "role": "leader", "ballot": "7.1", "chosen": "123.0", "applied": "123.0", "server": "running", "index": 124.0} {
		if got.Nodes[0][field] != want {
			t.Errorf("%s is %v, want %v", field, got.Nodes[0][field], want)
		}
	}
}

func TestStatusMistakes(t *testing.T) {
	// When no node answers, or not as a node does, there is one clear line and exit status 2.
	gone := httptest.NewServer(http.NotFoundHandler())
	address := gone.Listener.Addr().String()
	gone.Close()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--http", address}, "no node answers: connect: connection refused"},
		{[]string{"--http", "8080"}, "want HOST:PORT"},
		{[]string{"--verbose"}, "verbose"},
		{[]string{"now"}, "one too many"},
	} {
		var stdout, stderr bytes.Buffer
		exit := conclude(runStatus(t.Context(), test.args, &stdout), &stderr)
		if exit != 2 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
			t.Errorf("%v: status %d, stdout %q, stderr %q; want %q", test.args, exit, &stdout, &stderr, test.want)
		}
	}
	for _, answer := range []string{"<html>", "{}", `{"nodes": []}`} {
		out, _, exit := statusOf(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) })
		if exit != 2 || out != "" {
			t.Errorf("%q: status %d, %q", answer, exit, out)
		}
	}
}
