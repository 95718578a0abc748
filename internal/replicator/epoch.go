package replicator

import (
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// anyone is whom a lease is released to when nobody is meant to be next.
const anyone paxos.NodeID = 0

// watchLeadership lets the phase follow what Paxos says of this node's leadership.
//
//	Following --elected--> Opening --epoch-open chosen, all before it applied--> Open --leadership or server lost--> Closing
//	    ^                     |                                                                                        |
//	    +---------------------+------------------------- no backend of the epoch is left ------------------------------+
func (r *Replicator) watchLeadership() {
	leads := r.paxos.Role() == paxos.Leader
	switch r.phase {
	case Following:
		switch {
		case !leads:
		case r.server != serverUp:
			r.paxos.Release(r.now, anyone) // there is no server whose gate could be open
		default:
			r.phase, r.epoch, r.openedAt, r.proposed = Opening, r.paxos.Ballot(), 0, false
		}
	case Opening:
		switch {
		case !leads || r.paxos.Ballot() != r.epoch:
			r.phase = Following // the gate never opened: there is nothing to close
		case r.server != serverUp || r.stuckOpening():
			r.phase = Following
			r.handOver()
		case r.openedAt != 0 && r.cursor.next > r.openedAt && r.cursor.idle():
			r.open()
		}
	case Open:
		switch {
		case !leads || r.paxos.Ballot() != r.epoch:
			r.close()
		case r.drained():
			r.close()
			r.out.CloseGate, r.out.DrainGate = false, true
		}
	case Closing:
		// Only GateClosed, or the end of the server, leads out of it.
	}
}

// openingLimit is how long a leader's server may make no progress towards an open gate before others get their chance, and how long this node
// then does not campaign.
const openingLimit = paxos.Span(20e9)

// inheritedLimit is openingLimit for a leader to which another handed over: that one could open its gate a moment ago.
const inheritedLimit = paxos.Span(2e9)

// failingLimit is openingLimit for a leader whose server fails to apply.
const failingLimit = paxos.Span(2e9)

// stuckOpening reports whether a leader that wants to open makes no progress: the disk of its server is full, for example, or it has adopted
// entries that all others hold for chosen, and have purged. Those it can only get as a follower.
func (r *Replicator) stuckOpening() bool {
	r.noteHeadway()
	if now := (progress{r.epoch, r.order.Head(), r.headway, r.opening.since}); now != r.opening {
		r.opening = now
		r.opening.since = r.now
	}
	limit := openingLimit
	switch {
	case r.paxos.Inherited():
		limit = inheritedLimit
	case r.failsOn():
		limit = failingLimit
	}
	if r.now.Since(r.opening.since) < limit || r.openedAt == 0 && planted("leader never gives up what it lacks") {
		return false
	}
	if !r.failsOn() { // else it campaigns when the server gets on
		r.notBefore = r.now + paxos.Instant(openingLimit)
	}
	return true
}

// progress is how far a log and a server were when they last moved, in an epoch that is opening.
type progress struct {
	epoch   paxos.Ballot
	head    paxos.Index
	headway headway
	since   paxos.Instant
}

// idle says that nothing handed out is unanswered, nor anything to be handed out before the next entry.
func (c *cursor) idle() bool { return c.out == nil && c.mark == nil && len(c.refresh) == 0 && !c.stale }

// open lets backends write. Everything below the epoch-open entry is applied; the cursor rests, because from here on the backends
// themselves commit what is chosen.
func (r *Replicator) open() {
	r.phase, r.openAt = Open, r.now
	r.drainUntil, r.heir = 0, anyone
	r.cursor.active = false
	r.sequences.reset()
	r.ids = idBook{}
	r.out.OpenGate = r.epoch
}

// close ends the epoch. The flag comes first (Output.CloseGate), so that nothing commits on top of what apply will find.
func (r *Replicator) close() {
	r.phase = Closing
	r.out.CloseGate = true
	r.out.OpenGate = 0
	r.out.Mark = nil
	r.giveUp()
}

// gateClosed goes on as a follower, from where the server's backends have left it.
func (r *Replicator) gateClosed(position changeset.Position) {
	if r.phase != Closing || r.server != serverUp {
		return
	}
	r.phase = Following
	r.handOver()
	r.resetCursor(position)
}

// drainLimit is how long a leader that steps down in good order waits for what it has taken on.
const drainLimit = paxos.Span(1e9)

// stepDown makes a leader take on nothing new, finish what it has, and then close its gate; the lease is released when that is closed.
func (r *Replicator) stepDown() {
	switch r.phase {
	case Open:
		if r.drainUntil == 0 {
			r.drainUntil = r.now + paxos.Instant(drainLimit)
		}
	case Opening:
		r.phase = Following
		r.paxos.Release(r.now, anyone)
	}
}

// gateFailed follows a server that has closed its gate by itself: the epoch is over.
func (r *Replicator) gateFailed() {
	if r.phase == Open {
		r.close()
	}
}

// drained reports whether a leader that steps down has nothing left to wait for, or has waited long enough. It does not wait for sets
// of which only chunks have come: their last parts will be refused.
func (r *Replicator) drained() bool {
	if r.drainUntil == 0 {
		return false
	}
	return r.now >= r.drainUntil || r.proposals.sets == 0 && len(r.pending.sets) == 0
}

func (r *Replicator) serverStarted(start uint64, position changeset.Position) {
	if r.server == serverUp {
		r.serverLost()
	}
	r.start = start
	r.server = serverUp
	r.flushedTo = position // recovery ends with a checkpoint
	r.purge.over = overhang{}
	r.cursor.diverged = ""
	if uint64(position) < uint64(r.order.floorPosition()) {
		r.cursor.active = false
		r.server = serverDown
		r.out.Backup = true
		return
	}
	r.paxos.SetComplete()
	r.resetCursor(position)
	r.headway, r.moved = headway{position, r.cursor.done()}, r.now
}

// serverLost gives up leadership: with no process of the server left the gate is closed, whatever the flag says.
func (r *Replicator) serverLost() {
	if out := r.cursor.out; out != nil && out.Position != out.Predecessor {
		r.noteFailure("it ended when it was to apply what follows "+out.Predecessor.String(), "") // until it has
	}
	if r.server == serverUp {
		r.server = serverDown
	}
	r.giveUp()
	r.cursor.active = false
	r.cursor.out = nil
	r.cursor.mark = nil
	r.out.Apply, r.out.Mark, r.out.OpenGate, r.out.CloseGate, r.out.Diverged = nil, nil, 0, false, ""
	r.phase = Following
	r.handOver()
}

// offersBeforeBackup is how many floors above the server are offered before it is given up: Paxos asks one peer after the other.
const offersBeforeBackup = 10

// floorOffered answers a peer that has purged what we miss: if our server already holds everything below its floor, the
// journal continues from there; otherwise the server needs a base backup. The journal then drops what it has below the floor, as in a purge,
// so the server must have flushed it: what is only applied would be nowhere on this machine after a power failure, and this node may be one of
// the few that accepted it.
func (r *Replicator) floorOffered(offer paxos.FloorOffer) {
	if offer.Floor.Index <= r.order.Head() || r.server != serverUp || r.phase != Following || r.cursor.out != nil {
		return // the offer comes again
	}
	if uint64(r.cursor.position) < offer.Floor.Position {
		if r.offers++; r.offers < offersBeforeBackup {
			return // another peer may still have the entries
		}
		r.offers = 0
		r.server = serverDown
		r.cursor.active = false
		r.out.Backup = true
		return
	}
	if uint64(r.flushedTo) < offer.Floor.Position {
		return // the server is asked from time to time, and the offer comes again
	}
	r.paxos.InstallFloor(r.now, offer.Floor)
	r.offers = 0
	r.order = NewOrder(offer.Floor)
	r.recent.clear()
	r.resetCursor(r.cursor.position)
}

func (o *Order) floorPosition() changeset.Position { return o.checkpoints[0].last }
