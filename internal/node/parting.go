package node

import (
	"time"

	"github.com/baristadb/barista/internal/paxos"
)

// partingTime is for how long a node that was removed is still talked to: it hears so that it was removed.
const partingTime = 10 * time.Second

// partings are the names that were removed, and until when they are talked to; the zero time: no longer.
type partings map[string]time.Time

// due returns the names to which nobody is to talk from now on, each once.
func (p partings) due(members paxos.Membership, now time.Time) (names []string) {
	for _, ordered := range members.Names {
		until, parting := p[ordered.Name]
		_, member := named(members, ordered.Name)
		switch {
		case ordered.Expected || member:
			delete(p, ordered.Name)
		case !parting:
			p[ordered.Name] = now.Add(partingTime)
		case !until.IsZero() && now.After(until):
			p[ordered.Name] = time.Time{}
			names = append(names, ordered.Name)
		}
	}
	return names
}
