package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/baristadb/barista/internal/transport"
)

// maxControlBody limits the answer to a control request, in bytes.
const maxControlBody = 4 << 20

// controlHandler answers what peers ask on control connections.
func (n *node) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /join", n.joins.serve)
	mux.HandleFunc("GET /members", n.serveMembers)
	mux.HandleFunc("POST /operate", n.serveOperate)
	mux.HandleFunc("POST /mark", n.marks.serveMark)
	mux.HandleFunc("POST /permission", n.permissions.serve)
	mux.HandleFunc("GET /holding", n.permissions.serveTell)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { reply(w, n.Status(), nil) })
	mux.Handle("/verify/", n.verifySide)
	return mux
}

// reply writes a value, or an error, as the answer of a control request.
func reply(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value) // an error means that the peer has gone
}

// ask sends a control request to a peer and reads its answer.
func (n *node) ask(ctx context.Context, method, peer, path string, body io.Reader, answer any) error {
	return askOver(ctx, n.transport, method, peer, path, body, answer)
}

// askOver is ask with the given connections.
func askOver(ctx context.Context, t *transport.Transport, method, peer, path string, body io.Reader, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+peer+path, body)
	if err != nil {
		return err
	}
	response, err := t.HTTPClient().Do(request)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err // it names the peer
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxControlBody))
	if err != nil {
		return fmt.Errorf("%s%s: %w", peer, path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: %s: %s", peer, path, response.Status, strings.TrimSpace(string(text)))
	}
	return json.Unmarshal(text, answer)
}
