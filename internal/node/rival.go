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
	"github.com/baristadb/barista/internal/rivals"
	"github.com/baristadb/barista/internal/transport"
)

// Two clusters with one secret are a mistake of whoever ran init twice. What follows for this node when it meets another one, rivals decides.

// rivalSuffix is behind the name of a file that says that this node stopped for another cluster: it does not serve again, for the moment until it meets
// that, because it was restarted. If the process dies before it is there, the next one serves until then.
const rivalSuffix = ".rival"

// rivalry is what a node knows of other clusters with its secret.
type rivalry struct {
	mu   sync.Mutex // guards the rest
	book rivals.Book
	note string // why this node stopped, as long as that is not on its disk
}

// meetForeign is called whenever a node of another cluster has proved that it holds the secret, with what both have said of themselves.
func (n *node) meetForeign(self, peer transport.Identity) {
	r := &n.rivals
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.book.Meet(side(self), side(peer)) {
	case rivals.Known:
	case rivals.GoesOn:
		n.log.Error("there is another cluster with this one's secret; it has fewer voters, and its node stops: empty that node's folder, and start it "+
			"without init", "node", peer.Name, "cluster", fmt.Sprintf("%x", peer.Cluster), "voters", peer.Voters, "own_voters", self.Voters)
	case rivals.Stops:
		r.note = fmt.Sprintf("%s belongs to another cluster with this one's secret (%x), of %d voters; this one (%x) has %d and stops. Find out which is the "+
			"right one. If it is the other, empty this node's folder and start it without init: what was written here is lost then. If it is this one, "+
			"stop the nodes of the other for good, remove %s, and start this node again",
			peer.Name, peer.Cluster, peer.Voters, self.Cluster, self.Voters, n.cfg.JournalDir()+rivalSuffix)
		n.driver.Post(n.coreCtx, replicator.Retire{Why: r.note})
		n.log.Error("this node stops: there are two clusters under one name", "reason", r.note)
	}
	if r.note == "" {
		return
	}
	if err := writeNote(n.cfg.JournalDir()+rivalSuffix, r.note+"\n"); err != nil {
		n.log.Error("this node could not note that it stopped for another cluster, and tries again when they meet: until then it would serve again after a "+
			"restart", "error", err)
		return
	}
	r.note = ""
}

func side(i transport.Identity) rivals.Side {
	return rivals.Side{Cluster: i.Cluster, Voters: int(i.Voters)}
}

// writeNote writes a file that after a crash is there as a whole, or not at all.
func writeNote(path, text string) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		return err
	}
	if err := writeMark(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return writeMark(path)
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
	if text == "" {
		text = "it had met another cluster with this one's secret"
	}
	n.log.Error("this node stopped for another cluster, and waits for a person", "reason", text)
	n.rivals.book.Stop()
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
