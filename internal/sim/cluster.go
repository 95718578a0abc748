package sim

import "github.com/baristadb/barista/internal/paxos"

// A cluster is what one init has made. There is one, unless somebody runs init once more.
type cluster struct {
	world *world
	id    [16]byte
	check *checkers
	over  bool // a person has emptied its nodes
}

func (w *world) newCluster(first paxos.Floor) *cluster {
	c := &cluster{world: w, id: [16]byte{'s', 'i', 'm', 15: byte(len(w.clusters))}}
	c.check = newCheckers(c, first)
	w.clusters = append(w.clusters, c)
	return c
}

// isOutside reports whether a machine's node belongs to another cluster than the first, or the one for which a person has decided.
func (m *machine) isOutside() bool { return m.cluster != nil && m.cluster != m.world.cluster }
