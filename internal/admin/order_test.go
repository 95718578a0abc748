package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
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

func (f *fixed) AddMember(context.Context, string) error    { return nil }
func (f *fixed) AddSpare(context.Context, string) error     { return nil }
func (f *fixed) PardonMember(context.Context, string) error { return nil }
func (f *fixed) RemoveMember(_ context.Context, name string) error {
	return Refusal(name + " is the last voting member")
}

func TestMembers(t *testing.T) {
	// Who belongs to the cluster is shown to everybody; a change answers with the same, or is refused.
	_, url := serve(t, &fixed{})
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
		code, answer := call(t, c.method, url+c.path)
		if c.method == http.MethodPost {
			code, answer = order(t, url+c.path, `{"name": "n4"}`)
		}
		if code != c.status || !strings.Contains(answer, c.answer) {
			t.Errorf("%s: status %d: %s", name, code, answer)
		}
	}
}

func TestOrders(t *testing.T) {
	// An order is carried out, refused or failed, each with its own status; what is no order, or comes from a page of another site, is none of these.
	_, url := serve(t, &fixed{})
	const toN2 = `{"name": "n2"}`
	for name, c := range map[string]struct {
		header map[string]string
		body   string
		status int
		answer string
	}{
		"done":                 {nil, toN2, http.StatusOK, `"to": "n2"`},
		"with a character set": {map[string]string{"Content-Type": "application/json; charset=utf-8"}, toN2, http.StatusOK, `"ms": 7`},
		"refused":              {nil, `{"name": "n1"}`, http.StatusConflict, "n1 leads already"},
		"failed":               {nil, `{"name": "n9"}`, http.StatusServiceUnavailable, "no node leads"},
		"no order":             {nil, `n2`, http.StatusBadRequest, "not an order"},
		"nothing":              {nil, ``, http.StatusBadRequest, "not an order"},
		"a list":               {nil, `["n2"]`, http.StatusBadRequest, "not an order"},
		"an unknown field":     {nil, `{"name": "n2", "force": true}`, http.StatusBadRequest, "force"},
		"two orders":           {nil, toN2 + toN2, http.StatusBadRequest, "not an order"},
		"a long one":           {nil, `{"name": "` + strings.Repeat("n", maxOrder) + `"}`, http.StatusRequestEntityTooLarge, "not an order"},
		"without a type":       {map[string]string{"Content-Type": ""}, toN2, http.StatusUnsupportedMediaType, "application/json"},
		"a form":               {map[string]string{"Content-Type": "text/plain"}, toN2, http.StatusUnsupportedMediaType, "application/json"},
		"its own page":         {map[string]string{"Origin": url, "Sec-Fetch-Site": "same-origin"}, toN2, http.StatusOK, `"to": "n2"`},
		"its own page, old":    {map[string]string{"Origin": url}, toN2, http.StatusOK, `"to": "n2"`},
		"another's page":       {map[string]string{"Origin": "https://coffee.example"}, toN2, http.StatusForbidden, "other sites"},
		"another's, new":       {map[string]string{"Sec-Fetch-Site": "cross-site"}, toN2, http.StatusForbidden, "other sites"},
		"a sister's page":      {map[string]string{"Sec-Fetch-Site": "same-site"}, toN2, http.StatusForbidden, "other sites"},
		"a page of nobody":     {map[string]string{"Origin": "null"}, toN2, http.StatusForbidden, "other sites"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/transfer", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+testToken)
			request.Header.Set("Content-Type", "application/json")
			for key, value := range c.header {
				request.Header.Set(key, value)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != c.status || !strings.Contains(string(answer), c.answer) {
				t.Errorf("status %d, %v: %s", response.StatusCode, err, answer)
			}
		})
	}
}
