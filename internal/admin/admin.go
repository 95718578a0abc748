// Package admin is a node's HTTP side, for people, load balancers and monitors: how the node is, how the cluster is, the
// comparison of all nodes, and the few things that an operator may order. Nothing that it serves changes the cluster's data.
//
//	GET  /health   200 if the node needs no help, else 503: it was stopped, or what it tries fails and goes on failing
//	GET  /primary  200 if the node leads with an open gate and a valid lease, else 503
//	GET  /replica  200 if the node follows and its server runs and is caught up, else 503
//	GET  /status   this node, as JSON
//	GET  /cluster  all members, as JSON: {"nodes": [...]}
//	GET  /members  who belongs to the cluster, as JSON
//	GET  /operator where the operator's socket lies, as JSON; to this node's own machine only
//	POST /verify   {}: compares all nodes; the report as JSON, or 503 and a line of text
//	POST /transfer {"name": "n2"}: hands leadership over, without a name to the most caught-up node
//	POST /members/add, /members/add-spare, /members/remove {"name": "n4"}: changes that, and answers like GET
//	POST /members/pardon {"name": "n2"}: n2 itself votes, although its folder is an older copy; answers likewise
//
// What is asked by POST takes proof of the operator: a connection through the operator's socket, or a token. Whoever has it is also shown
// in full why a node is as it is; everybody else is told in words that are Barista's own.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Node is the node that this package speaks for.
type Node interface {
	// Status returns at once how the node is.
	Status() Status
}

// Peers are the members of the cluster.
type Peers interface {
	// Names returns the names of all members, this node included.
	Names() []string
	// Status asks another member how it is, until ctx ends.
	Status(ctx context.Context, name string) (Status, error)
}

// Verifier compares all nodes.
type Verifier interface {
	// Verify returns the report, a value that has a JSON form. It may take minutes.
	Verify(ctx context.Context) (any, error)
}

// Operator does what an operator orders. What is refused is a Refusal; any other error says that it was tried.
type Operator interface {
	// Transfer makes another node the leader, the one named or, if to is empty, the one that is most caught up.
	Transfer(ctx context.Context, to string) (HandOver, error)
	// Members returns at once who belongs to the cluster.
	Members() Membership
	// AddMember lets a node of a name join, or recruits the spare of that name.
	AddMember(ctx context.Context, name string) error
	// AddSpare lets a node of a name join as a spare.
	AddSpare(ctx context.Context, name string) error
	// PardonMember lets this node, whose name it must be, vote although its folder is an older copy.
	PardonMember(ctx context.Context, name string) error
	// RemoveMember removes the member of a name for good. It hands leadership over first if that is the leader.
	RemoveMember(ctx context.Context, name string) error
}

// Options are what a Server is made of. All but Hosts are required.
type Options struct {
	Node     Node
	Peers    Peers
	Verifier Verifier
	Operator Operator
	// Token is what an operator elsewhere has to give: see Token.
	Token string
	// Address is where HTTP is served, and Socket the path of the operator's socket on this machine.
	Address netip.AddrPort
	Socket  string
	// Hosts are names by which this node is called, beside IP addresses and localhost.
	Hosts []string
	Log   *slog.Logger
}

// Server answers HTTP requests.
type Server struct {
	options   Options
	http      *http.Server
	wrong     seldom        // lines about wrong tokens
	gathering chan struct{} // holds a token for each stranger's question to all members that is under way
	verifying chan struct{} // holds a token while a verification runs
	ctx       context.Context
	stop      context.CancelFunc
	finish    sync.Once
	finished  chan struct{} // closed when Shutdown has ended
}

// maxGathers is how many questions of strangers are put to all members at once.
const maxGathers = 8

// New returns a server that serves nothing yet.
func New(options Options) (*Server, error) {
	switch {
	case options.Node == nil || options.Peers == nil || options.Verifier == nil || options.Operator == nil:
		return nil, errors.New("admin: node, peers, verifier or operator is missing")
	case !ValidToken(options.Token) || !options.Address.IsValid() || options.Socket == "" || options.Log == nil:
		return nil, errors.New("admin: token, address, socket or log is missing")
	}
	s := &Server{
		options: options, gathering: make(chan struct{}, maxGathers), verifying: make(chan struct{}, 1), finished: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second, // lifted for what takes longer
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ConnContext:       rememberGuest,
		ErrorLog:          slog.NewLogLogger(options.Log.Handler(), slog.LevelWarn),
	}
	// One request for each connection. Who sends many on one without waiting for answers would otherwise keep this process busy for as long as
	// they last, and with many such connections nothing else in it would get its turn in time: not its peers, nor the probes of its server.
	s.http.SetKeepAlivesEnabled(false)
	return s, nil
}

// Listen listens on address, HOST:PORT. Without a host it listens on the loopback address only: whoever wants to be reached from
// elsewhere says so.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP on %q: %w", address, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	return l, nil
}

// Serve answers requests that come through l until Shutdown, and returns nil when that has ended; it closes l. What comes through a Socket
// is the operator's. It may be called for each of several listeners.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(newCrowd(l)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	}
	<-s.finished
	return nil
}

// Shutdown lets requests that are under way end, a verification excepted, which it cancels. When ctx ends it cuts them.
func (s *Server) Shutdown(ctx context.Context) {
	s.stop()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
	}
	s.finish.Do(func() { close(s.finished) })
}
