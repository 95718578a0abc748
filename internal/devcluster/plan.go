package devcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
)

// maxNodes bounds a mistyped number of nodes.
const maxNodes = 9

// plan returns the configuration of every node, n1 first: what the folder already says about it, with this call's
// ports. It writes nothing.
func (o Options) plan(dir string) ([]config.Config, error) {
	present, err := readPresent(dir)
	if err != nil {
		return nil, err
	}
	nodes, err := o.count(dir, present)
	if err != nil {
		return nil, err
	}
	ports := newPorts(present)
	peers, err := planPeers(nodes, present, ports)
	if err != nil {
		return nil, err
	}
	var plan []config.Config
	for k := 1; k <= nodes; k++ {
		cfg, found := present[nodeName(k)]
		if !found {
			cfg = config.Defaults()
		}
		if err := o.place(&cfg, dir, k, ports); err != nil {
			return nil, err
		}
		cfg.Peers, cfg.Peer = peers, peers[cfg.Name]
		if o.Change != nil {
			o.Change(&cfg)
		}
		if err := cfg.Check(); err != nil {
			return nil, config.Mistakef("node %s: %w", cfg.Name, err)
		}
		plan = append(plan, cfg)
	}
	return plan, checkDistinct(plan)
}

// checkDistinct reports a config.Mistake if two doors of the cluster have one address.
func checkDistinct(plan []config.Config) error {
	owner := map[string]string{}
	for _, cfg := range plan {
		for _, address := range []string{cfg.PG, cfg.Thrift, cfg.HTTP, cfg.Peer} {
			if other, found := owner[address]; found && address != "" {
				return config.Mistakef("nodes %s and %s would both listen on %s: choose ports further apart", other, cfg.Name, address)
			}
			owner[address] = cfg.Name
		}
	}
	return nil
}

func nodeName(k int) string { return "n" + strconv.Itoa(k) }

// readPresent reads every DIR/nK/node.yaml that exists.
func readPresent(dir string) (map[string]config.Config, error) {
	present := map[string]config.Config{}
	for k := 1; k <= maxNodes; k++ {
		path := filepath.Join(dir, nodeName(k), "node.yaml")
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := checkKept(filepath.Dir(path)); err != nil {
			return nil, err
		}
		var cfg config.Config
		err := account.Within(path, func() (err error) {
			cfg, err = config.Load(path)
			return err
		})
		if err != nil {
			return nil, err
		}
		present[nodeName(k)] = cfg
	}
	return present, nil
}

// count decides how many nodes there are: as many as any node of the folder knows peers, else as asked for.
func (o Options) count(dir string, present map[string]config.Config) (int, error) {
	held := 0
	for _, cfg := range present {
		held = max(held, len(cfg.Peers))
	}
	switch {
	case o.Nodes < 0 || o.Nodes > maxNodes:
		return 0, config.Mistakef("a cluster on one machine has 1 to %d nodes", maxNodes)
	case held > 0 && o.Nodes != 0 && o.Nodes != held:
		return 0, config.Mistakef("%s holds a cluster of %d nodes, not %d", dir, held, o.Nodes)
	case held > 0:
		return held, nil
	case o.Nodes > 0:
		return o.Nodes, nil
	}
	return defaultNodes, nil
}

// planPeers returns every node's peer address: the one that the folder knows, or a free port.
func planPeers(nodes int, present map[string]config.Config, ports *ports) (map[string]string, error) {
	peers := map[string]string{}
	for _, cfg := range present {
		maps.Copy(peers, cfg.Peers)
	}
	for k := 1; k <= nodes; k++ {
		if peers[nodeName(k)] != "" {
			continue
		}
		address, err := ports.free()
		if err != nil {
			return nil, err
		}
		peers[nodeName(k)] = address
	}
	return peers, nil
}

