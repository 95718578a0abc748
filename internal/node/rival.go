package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

// Two clusters with one secret are a mistake of whoever ran init twice: clients that know one list of addresses write to both. When nodes of both
// meet, those of the cluster with fewer voters stop, and of two with as many voters both do: each side comes to that by the same two numbers, so
// never do both go on. A cluster that was just initialised has one voter, so it is the one that stops. A person decides which is the right one: what
// the other has acknowledged is in its folder still.
//
// Only who has proved the secret counts, so no stranger can stop anybody. Which cluster a node meets is part of what the proof covers.

// rivalSuffix is behind the name of a file that says that this node stopped for another cluster: it does not serve again, for the moment until it meets
// that, because it was restarted.
const rivalSuffix = ".rival"

// rivalry is what a node knows of other clusters with its secret.
type rivalry struct {
	mu   sync.Mutex // guards the rest
	met  map[[16]byte]bool
	lost bool // this node has stopped for one
}

// yields reports whether the nodes of a cluster stop that meets another one.
func yields(voters, others int) bool { return voters <= others }

// meetForeign is called whenever a node of another cluster has proved that it holds the secret.
func (n *node) meetForeign(peer transport.Identity) {
	own := len(n.driver.Status().Members.Voters())
	lost := yields(own, int(peer.Voters))
	r := &n.rivals
	r.mu.Lock()
	known := r.met[peer.Cluster] && !lost || r.lost
	if r.met == nil {
		r.met = make(map[[16]byte]bool)
	}
	r.met[peer.Cluster] = true
	r.lost = r.lost || lost
	r.mu.Unlock()
	if known {
		return
	}
	if !lost {
		n.log.Error("there is another cluster with this one's secret; it has fewer voters, and its node stops: empty that node's folder, and start it "+
			"without init", "node", peer.Name, "cluster", fmt.Sprintf("%x", peer.Cluster), "voters", peer.Voters, "own_voters", own)
		return
	}
	why := fmt.Sprintf("%s belongs to another cluster with this one's secret (%x), of %d voters; this one (%x) has %d and stops. Find out which is the "+
		"right one. If it is the other, empty this node's folder and start it without init: what was written here is lost then. If it is this one, "+
		"stop the nodes of the other for good, remove %s, and start this node again",
		peer.Name, peer.Cluster, peer.Voters, n.identity.Cluster, own, n.cfg.JournalDir()+rivalSuffix)
	n.driver.Post(n.coreCtx, replicator.Retire{Why: why})
	n.log.Error("this node stops: there are two clusters under one name", "reason", why)
	if err := os.WriteFile(n.cfg.JournalDir()+rivalSuffix, []byte(why+"\n"), 0o600); err != nil {
		n.log.Error("this node could not note that it stopped for another cluster: it would serve again after a restart, until they meet", "error", err)
	}
}

// stayRetired has a node that stopped for another cluster begin as it ended.
func (n *node) stayRetired(r *replicator.Replicator) error {
	why, err := os.ReadFile(n.cfg.JournalDir() + rivalSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read why this node had stopped: %w", err)
	}
	text := string(why[:min(len(why), maxReason)])
	n.log.Error("this node stopped for another cluster, and waits for a person", "reason", text)
	r.Step(bootClock(), replicator.Retire{Why: text})
	return nil
}

// maxReason limits what is read of why a node stopped, in bytes.
const maxReason = 4096

// ProbeLimit is how long the nodes of a configuration have to answer Probe.
const ProbeLimit = 3 * time.Second

// Probe asks the other nodes of a configuration whether they are a cluster already. taken names, with its address, a node that holds the secret and belongs
// to one; empty: there is none. silent says of the others what came of it.
func Probe(ctx context.Context, cfg config.Config, secret []byte) (taken string, silent []string, err error) {
	host, _, err := net.SplitHostPort(cfg.Peer)
	if err != nil {
		return "", nil, config.Mistakef("peer address %q: %w", cfg.Peer, err)
	}
	ctx, cancel := context.WithTimeout(ctx, ProbeLimit)
	defer cancel()
	n := &node{cfg: cfg, secret: secret}
	over, err := n.newTransport(ctx, net.JoinHostPort(host, "0"), [16]byte{}, newIncarnation())
	if err != nil {
		return "", nil, err
	}
	defer over.Close()
	var mu sync.Mutex // guards taken and silent
	var asking sync.WaitGroup
	for name, address := range cfg.Peers {
		if name == cfg.Name {
			continue
		}
		asking.Go(func() { // ends with ctx; awaited below
			conn, err := over.Dial(ctx, name, transport.PurposeControl)
			belongs := errors.Is(err, transport.ErrRefused) // whatever it refuses, it has the secret and serves
			if err == nil {
				belongs = conn.(*transport.Conn).Peer.Cluster != [16]byte{}
				conn.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if belongs {
				taken = fmt.Sprintf("%s at %s", name, address)
			} else if err != nil {
				silent = append(silent, err.Error())
			}
		})
	}
	asking.Wait()
	slices.Sort(silent)
	return taken, silent, nil
}
