package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	// The report is written, and the exit status says whether all nodes are identical (0), differ (1), the call was wrong (2), or some were not compared (3).
	for name, c := range map[string]struct {
		status     int // of the node's answer
		body       string
		exit       int
		out, error string
	}{
		"identical": {
			http.StatusOK, `{"identical": true, "position": "7.1", "nodes": ["n1", "n2"]}`, 0, "identical at 7.1: n1, n2\n", "",
		},
		"a node is away": {
			http.StatusOK, `{"identical": false, "position": "7.1", "nodes": ["n1", "n2"], "not_compared": [{"node": "n3", "reason": "down"}]}`,
			3, "incomplete at 7.1: n1, n2 do not differ, and others were not compared\nnot compared: n3: down\n", "",
		},
		"different, and a node is away": {
			http.StatusOK, `{"identical": false, "position": "7.1", "nodes": ["n1", "n2"], "not_compared": [{"node": "n3", "reason": "down"}],
				"differences": [{"kind": "catalog", "name": "roles", "nodes": ["n2"], "detail": "n1: 1 rows; n2: 2 rows"}]}`,
			1, "different at 7.1: n1, n2\ncatalog roles: differs on n2 (n1: 1 rows; n2: 2 rows)\nnot compared: n3: down\n", "",
		},
		"different": {
			http.StatusOK, `{"identical": false, "position": "7.1", "nodes": ["n1", "n2"], "differences": [{"database": "d", "kind": "table",
				"name": "public.t", "key": "42", "nodes": ["n2"], "detail": "n1: present; n2: absent"}]}`,
			1, "different at 7.1: n1, n2\ndatabase d: table public.t, key \"42\": differs on n2 (n1: present; n2: absent)\n", "",
		},
		"stopped": {
			http.StatusOK, `{"identical": false, "position": "7.1", "nodes": ["n1", "n2"], "stopped": [{"node": "n3", "reason": "it was stopped"}]}`,
			1, "different at 7.1: n1, n2\nstopped: n3: it was stopped\n", "",
		},
		"no leader":   {http.StatusServiceUnavailable, "no node leads\n", 3, "", "503 Service Unavailable: no node leads"},
		"no operator": {http.StatusUnauthorized, "who are you?\n", 2, "", "who are you?"},
		"not a node":  {http.StatusOK, "<html>", 3, "", "read its answer"},
		"not a story": {http.StatusOK, "{}", 3, "", "no report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tokenVariable, testToken)
			node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, err := io.ReadAll(r.Body)
				if err != nil || r.Method != http.MethodPost || r.URL.Path != "/verify" || string(text) != "{}" || r.Header.Get("Authorization") != "Bearer "+testToken {
					t.Errorf("asked %s %s with %q, %v", r.Method, r.URL, text, err)
				}
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
			}))
			defer node.Close()
			var stdout, stderr bytes.Buffer
			exit := conclude(runVerify(t.Context(), []string{"--http", strings.TrimPrefix(node.URL, "http://")}, &stdout), &stderr)
			if exit != c.exit || stdout.String() != c.out || !strings.Contains(stderr.String(), c.error) || (c.error == "") != (stderr.Len() == 0) {
				t.Errorf("status %d, stdout %q, stderr %q; want %d, %q, %q", exit, &stdout, &stderr, c.exit, c.out, c.error)
			}
		})
	}
}

func TestVerifyMistakes(t *testing.T) {
	// An address that cannot be one is a mistake; with a node that does not answer nothing was compared.
	gone := httptest.NewServer(nil)
	gone.Close()
	dead := gone.Listener.Addr().String()
	for address, want := range map[string]int{"latte": 2, "localhost:": 2, dead: 3} {
		var stderr bytes.Buffer
		got := conclude(runVerify(t.Context(), []string{"--http", address}, &bytes.Buffer{}), &stderr)
		if got != want || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: status %d, %q", address, got, &stderr)
		}
		if plain := "barista: verify: the nodes were not compared: ask " + dead + ": no node answers: connect: connection refused\n"; address == dead && stderr.String() != plain {
			t.Errorf("%q, want %q", &stderr, plain)
		}
	}
}
