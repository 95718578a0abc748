package verify

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// emptyNode has no database, so it needs no server.
type emptyNode struct{}

func (emptyNode) Place(context.Context) (changeset.MarkID, error) { return changeset.MarkID{}, nil }

func (emptyNode) Snapshot(context.Context, changeset.MarkID) (*Snapshot, error) {
	return &Snapshot{Position: 1, Role: Following}, nil
}

func (emptyNode) Progress() Progress { return Progress{Position: 1} }

func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return recorder
}

func TestBadRequests(t *testing.T) {
	// A request that makes no sense has a status that says so, and does no harm.
	h := NewHandler(emptyNode{})
	defer h.Close()
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{pathOpen, "", http.StatusBadRequest},
		{pathOpen, `{"mark": "latte"}`, http.StatusBadRequest},
		{pathOpen, `{"mark": "` + strings.Repeat("a", maxRequest) + `"}`, http.StatusBadRequest},
		{pathDigest, `{"session": "latte"}`, http.StatusNotFound},
		{pathClose, `{"session": "latte"}`, http.StatusNotFound},
		{pathAlive, `{"session": "latte"}`, http.StatusNotFound},
		{pathKeys, `{"session": "latte", "buckets": 3}`, http.StatusBadRequest},
		{pathKeys, `{"session": "latte", "buckets": -8}`, http.StatusBadRequest},
		{pathBuckets, `{"session": "latte", "buckets": 131072}`, http.StatusBadRequest},
		{pathBuckets, `{"session": "latte", "buckets": 8}`, http.StatusNotFound},
		{"/verify/latte", "{}", http.StatusNotFound},
	} {
		if got := post(h, c.path, c.body); got.Code != c.status {
			t.Errorf("%s %.40s: %d %s", c.path, c.body, got.Code, got.Body)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	// A node keeps few sessions, and none of which it hears nothing.
	synctest.Test(t, func(t *testing.T) {
		h := NewHandler(emptyNode{})
		defer h.Close()
		open := func() int { return post(h, pathOpen, "{}"+strings.Repeat(" ", 10)).Code }
		for range maxSessions {
			if code := open(); code != http.StatusOK {
				t.Fatal(code)
			}
		}
		if code := open(); code != http.StatusTooManyRequests {
			t.Errorf("one too many: %d", code)
		}
		for range 5 {
			<-time.After(SessionTime - time.Second)
			for name := range h.sessions.open {
				if code := post(h, pathAlive, `{"session": "`+name+`"}`).Code; code != http.StatusOK {
					t.Errorf("a session that is needed: %d", code)
				}
			}
		}
		if code := open(); code != http.StatusTooManyRequests {
			t.Errorf("one too many, while the others are needed: %d", code)
		}
		<-time.After(SessionTime + time.Second)
		synctest.Wait()
		if code := open(); code != http.StatusOK {
			t.Errorf("after their time: %d", code)
		}
	})
}
