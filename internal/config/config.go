// Package config is what an operator tells one node: the keys of its node.yaml, their defaults, the mistakes that
// can be made in them, and the layout of the node's folder. It reads and writes that file and takes possession of
// the folder; it starts nothing and imports no other package of Barista.
package config

import (
	"time"
)

// Config is one node's configuration: node.yaml with every default filled in and every path absolute.
// A Config that came from Load has passed Check.
type Config struct {
	// Name is the node's name in the cluster, a key of Peers.
	Name string `yaml:"name"`
	// Dir is the node's folder. Default: the folder that holds node.yaml.
	Dir string `yaml:"dir"`

	// PG, Thrift and HTTP are the addresses (host:port) at which clients are served. An empty Thrift or HTTP
	// address means that this front door stays shut.
	PG     string `yaml:"pg"`
	Thrift string `yaml:"thrift,omitempty"`
	HTTP   string `yaml:"http,omitempty"`
	// HTTPHosts are further names by which the HTTP address is called: of a machine, a container or a load balancer. Requests
	// for other names, but for health checks, are refused, so that no page in a browser can have them sent.
	HTTPHosts []string `yaml:"http_hosts,omitempty"`
	// Peer is the address (host:port) at which the other nodes reach this one.
	Peer string `yaml:"peer"`
	// Peers maps the name of every node that belongs to the cluster, this one included, to its peer address.
	Peers map[string]string `yaml:"peers"`
	// SecretFile holds the secret that all nodes of the cluster share. Default: DIR/secret.
	SecretFile string `yaml:"secret_file"`

	// PgBin is the folder of PostgreSQL's programs. Default: the newest supported one that is installed.
	PgBin string `yaml:"pg_bin,omitempty"`
	// ExtensionDir is the folder of barista.so. Default: beside the program, or in extension/ next to its folder.
	ExtensionDir string `yaml:"extension_dir,omitempty"`
	// OSUser is the operating system's user that runs the server. Default: postgres when barista runs as root,
	// else the user that runs barista.
	OSUser string `yaml:"os_user,omitempty"`
	// Auth says how the server knows its clients.
	Auth Auth `yaml:"auth,omitempty"`

	// MaxSessions is how many sessions the cluster serves at once, through whichever nodes, on the server of the node that leads. Superusers
	// may have some more (PostgreSQL's superuser_reserved_connections among Settings; 10), and the server has room for Barista itself and for
	// clients that are not authenticated yet beside them. One more is refused with 53300. Use the same number on each node: the leader's counts.
	MaxSessions int `yaml:"max_sessions,omitempty"`

	// MaxTransaction is how much the changes of one transaction may take, as they travel to the other nodes; a transaction that
	// changes more is refused with 54000 while it runs. Each node needs that much room for its journal, and the leader as
	// much again. Use the same on each node: it is the leader's that counts, and followers apply whatever was agreed on.
	MaxTransaction Size `yaml:"max_transaction,omitempty"`

	// Tick is the beat of the consensus; Lease how long a leader may serve on one round of acknowledgements;
	// an election starts after a silence between ElectionMin and ElectionMax. Lease may be raised on one node
	// after the other; to make it shorter, every node has to be stopped for the length of the old one, because a
	// node that starts keeps quiet only for as long as it now says.
	Tick        time.Duration `yaml:"tick,omitempty"`
	Lease       time.Duration `yaml:"lease,omitempty"`
	ElectionMin time.Duration `yaml:"election_min,omitempty"`
	ElectionMax time.Duration `yaml:"election_max,omitempty"`
	// Protocol is how this node has writes agreed on when it leads. Default: multi.
	Protocol Protocol `yaml:"protocol,omitempty"`
	// Hold is how long a new connection waits while there is no leader.
	Hold time.Duration `yaml:"hold,omitempty"`
	// Suspend is how long a leader whose lease ran out keeps its sessions before it steps down.
	Suspend time.Duration `yaml:"suspend,omitempty"`
	// Spare makes a node without a journal join as a spare, which keeps up without a vote until it is recruited. What
	// was ordered with "barista members" outranks it.
	Spare bool `yaml:"spare,omitempty"`
	// ReplaceDeadAfter is for how long the leader hears nothing of a member before a spare, if there is one, takes its
	// place for good; 0 = never. The default outlasts the restart of a machine: a member that comes back later has to be
	// let in again, with an empty folder.
	ReplaceDeadAfter time.Duration `yaml:"replace_dead_after"`
	// Retention is how much of the journal a node keeps for members that are behind, beside one large transaction.
	Retention Size `yaml:"retention,omitempty"`
	// MinFree is how much of the disks that hold the server's data and the journal is to stay free. A node that has less does not lead as
	// long as another one has room.
	MinFree Size `yaml:"min_free"`

	// Settings are further PostgreSQL settings (name to value). Those that Barista fixes cannot be among them, but
	// SharedLibraries can: libraries that are loaded after Barista's.
	Settings map[string]string `yaml:"settings,omitempty"`
}

// Defaults returns what every key that has a fixed default is worth when node.yaml does not mention it.
func Defaults() Config {
	return Config{
		MaxSessions: 500,

		MaxTransaction: 4 << 30,

		Protocol:    Multi,
		Tick:        100 * time.Millisecond,
		Lease:       time.Second,
		ElectionMin: time.Second,
		ElectionMax: 2 * time.Second,
		Hold:        10 * time.Second,
		Suspend:     5 * time.Second,
		Retention:   1 << 30,
		MinFree:     256 << 20,

		ReplaceDeadAfter: 10 * time.Minute,
	}
}
