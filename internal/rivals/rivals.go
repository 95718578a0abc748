// Package rivals decides what becomes of two clusters under one name, values in, values out. Somebody ran init twice: clients that know one list of
// addresses write to both. When nodes of both meet, those of the cluster with fewer voters stop, and of two with as many voters both do. Each side
// decides by the two numbers of one handshake, so never do both go on, however their memberships change meanwhile. A person decides which is the
// right one: what the other has acknowledged is in its folders still.
//
// Only who has proved the secret counts, so no stranger can stop anybody. Cluster and number are covered by the proof.
package rivals

// A Side is one of two that meet, as it said in their handshake.
type Side struct {
	Cluster [16]byte
	Voters  int // of its cluster, as far as it knows
}

// A Verdict is what follows for a node from meeting another cluster.
type Verdict uint8

// Known: nothing that did not follow before.
const (
	Known  Verdict = iota
	GoesOn         // the other stops
	Stops          // this node takes no part any more, also after a restart
)

// A Book is what one node knows of other clusters. The zero Book knows none.
type Book struct {
	met     map[[16]byte]bool
	stopped bool
}

// Meet is a node of another cluster having proved that it holds the secret.
func (b *Book) Meet(own, other Side) Verdict {
	yields := Yields(own.Voters, other.Voters)
	switch {
	case b.stopped || b.met[other.Cluster] && !yields:
		return Known
	case yields:
		b.stopped = true
		return Stops
	}
	if b.met == nil {
		b.met = make(map[[16]byte]bool)
	}
	b.met[other.Cluster] = true
	return GoesOn
}

// Stop has the node begin as one that has stopped before it was started.
func (b *Book) Stop() { b.stopped = true }

// Yields reports whether the nodes of a cluster with so many voters stop that meets another one.
func Yields(voters, others int) bool {
	if planted("of two clusters with as many voters none stops") {
		return voters < others
	}
	return voters <= others
}
