package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/gate"
	"github.com/baristadb/barista/internal/proxy"
	"github.com/baristadb/barista/internal/verify"
)

const (
	drainLimit   = 2 * time.Second  // for sessions to end when the node stops
	markWait     = 10 * time.Second // for a node that comes no nearer to a mark
	controlLimit = 5 * time.Second
)

// doors are the servers of clients and people: each serves until its context ends.
type doors struct {
	proxy func(context.Context) error
	// backends hands clients' sockets to the own server's backends.
	backends func(context.Context) error
	admin    func(context.Context) error // nil: not configured
	operator func(context.Context) error // with admin
}

// openDoors binds the ports of the front doors.
func (n *node) openDoors() (doors, error) {
	clients, err := n.listen("listen for PostgreSQL clients", n.cfg.PG)
	if err != nil {
		return doors{}, err
	}
	if err := errors.Join(n.openArrivals(), n.checkFiles()); err != nil {
		return doors{}, err
	}
	front, err := proxy.New(proxy.Options{Backends: n, Hold: n.cfg.Hold, Waiting: n.waiting(), Log: n.log})
	if err != nil {
		return doors{}, err
	}
	n.front = front
	backends, err := n.listenBackends()
	if err != nil {
		return doors{}, err
	}
	d := doors{backends: func(context.Context) error { return front.ServeBackends(backends) }, proxy: func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() {
			limited, cancel := context.WithTimeout(context.Background(), drainLimit)
			defer cancel()
			front.Shutdown(limited)
		})
		defer stop()
		return front.Serve(clients)
	}}
	if n.cfg.HTTP == "" {
		return d, nil
	}
	return d, n.openAdmin(&d)
}

// openAdmin binds what people and load balancers use: the HTTP address, and the operator's socket in the folder that listenBackends made.
func (n *node) openAdmin(d *doors) error {
	people, err := n.listenHTTP()
	if err != nil {
		return err
	}
	operator, err := admin.ListenSocket(n.coreCtx, n.cfg.AdminSocket())
	if err != nil {
		return config.Mistakef("%w", err)
	}
	site, err := admin.New(admin.Options{
		Node: n, Peers: members{n}, Verifier: n, Operator: n, Log: n.log,
		Token: admin.Token(n.secret, n.identity.Cluster), Socket: n.cfg.AdminSocket(),
		Address: people.Addr().(*net.TCPAddr).AddrPort(), Hosts: n.cfg.HostNames(),
	})
	if err != nil {
		return err
	}
	shutdown := func() {
		limited, cancel := context.WithTimeout(context.Background(), drainLimit)
		defer cancel()
		site.Shutdown(limited)
	}
	serve := func(l net.Listener) func(context.Context) error {
		return func(ctx context.Context) error {
			defer context.AfterFunc(ctx, shutdown)()
			return site.Serve(l)
		}
	}
	d.admin, d.operator = serve(people), serve(operator)
	return nil
}

func (n *node) listenHTTP() (net.Listener, error) {
	if l, err := n.inherited(n.cfg.HTTP); l != nil || err != nil {
		return l, err
	}
	l, err := admin.Listen(n.coreCtx, n.cfg.HTTP)
	if err != nil {
		return nil, config.Mistakef("listen for HTTP: %w", err)
	}
	return l, nil
}

// listenBackends makes the socket on which the server's backends claim their clients. Shutdown of the front door ends it.
func (n *node) listenBackends() (*net.UnixListener, error) {
	if err := n.pg.PrepareFolders(); err != nil {
		return nil, err
	}
	l, err := gate.ListenUnix(n.pg.ClientSocket)
	if err != nil {
		return nil, config.Mistakef("make the socket for the server's backends: %w", err)
	}
	return l, nil
}

// Verify implements admin.Verifier: this node compares all members.
func (n *node) Verify(ctx context.Context) (any, error) {
	coordinator := verify.Coordinator{
		Marks:    n.marks,
		Nodes:    members{n}.Names,
		OpenTime: markWait,
		Client: &http.Client{Transport: verify.Loopback{
			Hosts: map[string]http.Handler{n.cfg.Name: n.verifySide},
			Next:  n.transport.HTTPClient().Transport,
		}},
	}
	return coordinator.Verify(ctx)
}
