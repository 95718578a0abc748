package replicator

import (
	"sort"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Transaction ids never go back, because each server that leads begins above all that leaders before it have given out:
//
//  1. A leader's server gives out ids only below the limit that its barista has seen chosen in its own epoch.
//  2. The order's limit is the greatest of those that are not void, so it is never below that.
//  3. A server that is found anew, after a start, a base backup or an epoch, moves its counter to the order's limit before anything is
//     applied (refreshBatches), and a gate opens only when that is done.
//
// A limit that is chosen and void was never used: whoever proposed it does not see it chosen in its epoch.

// idBook is what a leader asks of the order for its server, in the open epoch.
type idBook struct {
	wanted   changeset.IDLimit
	proposed changeset.IDLimit // the greatest on its way, or chosen
}

func (b *idBook) pending() bool { return b.wanted > b.proposed }

// wantIDs takes what the server would like. It asks again until it has that.
func (r *Replicator) wantIDs(limit changeset.IDLimit) {
	if planted("ids given out before they are agreed on") {
		r.out.IDLimit = limit
	}
	if r.phase == Open && limit > r.order.idLimit() {
		r.ids.wanted = max(r.ids.wanted, limit)
	}
}

// limitAt is an index from which on a limit of transaction ids holds.
type limitAt struct {
	index paxos.Index
	limit changeset.IDLimit
}

// idLimit is the limit at the head.
func (o *Order) idLimit() changeset.IDLimit { return o.idLimits[len(o.idLimits)-1].limit }

func (o *Order) noteIDLimit(p *Placed) {
	if p.IDLimit > o.idLimit() {
		o.idLimits = append(o.idLimits, limitAt{p.Index, p.IDLimit})
	}
}

// idLimitAt is the limit that holds behind index i.
func (o *Order) idLimitAt(i paxos.Index) changeset.IDLimit {
	k := sort.Search(len(o.idLimits), func(k int) bool { return o.idLimits[k].index > i }) - 1
	return o.idLimits[max(k, 0)].limit
}

func (o *Order) trimIDLimits(floor paxos.Index) {
	for len(o.idLimits) > 1 && o.idLimits[1].index <= floor {
		o.idLimits = o.idLimits[1:]
	}
}

// anyDatabase is the database in whose sessions a server does what concerns none.
const anyDatabase = "postgres"

// refreshedIDs is where a server's counter is moved when it is found anew; not 0.
func (o *Order) refreshedIDs() changeset.IDLimit {
	if planted("ids go on where the server was") {
		return 1
	}
	return max(1, o.idLimit())
}

// takeIDLimit adds a limit to a batch. It begins one: what is applied behind it has ids above it.
func (c *cursor) takeIDLimit(limit changeset.IDLimit, batch *Batch) bool {
	if planted("rows applied below the limit of ids") {
		return true
	}
	if len(batch.Items) > 0 {
		return false
	}
	batch.Database = anyDatabase
	batch.Items = append(batch.Items, Item{IDLimit: limit})
	return true
}
