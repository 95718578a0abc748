package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/admin"
)

// testToken proves the operator of a node that is none.
var testToken = admin.Token([]byte("espresso, long and strong"), [16]byte{1})

// orderly is a node that answers one order to who has the token; whoever is asked for it then has it.
func orderly(t *testing.T, method, path, name string, status int, body string) (address string) {
	t.Helper()
	t.Setenv(tokenVariable, testToken)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var o admin.Order
		err := error(nil)
		if method == http.MethodPost {
			err = json.NewDecoder(r.Body).Decode(&o)
		}
		if err != nil || r.Method != method || r.URL.Path != path || o.Name != name {
			t.Errorf("asked %s %s about %q (%v), want %s %s about %q", r.Method, r.URL, o.Name, err, method, path, name)
		}
		if kind := r.Header.Get("Content-Type"); method == http.MethodPost && kind != "application/json" {
			t.Errorf("the order comes as %q", kind)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer "+testToken {
			t.Errorf("the order comes with %q", got)
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	t.Cleanup(node.Close)
	return strings.TrimPrefix(node.URL, "http://")
}

func TestTransfer(t *testing.T) {
	// Whoever hands over is told who leads and how long nobody did, or in one line why nobody takes over.
	for name, c := range map[string]struct {
		args   []string
		about  string
		status int
		body   string
		exit   int
		out    string
		error  string
	}{
		"to the best": {nil, "", http.StatusOK, `{"from": "n1", "to": "n3", "ms": 210}`, 0, "n3 leads; it took over from n1 in 210 ms\n", ""},
		"to a name":   {[]string{"--to", "n2"}, "n2", http.StatusOK, `{"from": "n1", "to": "n2", "ms": 9}`, 0, "n2 leads; it took over from n1 in 9 ms\n", ""},
		"refused":     {[]string{"--to", "n1"}, "n1", http.StatusConflict, "n1 leads already\n", 1, "", "barista: transfer: n1 leads already\n"},
		"not a node":  {nil, "", http.StatusOK, "<html>", 1, "", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			address := orderly(t, http.MethodPost, "/transfer", c.about, c.status, c.body)
			var out, errs bytes.Buffer
			err := dispatch(t.Context(), append([]string{"transfer", "--http", address}, c.args...), &out)
			if exit := conclude(err, &errs); exit != c.exit || out.String() != c.out || !strings.Contains(errs.String(), c.error) {
				t.Errorf("status %d, out %q, error %q", exit, out.String(), errs.String())
			}
		})
	}
}

func TestTransferMistakes(t *testing.T) {
	// An address that is none, and a node that is not there, are mistakes of whoever typed them.
	for _, args := range [][]string{{"transfer", "--http", "8080"}, {"transfer", "--http", "127.0.0.1:1"}, {"transfer", "n2"}} {
		var out, errs bytes.Buffer
		if exit := conclude(dispatch(t.Context(), args, &out), &errs); exit != statusMistake || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%v: status %d, %q", args, exit, errs.String())
		}
	}
}