// place fills in what depends on where the cluster lies and on this call.
func (o Options) place(cfg *config.Config, dir string, k int, ports *ports) error {
	cfg.Name = nodeName(k)
	cfg.Dir = filepath.Join(dir, cfg.Name)
	cfg.SecretFile = filepath.Join(dir, "secret")
	if cfg.Auth == "" {
		cfg.Auth = config.Trust
	}
	cfg.Settings = maps.Clone(cfg.Settings)
	if cfg.Settings == nil {
		cfg.Settings = map[string]string{}
	}
	maps.Copy(cfg.Settings, o.Settings)
	for _, door := range []struct {
		address *string
		first   int
	}{{&cfg.PG, o.PgPort}, {&cfg.Thrift, o.ThriftPort}, {&cfg.HTTP, o.HTTPPort}} {
		if door.first != 0 {
			*door.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(door.first+k-1))
			continue
		}
		if *door.address != "" {
			continue // as before
		}
		address, err := ports.free()
		if err != nil {
			return err
		}
		*door.address = address
	}
	return nil
}

// ports finds free TCP ports, each once.
type ports struct {
	next  int
	taken map[string]bool
}

// The ports that are tried. They lie below those that the kernel gives to outgoing connections: a node must be able to
// listen on its port again after a restart, and an outgoing connection could have taken it in the meantime.
const (
	firstPort = 20000
	lastPort  = 32000
	portBlock = 80 // ports that are a process's own, more than it has nodes with doors at once
)

// ownBlock is the block of ports that this process tries first, and no other process while it lives. A port that is free may be that of a node
// which another process has stopped and will start again.
var ownBlock = sync.OnceValue(func() block { return claimBlock(os.Getpid()) })

// block is a block of ports, and what holds it for whoever has claimed it.
type block struct {
	number int
	claim  net.Listener // nil if nothing does
}

// claimBlock returns the first block from a number on that nobody has claimed; that of the number itself if all are. The claim is an abstract
// socket: it is seen wherever the ports are, and ends with the process at the latest.
func claimBlock(from int) block {
	const blocks = (lastPort - firstPort) / portBlock
	for k := range blocks {
		number := (from + k) % blocks
		if claim, err := net.Listen("unix", "@barista-ports-"+strconv.Itoa(number)); err == nil {
			return block{number, claim}
		}
	}
	return block{number: from % blocks}
}

// newPorts starts with the ports that are the process's own.
func newPorts(present map[string]config.Config) *ports {
	p := &ports{next: ownBlock().number * portBlock, taken: map[string]bool{}}
	for _, cfg := range present {
		for _, address := range cfg.Peers {
			p.taken[address] = true
		}
		for _, address := range []string{cfg.PG, cfg.Thrift, cfg.HTTP} {
			p.taken[address] = true
		}
	}
	return p
}

// free returns an address on loopback on which nobody listens.
func (p *ports) free() (string, error) {
	for range lastPort - firstPort {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+p.next%(lastPort-firstPort)))
		p.next++
		if p.taken[address] {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			return "", fmt.Errorf("look for a free port: %w", err)
		}
		p.taken[address] = true
		return address, nil
	}
	return "", config.Mistakef("no TCP port from %d to %d is free", firstPort, lastPort)
}

// checkPorts reports a config.Mistake if someone listens on one of the node's addresses.
func checkPorts(cfg config.Config) error {
	for _, door := range []struct{ key, address string }{
		{"PostgreSQL clients", cfg.PG}, {"Thrift", cfg.Thrift}, {"HTTP", cfg.HTTP}, {"its peers", cfg.Peer},
	} {
		if door.address == "" {
			continue
		}
		listener, err := net.Listen("tcp", door.address)
		if err != nil {
			return config.Mistakef("node %s cannot serve %s: %w", cfg.Name, door.key, err)
		}
		if err := listener.Close(); err != nil {
			return fmt.Errorf("try the ports of %s: %w", cfg.Name, err)
		}
	}
	return nil
}
