package transport

import "fmt"

// Identity is what a node tells a peer about itself.
type Identity struct {
	Cluster     [16]byte // zero: not yet known; such a node may only use the purposes control and backup
	Name        string
	Incarnation uint64
	ServerMajor uint32 // PostgreSQL's major version
	Collation   string // encoding and collation version of the server, compared as a whole
}

// The purposes of connections, as docs/internals/formats.md has them.
const (
	PurposePaxos   = "paxos"   // frames, from the dialler
	PurposeControl = "control" // HTTP/1.1
	PurposeSQL     = "sql"     // raw, to the listener's server if it leads
	PurposeBackup  = "backup"  // raw, to the listener's server; with control, all that a node without a cluster may ask for
)

// check returns why a node with identity self must not speak with peer for this purpose, or nil. It is symmetric, but for the
// words: both sides come to the same answer.
func (self Identity) check(peer Identity, purpose string) error {
	open := purpose == PurposeControl || purpose == PurposeBackup
	var none [16]byte
	switch {
	case peer.Name == "":
		return fmt.Errorf("%w: a peer without a name", ErrRefused)
	case peer.Name == self.Name:
		return fmt.Errorf("%w: the peer has this node's own name %q", ErrRefused, self.Name)
	case (self.Cluster == none || peer.Cluster == none) && !open:
		return fmt.Errorf("%w: %q needs a cluster, and one of %q and %q has none yet", ErrRefused, purpose, self.Name, peer.Name)
	case self.Cluster != none && peer.Cluster != none && self.Cluster != peer.Cluster:
		return fmt.Errorf("%w: %q belongs to another cluster (%x, %q has %x)", ErrRefused, peer.Name, peer.Cluster, self.Name, self.Cluster)
	case peer.ServerMajor != self.ServerMajor:
		return fmt.Errorf("%w: %q has PostgreSQL %d, %q has PostgreSQL %d", ErrRefused, peer.Name, peer.ServerMajor, self.Name, self.ServerMajor)
	case peer.Collation != self.Collation:
		return fmt.Errorf("%w: %q has encoding and collation version %q, %q has %q", ErrRefused, peer.Name, peer.Collation, self.Name, self.Collation)
	}
	return nil
}
