package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Handler returns what answers the requests; it can be served elsewhere too, to the other members for example.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.check(Status.Healthy))
	mux.HandleFunc("GET /primary", s.check(Status.Primary))
	mux.HandleFunc("GET /replica", s.check(Status.Replica))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.options.Node.Status())
	})
	mux.HandleFunc("GET /cluster", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, gather(r.Context(), s.options.Node, s.options.Peers))
	})
	mux.HandleFunc("POST /verify", s.verify)
	mux.HandleFunc("POST /transfer", s.order(func(r *http.Request, name string) (any, error) {
		return s.options.Operator.Transfer(r.Context(), name)
	}))
	mux.HandleFunc("GET /members", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.options.Operator.Members())
	})
	for path, change := range map[string]func(context.Context, string) error{
		"add": s.options.Operator.AddMember, "add-spare": s.options.Operator.AddSpare, "remove": s.options.Operator.RemoveMember,
	} {
		mux.HandleFunc("POST /members/"+path, s.order(func(r *http.Request, name string) (any, error) {
			err := change(r.Context(), name)
			return s.options.Operator.Members(), err
		}))
	}
	return mux
}

// check answers with 200 if holds is true of the node now, else 503, and in either case with a line for people.
func (s *Server) check(holds func(Status) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		status := s.options.Node.Status()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if !holds(status) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(w, "%s is %s", status.Name, status.Role)
		if status.Detail != "" {
			fmt.Fprintf(w, " (%s)", status.Detail)
		}
		fmt.Fprintf(w, ", its server is %s\n", status.Server)
	}
}

// verify runs one verification at a time: each reads every table of every node.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	default:
		http.Error(w, "a verification is already under way at this node", http.StatusConflict)
		return
	}
	liftLimits(w)
	report, err := s.options.Verifier.Verify(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, report)
}

// liftLimits lets an answer take as long as it takes. Writers that know no deadlines have none to lift.
func liftLimits(w http.ResponseWriter) {
	limits := http.NewResponseController(w)
	limits.SetReadDeadline(time.Time{})
	limits.SetWriteDeadline(time.Time{})
}

// writeJSON answers with value. It is encoded as a whole first, so that a failure is an answer of its own.
func writeJSON(w http.ResponseWriter, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body.Bytes())
}
