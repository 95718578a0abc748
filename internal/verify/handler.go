package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// SessionTime is how long a node keeps a snapshot for a verification of which it
// hears nothing. One that goes on may take as long as it needs.
const SessionTime = 2 * time.Minute

// Handler is the node side of verification: an http.Handler for the paths under
// /verify/ of the control purpose. Never serve it to clients.
type Handler struct {
	marks    Marks
	sessions *sessions
	mux      *http.ServeMux
}

// NewHandler returns the node side. Call Close in the end.
func NewHandler(marks Marks) *Handler {
	h := &Handler{marks: marks, sessions: newSessions(SessionTime), mux: http.NewServeMux()}
	h.mux.Handle("POST "+pathOpen, answer(h.open))
	h.mux.Handle("POST "+pathDigest, answer(h.digest))
	h.mux.Handle("POST "+pathBuckets, answer(h.buckets))
	h.mux.Handle("POST "+pathKeys, answer(h.keys))
	h.mux.Handle("POST "+pathAlive, answer(h.alive))
	h.mux.Handle("POST "+pathClose, answer(h.close))
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Close ends all sessions and their connections. Call it when the handler
// serves no request any more.
func (h *Handler) Close() { h.sessions.closeAll() }

func (h *Handler) open(ctx context.Context, request openRequest) (openAnswer, error) {
	if err := h.sessions.reserve(); err != nil {
		return openAnswer{}, err
	}
	snapshot, err := h.marks.Snapshot(ctx, request.Mark)
	if err != nil {
		h.sessions.release()
		return openAnswer{}, err
	}
	added := h.sessions.add(snapshot)
	if ctx.Err() != nil {
		added.end() // whoever asked will not learn the session's name
	}
	return openAnswer{Session: added.name, Position: snapshot.Position, Role: snapshot.Role}, nil
}

func (h *Handler) digest(ctx context.Context, request digestRequest) (d Digest, err error) {
	found, err := h.sessions.find(request.Session)
	if err != nil {
		return Digest{}, err
	}
	err = found.use(ctx, func(ctx context.Context, s *Snapshot) error {
		d, err = s.digest(ctx, request.Only)
		return err
	})
	return d, err
}

func (h *Handler) buckets(ctx context.Context, request groupRequest) ([]Group, error) {
	return h.groups(ctx, request, func(ctx context.Context, s *Snapshot) ([]Group, error) {
		return s.buckets(ctx, request.Subject, request.Buckets)
	})
}

func (h *Handler) keys(ctx context.Context, request groupRequest) ([]Group, error) {
	return h.groups(ctx, request, func(ctx context.Context, s *Snapshot) ([]Group, error) {
		return s.keys(ctx, request.Subject, request.Buckets, request.Bucket)
	})
}

func (h *Handler) groups(ctx context.Context, request groupRequest, read func(context.Context, *Snapshot) ([]Group, error)) (groups []Group, err error) {
	if n := request.Buckets; n < 1 || n > maxBuckets || n&(n-1) != 0 {
		return nil, fmt.Errorf("%w: %d buckets", errBadRequest, n)
	}
	found, err := h.sessions.find(request.Session)
	if err != nil {
		return nil, err
	}
	err = found.use(ctx, func(ctx context.Context, s *Snapshot) error {
		groups, err = read(ctx, s)
		return err
	})
	return groups, err
}

func (h *Handler) alive(_ context.Context, request aliveRequest) (aliveAnswer, error) {
	if request.Session != "" {
		found, err := h.sessions.find(request.Session)
		if err != nil {
			return aliveAnswer{}, err
		}
		found.keep()
	}
	return aliveAnswer{Progress: h.marks.Progress()}, nil
}

func (h *Handler) close(_ context.Context, request closeRequest) (struct{}, error) {
	found, err := h.sessions.find(request.Session)
	if err == nil {
		found.end()
	}
	return struct{}{}, err
}

var errBadRequest = errors.New("bad request")

// answer makes a handler of a function from request to answer.
func answer[Request, Answer any](do func(context.Context, Request) (Answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request Request
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := do(r.Context(), request)
		if err != nil {
			http.Error(w, err.Error(), statusOf(err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // a failed write is the asking side's to notice
	})
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errBadRequest):
		return http.StatusBadRequest
	case errors.Is(err, errNoSession):
		return http.StatusNotFound
	case errors.Is(err, ErrStopped):
		return http.StatusGone
	case errors.Is(err, errTooMany):
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}
