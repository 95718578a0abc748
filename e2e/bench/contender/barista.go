package contender

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/baristadb/barista/e2e/bench/usage"
	"github.com/baristadb/barista/internal/devcluster"
)

// Barista is a cluster of three nodes.
type Barista struct {
	dir, binary string
	cluster     *devcluster.Cluster // nil until it is made
}

// NewBarista returns a contender that will keep its data in dir, which exists and which PostgreSQL's user can enter.
func NewBarista(dir, binary string) *Barista { return &Barista{dir: dir, binary: binary} }

// nodes is the number of nodes: as many copies as Quorum has.
const nodes = 3

// Start implements Contender.
func (b *Barista) Start(ctx context.Context) error {
	cluster, err := devcluster.New(devcluster.Options{Dir: filepath.Join(b.dir, "b"), Nodes: nodes, Binary: b.binary, Settings: settings})
	if err != nil {
		return err
	}
	b.cluster = cluster
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	return cluster.WaitReady(ctx)
}

// Stop implements Contender.
func (b *Barista) Stop(ctx context.Context) error {
	if b.cluster == nil {
		return nil
	}
	return b.cluster.Stop(ctx)
}

// Cluster is the cluster, once Start has been called.
func (b *Barista) Cluster() *devcluster.Cluster { return b.cluster }

// Doors implements Contender: the leader's node, and a follower's.
func (b *Barista) Doors() []Door {
	return []Door{
		{"barista, leader's node", func(ctx context.Context) (string, error) {
			leader, err := b.Leader(ctx)
			return b.cluster.Node(leader).Config.PG, err
		}},
		{"barista, follower's node", func(ctx context.Context) (string, error) {
			leader, err := b.Leader(ctx)
			return b.cluster.Node(leader%nodes + 1).Config.PG, err
		}},
	}
}

// Verify has the nodes compare their data, and returns an error that names a difference.
func (b *Barista) Verify(ctx context.Context) error {
	leader, err := b.Leader(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.binary, "verify", "--http", b.cluster.Node(leader).Config.HTTP)
	if _, err := Run(cmd); err != nil {
		return fmt.Errorf("compare the nodes: %w", err)
	}
	return nil
}

// Leader waits until a node leads and returns its number, from 1. With an error the number is 1.
func (b *Barista) Leader(ctx context.Context) (int, error) {
	leader := 0
	err := poll(ctx, 10*time.Millisecond, func() (bool, error) {
		leader = b.cluster.Leader(ctx)
		return leader != 0, nil
	})
	if err != nil {
		return 1, fmt.Errorf("wait for a leader: %w", err)
	}
	return leader, nil
}

// Roots implements Contender.
func (b *Barista) Roots(ctx context.Context) ([]usage.Root, error) {
	leader, err := b.Leader(ctx)
	if err != nil {
		return nil, err
	}
	var roots []usage.Root
	for i, node := range b.cluster.Nodes() {
		pid, err := node.PID()
		if err != nil {
			return nil, err
		}
		role := "follower"
		if i+1 == leader {
			role = "leader"
		}
		roots = append(roots, usage.Root{Name: node.Config.Name + " " + role, PID: pid})
	}
	return roots, nil
}

// Settle implements Contender: every node has applied what the leader knows to be chosen.
func (b *Barista) Settle(ctx context.Context) error {
	leader, err := b.Leader(ctx)
	if err != nil {
		return err
	}
	address := b.cluster.Node(leader).Config.HTTP
	return poll(ctx, 5*time.Millisecond, func() (bool, error) {
		all, err := positions(ctx, address)
		if err != nil {
			return false, err
		}
		return level(all), nil
	})
}
