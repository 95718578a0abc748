package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func (f *fixed) Transfer(_ context.Context, to string) (HandOver, error) {
	switch to {
	case "n1":
		return HandOver{}, Refusal("n1 leads already")
	case "n9":
		return HandOver{}, errors.New("no node leads")
	}
	return HandOver{From: "n1", To: to, MS: 7}, nil
}

func (f *fixed) Members() Membership {
	return Membership{Version: 3, Members: []Member{{Node: 1, Name: "n1", Voter: true}, {Node: 4, Name: "n4", Spare: true}}}
}

func (f *fixed) AddMember(context.Context, string) error { return nil }
func (f *fixed) AddSpare(context.Context, string) error  { return nil }
func (f *fixed) RemoveMember(_ context.Context, name string) error {
	return Refusal(name + " is the last voting member")
}

func TestMembers(t *testing.T) {
	// Who belongs to the cluster is shown to everybody; a change answers with the same, or is refused.
	s, err := New(Options{Node: &fixed{}, Peers: fixedPeers{}, Verifier: &fixed{}, Operator: &fixed{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(t.Context())
	for name, c := range map[string]struct {
		method, path string
		status       int
		answer       string
	}{
		"show":      {http.MethodGet, "/members", http.StatusOK, `"spare": true`},
		"add":       {http.MethodPost, "/members/add", http.StatusOK, `"version": 3`},
		"add spare": {http.MethodPost, "/members/add-spare", http.StatusOK, `"version": 3`},
		"remove":    {http.MethodPost, "/members/remove", http.StatusConflict, "n4 is the last voting member"},
		"elsewhere": {http.MethodPost, "/members", http.StatusMethodNotAllowed, ""},
	} {
		request := httptest.NewRequest(c.method, c.path, strings.NewReader(`{"name": "n4"}`))
		request.RemoteAddr, request.Host = "127.0.0.1:99", "localhost"
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		s.Handler().ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.answer) {
			t.Errorf("%s: status %d: %s", name, answer.Code, answer.Body)
		}
	}
}

func TestOrders(t *testing.T) {
	// An order is carried out, refused or failed, each with its own status, and only a program on this machine may give one.
	s, err := New(Options{Node: &fixed{}, Peers: fixedPeers{}, Verifier: &fixed{}, Operator: &fixed{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(t.Context())
	handler := s.Handler()
	for name, c := range map[string]struct {
		from, host, kind, body string
		status                 int
		answer                 string
	}{
		"done":             {"127.0.0.1:99", "127.0.0.1:8080", "application/json", `{"name": "n2"}`, http.StatusOK, `"to": "n2"`},
		"by name":          {"[::1]:99", "localhost:8080", "application/json", `{"name": "n2"}`, http.StatusOK, `"ms": 7`},
		"refused":          {"127.0.0.1:99", "127.0.0.1:8080", "application/json", `{"name": "n1"}`, http.StatusConflict, "n1 leads already"},
		"failed":           {"127.0.0.1:99", "127.0.0.1:8080", "application/json", `{"name": "n9"}`, http.StatusServiceUnavailable, "no node leads"},
		"no order":         {"127.0.0.1:99", "127.0.0.1:8080", "application/json", `n2`, http.StatusBadRequest, "not an order"},
		"from elsewhere":   {"192.0.2.7:99", "127.0.0.1:8080", "application/json", `{"name": "n2"}`, http.StatusForbidden, "own machine"},
		"a page's form":    {"127.0.0.1:99", "127.0.0.1:8080", "text/plain", `{"name": "n2"}`, http.StatusForbidden, "own machine"},
		"a page's own URL": {"127.0.0.1:99", "coffee.example:8080", "application/json", `{"name": "n2"}`, http.StatusForbidden, "own machine"},
	} {
		request := httptest.NewRequest(http.MethodPost, "/transfer", strings.NewReader(c.body))
		request.RemoteAddr, request.Host = c.from, c.host
		request.Header.Set("Content-Type", c.kind)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.answer) {
			t.Errorf("%s: status %d: %s", name, answer.Code, answer.Body)
		}
	}
}
