package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/transport"
)

// fetchData gets the server's data by an online base backup from a peer: from a follower if one can give it, so that the leader has its
// machine to itself. If the last copy did not help it is the leader's turn.
func (n *node) fetchData(ctx context.Context) error {
	leader := n.directory.name(n.awaitLeader(ctx))
	var names []string
	for name := range n.cfg.Peers {
		if name != n.cfg.Name {
			names = append(names, name)
		}
	}
	sortSources(names, leader, n.server.renewal.again)
	preferSound(names, n.soundPeers(ctx))
	var failed error
	for _, name := range names {
		dial := func(ctx context.Context) (net.Conn, error) { return n.dialTunnel(ctx, name, transport.PurposeBackup) }
		if probe, err := dial(ctx); err != nil {
			failed = errors.Join(failed, err)
			continue
		} else {
			probe.Close()
		}
		n.log.Info("a base backup begins", "from", name)
		err := n.server.watchCopy(ctx, name, dial, n.pg.BaseBackup)
		if err == nil {
			n.log.Info("the base backup is complete and verified", "from", name)
			return nil
		}
		failed = errors.Join(failed, fmt.Errorf("base backup from %s: %w", name, err))
	}
	if failed == nil {
		return errors.New("there is no peer to take a base backup from")
	}
	return failed
}

// sortSources puts the peers to copy from in order: by name, and the leader last, or first.
func sortSources(names []string, leader string, leaderFirst bool) {
	sort.Slice(names, func(i, j int) bool {
		if (names[i] == leader) != (names[j] == leader) {
			return (names[i] == leader) == leaderFirst
		}
		return names[i] < names[j]
	})
}

// preferSound puts the peers whose data are whole as far as is known before the others, who are as good as nothing while there is one of them.
func preferSound(names, sound []string) {
	slices.SortStableFunc(names, func(a, b string) int {
		switch isA := slices.Contains(sound, a); {
		case isA == slices.Contains(sound, b):
			return 0
		case isA:
			return -1
		}
		return 1
	})
}

// leaderPatience is how long a joiner waits to hear who leads before it takes its copy from just anybody.
const leaderPatience = 2 * time.Second

// awaitLeader returns who leads; 0 = nobody has said so in time.
func (n *node) awaitLeader(ctx context.Context) paxos.NodeID {
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		v := n.leading.view()
		if v.leader != 0 {
			return v.leader
		}
		select {
		case <-ctx.Done():
			return 0
		case <-v.changed:
		}
	}
}

// pins keep the purge floor where the base backups that are under way need it.
type pins struct {
	mu   sync.Mutex // guards the rest
	last int
	held map[int]paxos.Index
	told map[string]time.Time // when each peer last began a copy
}

// backupPause is how far apart two connections for a base backup are that belong to different ones; one backup takes three.
const backupPause = time.Minute

// begins reports whether a peer's connection for a base backup is the first of one.
func (p *pins) begins(peer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	first := now.Sub(p.told[peer]) > backupPause
	if p.told == nil {
		p.told = make(map[string]time.Time)
	}
	p.told[peer] = now
	return first
}

// lowest is the lowest pinned index; 0 = none.
func (p *pins) lowest() paxos.Index {
	p.mu.Lock()
	defer p.mu.Unlock()
	var low paxos.Index
	for _, at := range p.held {
		if low == 0 || at < low {
			low = at
		}
	}
	return low
}

// pinFloor keeps what is in the journal now until the returned function is called.
func (n *node) pinFloor() (release func()) {
	p := &n.pins
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(map[int]paxos.Index)
	}
	p.last++
	ticket := p.last
	p.held[ticket] = n.journal.Floor().Index + 1
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.held, ticket)
	}
}
