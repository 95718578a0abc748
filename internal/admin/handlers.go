package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// access says who is answered.
type access int

const (
	everybody access = iota // also a load balancer that knows neither names nor tokens
	visitors                // who asks this node and not, unknowingly, somebody's page; an operator sees more
	operators               // who has proof
)

// route is one thing that can be asked.
type route struct {
	pattern string // method and path
	access  access
	serve   func(w http.ResponseWriter, r *http.Request, p proof)
}

// routes are everything that can be asked.
func (s *Server) routes() []route {
	change := func(do func(context.Context, string) error) func(http.ResponseWriter, *http.Request, proof) {
		return s.order(func(ctx context.Context, name string) (any, error) {
			err := do(ctx, name)
			return s.options.Operator.Members(), err
		})
	}
	return []route{
		{"GET /health", everybody, s.check(Status.Healthy)},
		{"GET /primary", everybody, s.check(Status.Primary)},
		{"GET /replica", everybody, s.check(Status.Replica)},
		{"GET /status", visitors, s.status},
		{"GET /cluster", visitors, s.cluster},
		{"GET /members", visitors, func(w http.ResponseWriter, _ *http.Request, _ proof) {
			writeJSON(w, s.options.Operator.Members())
		}},
		{"GET /operator", visitors, s.tellSocket},
		{"POST /verify", operators, s.verify},
		{"POST /transfer", operators, s.order(func(ctx context.Context, name string) (any, error) {
			return s.options.Operator.Transfer(ctx, name)
		})},
		{"POST /members/add", operators, change(s.options.Operator.AddMember)},
		{"POST /members/add-spare", operators, change(s.options.Operator.AddSpare)},
		{"POST /members/pardon", operators, change(s.options.Operator.PardonMember)},
		{"POST /members/remove", operators, change(s.options.Operator.RemoveMember)},
	}
}

// handler returns what answers the requests.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.guarded(r))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g := guestOf(r.Context()); g != nil {
			defer g.answering()()
		}
		mux.ServeHTTP(w, r)
	})
}

// guarded answers those whom the route is for.
func (s *Server) guarded(route route) http.Handler {
	if route.access == everybody {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.serve(w, r, proof{}) })
	}
	pages := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.examine(w, r)
		if !ok || !s.checkHost(w, r, p) {
			return
		}
		if err := pages.Check(r); err != nil {
			http.Error(w, "orders are not taken from pages of other sites", http.StatusForbidden)
			return
		}
		if route.access == operators && !p.given {
			refuse(w, `Bearer realm="barista"`, needProof)
			return
		}
		route.serve(w, r, p)
	})
}

// check answers with 200 if holds is true of the node now, else 503, and in either case with a line for people.
func (s *Server) check(holds func(Status) bool) func(http.ResponseWriter, *http.Request, proof) {
	return func(w http.ResponseWriter, _ *http.Request, _ proof) {
		status := s.options.Node.Status().Open()
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

func (s *Server) status(w http.ResponseWriter, _ *http.Request, p proof) {
	status := s.options.Node.Status()
	if !p.given {
		status = status.Open()
	}
	writeJSON(w, status)
}

// cluster asks all members. Each question keeps them busy, so not many strangers are answered at once.
func (s *Server) cluster(w http.ResponseWriter, r *http.Request, p proof) {
	if p.given {
		writeJSON(w, gather(r.Context(), s.options.Node, s.options.Peers))
		return
	}
	select {
	case s.gathering <- struct{}{}:
		defer func() { <-s.gathering }()
	default:
		http.Error(w, "too many ask for the cluster at once; try again", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, gather(r.Context(), s.options.Node, s.options.Peers).open())
}

// OperatorSocket tells where the operator's socket lies.
type OperatorSocket struct {
	Path string `json:"socket"`
}

func (s *Server) tellSocket(w http.ResponseWriter, r *http.Request, p proof) {
	if !p.given && !onThisMachine(r) {
		http.Error(w, "the operator's socket is on this node's machine only", http.StatusForbidden)
		return
	}
	writeJSON(w, OperatorSocket{Path: s.options.Socket})
}

// verify runs one verification at a time: each reads every table of every node.
func (s *Server) verify(w http.ResponseWriter, r *http.Request, p proof) {
	if !readOrder(w, r, &struct{}{}) {
		return
	}
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	default:
		http.Error(w, "a verification is already under way at this node", http.StatusConflict)
		return
	}
	liftLimits(w)
	s.options.Log.Info("an operator has all nodes compared", "by", p.by)
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
