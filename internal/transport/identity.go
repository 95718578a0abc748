package transport

import "fmt"

// Identity is what a node tells a peer about itself.
type Identity struct {
	Cluster     [16]byte // zero: not yet known; such a node may only use the purposes control and backup
	Name        string
	Incarnation uint64
	ServerMajor uint32 // PostgreSQL's major version
	Collation   string // encoding and collation version of the server, compared as a whole
	Voters      uint16 // how many nodes vote in its cluster, as far as it knows: see AnotherCluster
}

// AnotherCluster says that a peer, which holds the secret, belongs to another cluster. It is an ErrRefused.
type AnotherCluster struct{ Self, Peer Identity }

func (e *AnotherCluster) Error() string {
	return fmt.Sprintf("%v: %q belongs to another cluster (%x, %q has %x)", ErrRefused, e.Peer.Name, e.Peer.Cluster, e.Self.Name, e.Self.Cluster)
}

// Unwrap makes it an ErrRefused.
func (e *AnotherCluster) Unwrap() error { return ErrRefused }

// The purposes of connections, as docs/internals/formats.md has them.
const (
	PurposePaxos   = "paxos"   // frames, from the dialler
	PurposeControl = "control" // HTTP/1.1
	PurposeSQL     = "sql"     // raw, to the listener's server if it leads
	PurposeBackup  = "backup"  // raw, to the listener's server; with control, all that a node without a cluster may ask for
)

// Check returns why a node with identity self must not speak with peer for this purpose, or nil. It is symmetric, but for the
// words: both sides come to the same answer.
func (self Identity) Check(peer Identity, purpose string) error {
	open := purpose == PurposeControl || purpose == PurposeBackup
	var none [16]byte
	switch {
	case peer.Name == "":
		return fmt.Errorf("%w: a peer without a name", ErrRefused)
	case self.Cluster != none && peer.Cluster != none && self.Cluster != peer.Cluster:
		return &AnotherCluster{self, peer}
	case peer.Name == self.Name:
		return fmt.Errorf("%w: the peer has this node's own name %q", ErrRefused, self.Name)
	case (self.Cluster == none || peer.Cluster == none) && !open:
		return fmt.Errorf("%w: %q needs a cluster, and one of %q and %q has none yet", ErrRefused, purpose, self.Name, peer.Name)
	case peer.ServerMajor != self.ServerMajor:
		return fmt.Errorf("%w: %q has PostgreSQL %d, %q has PostgreSQL %d", ErrRefused, peer.Name, peer.ServerMajor, self.Name, self.ServerMajor)
	case peer.Collation != self.Collation:
		return fmt.Errorf("%w: %q has encoding and collation version %q, %q has %q", ErrRefused, peer.Name, peer.Collation, self.Name, self.Collation)
	}
	return nil
}
