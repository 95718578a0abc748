// Package devcluster runs the nodes of one cluster on one machine, each a barista process of its own, for the demo,
// the benchmarks and the end-to-end tests. It makes or resumes the nodes' folders, starts, pauses and kills them, and
// waits until they serve. It looks at a node only from outside: its processes, its files, its ports.
package devcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/baristadb/barista/internal/config"
)

// Options say what cluster New makes or resumes.
type Options struct {
	// Dir holds the cluster: node k in Dir/nK. The user that runs PostgreSQL must be able to enter it.
	Dir string
	// Nodes is the number of nodes. 0: as many as Dir already holds, or 3 in a new cluster.
	Nodes int
	// PgPort, ThriftPort and HTTPPort are the first node's ports on 127.0.0.1; node k has that number + k-1.
	// 0: ports that are free.
	PgPort, ThriftPort, HTTPPort int
	// Binary is the barista program.
	Binary string
	// Settings are PostgreSQL settings that every node gets, beside those in its node.yaml.
	Settings map[string]string
	// Change, if given, may alter a node's configuration before it is written: timings, for instance.
	Change func(*config.Config)
}

// defaultNodes is the size of a new cluster when Options do not say.
const defaultNodes = 3

// Cluster is a cluster on this machine. Its methods may be called by several goroutines.
type Cluster struct {
	binary string
	dir    string
	nodes  []*Node // node k at k-1
}

// New makes the folders of a cluster, or of what is missing of one, and writes each node.yaml. It starts nothing.
// What stands in the way (a port in use, a folder that is no cluster's, a node that already runs) is a config.Mistake.
func New(o Options) (*Cluster, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil || o.Dir == "" {
		return nil, config.Mistakef("the cluster's folder %q: give a path", o.Dir)
	}
	if err := makeFolder(dir, 0o755); err != nil {
		return nil, config.Mistakef("make the cluster's folder: %w", err)
	}
	if err := checkKept(dir); err != nil {
		return nil, err
	}
	plan, err := o.plan(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{binary: o.Binary, dir: dir}
	for _, cfg := range plan {
		node, err := newNode(o.Binary, cfg)
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, node)
	}
	return c, nil
}

// NewFolder makes an empty folder for a cluster that will not be kept. Its path is short, because a unix socket's may
// have 107 bytes, and the user that runs PostgreSQL can enter it. The caller removes it.
func NewFolder() (string, error) {
	dir, err := os.MkdirTemp("", "barista-")
	if err != nil {
		return "", fmt.Errorf("make a folder for a cluster: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a folder for a cluster: %w", err)
	}
	return dir, nil
}

// Dir is the absolute path of the cluster's folder.
func (c *Cluster) Dir() string { return c.dir }

// Nodes are the cluster's nodes, n1 first.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Node returns node k, counted from 1.
func (c *Cluster) Node(k int) *Node { return c.nodes[k-1] }

// Addresses lists the PostgreSQL addresses of all nodes, n1 first, with commas between them.
func (c *Cluster) Addresses() string {
	var all []string
	for _, node := range c.nodes {
		all = append(all, node.Config.PG)
	}
	return strings.Join(all, ",")
}

// Start makes the first node's data if no node has any, and starts every node that does not run.
func (c *Cluster) Start(ctx context.Context) error {
	if err := c.initFirst(ctx); err != nil {
		return err
	}
	for _, node := range c.nodes {
		if err := node.Start(); err != nil {
			return err
		}
	}
	return nil
}

// initFirst runs barista init for the first node of a new cluster. The journal tells: once any node has one, there is
// a cluster, and a node without is one that lost its disk and will fetch its data from the others.
func (c *Cluster) initFirst(ctx context.Context) error {
	for _, node := range c.nodes {
		if _, err := os.Stat(node.Config.JournalDir()); err == nil {
			return nil
		}
	}
	if err := c.nodes[0].removeRemains(); err != nil {
		return err
	}
	return c.nodes[0].init(ctx)
}

// stopLimit is how long the nodes may take to end in order before Stop kills them.
const stopLimit = 30 * time.Second

// Stop ends every node, also those that someone started by hand, and returns when all have ended. Those that do not
// end in order within stopLimit, or before ctx ends, are killed, which the error tells.
func (c *Cluster) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	stopped := make(chan error)
	for _, node := range c.nodes {
		go func() { stopped <- node.Stop(ctx) }() // bounded by ctx; awaited below
	}
	var failed []error
	for range c.nodes {
		failed = append(failed, <-stopped)
	}
	return errors.Join(failed...)
}

// Kill kills every node at once and returns when all have ended.
func (c *Cluster) Kill() error {
	var failed []error
	for _, node := range c.nodes {
		if err := node.Kill9(); err != nil {
			failed = append(failed, fmt.Errorf("kill %s: %w", node.Config.Name, err))
		}
	}
	return errors.Join(failed...)
}
