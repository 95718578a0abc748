package devcluster

import (
	"maps"

	"github.com/baristadb/barista/internal/config"
)

// Add makes the folder of one more node, which knows the nodes that there are, while their configurations do not know it. It starts nothing.
// change, if given, may alter its configuration. No other method may run at the same time.
func (c *Cluster) Add(change func(*config.Config)) (*Node, error) {
	present := map[string]config.Config{}
	peers := map[string]string{}
	for _, node := range c.nodes {
		present[node.Config.Name] = node.Config
		maps.Copy(peers, node.Config.Peers)
	}
	ports := newPorts(present)
	cfg := config.Defaults()
	if err := (Options{}).place(&cfg, c.dir, len(c.nodes)+1, ports); err != nil {
		return nil, err
	}
	address, err := ports.free()
	if err != nil {
		return nil, err
	}
	peers[cfg.Name] = address
	cfg.Peers, cfg.Peer = peers, address
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Check(); err != nil {
		return nil, config.Mistakef("node %s: %w", cfg.Name, err)
	}
	node, err := newNode(c.binary, cfg)
	if err != nil {
		return nil, err
	}
	c.nodes = append(c.nodes, node)
	return node, nil
}
