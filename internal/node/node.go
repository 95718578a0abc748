// Package node joins the parts into a running node: journal, Paxos and replicator, the local server and its gate, the front doors, and
// the ways between nodes. It starts and stops them in the right order; each of their decisions is made elsewhere.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/proxy"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
	"github.com/baristadb/barista/internal/verify"
)

// stepDownLimit is how long a node that is told to stop may take to hand over.
const stepDownLimit = 5 * time.Second

// Options are what a node starts from.
type Options struct {
	// Config is the node's configuration.
	Config config.Config
	// Extension is what its server loads.
	Extension *postgres.Extension
	// Secret is the cluster's secret, where root has read it; nil: the node reads it from its file.
	Secret []byte
	// Listeners are ports that only root could open, by the address in Config. The others the node opens.
	Listeners map[string]*net.TCPListener
}

// Run runs one node until ctx ends, and then stops it: the gate first, then the server, then the rest. An error that matches
// config.ErrMistake is the operator's to mend. It is not for root: what a node does in its folder, it does with the rights of the account that
// runs the server.
func Run(ctx context.Context, o Options, log *slog.Logger) error {
	cfg := o.Config
	log = log.With("node", cfg.Name)
	if err := os.MkdirAll(cfg.Dir, 0o711); err != nil {
		return config.Mistakef("make the node's folder: %w", err)
	}
	release, err := config.Claim(cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err := release(); err != nil {
			log.Warn("the node's folder could not be released", "error", err)
		}
	}()
	admitted, identity := paxos.Membership{}, paxos.IdentityRecord{}
	for {
		n := &node{
			cfg: cfg, log: log, extension: o.Extension, secret: o.Secret, listeners: o.Listeners, coreCtx: ctx, admitted: admitted,
			identity: paxos.IdentityRecord{Cluster: identity.Cluster}, // of the life before: it joins no other one
		}
		again, err := n.goOn(ctx, n.live(ctx))
		if err != nil || !again {
			return err
		}
		admitted, identity = n.admitted, n.identity
	}
}

// live is the life of one incarnation of a node in this process.
func (n *node) live(ctx context.Context) error {
	if err := n.prepare(ctx); err != nil {
		return err
	}
	defer n.journal.Close()
	return n.serve(ctx)
}

// node is a running node: what is set in prepare does not change afterwards.
type node struct {
	cfg         config.Config
	log         *slog.Logger
	extension   *postgres.Extension
	secret      []byte
	listeners   map[string]*net.TCPListener // as in Options
	pg          postgres.Config
	transport   *transport.Transport
	journal     *journal.Journal
	damaged     chan error // why the journal cannot be trusted any more
	identity    paxos.IdentityRecord
	driver      *replicator.Driver
	directory   *directory
	server      *localServer
	permissions *permissions
	room        room
	joins       *joinDesk
	marks       *markDesk
	leading     *leadership
	leaderless  leaderless
	verifySide  *verify.Handler
	pins        pins
	front       *proxy.Server
	arrivals    *lobby.Lobby     // clients that the own server has not authenticated yet
	admitted    paxos.Membership // that let a joiner in; zero for everyone else
	rivals      rivalry
	asked       atomic.Bool     // to be admitted anew; what comes of that may be chosen later, also after a pardon
	coreCtx     context.Context // ends when consensus and transport stop
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }

// bootClock is CLOCK_BOOTTIME: it runs while the machine sleeps, and the server reads the same one.
func bootClock() paxos.Instant {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(fmt.Sprintf("node: CLOCK_BOOTTIME cannot be read: %v", err))
	}
	return paxos.Instant(t.Nano())
}
