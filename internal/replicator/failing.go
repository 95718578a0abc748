package replicator

import (
	"fmt"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Failing says that a server cannot apply what is chosen: its disk is full, a page of it is damaged, or the entry cannot be applied by any
// server. Elected, its node could not open its gate; so it does not campaign, and says why. It goes on trying, and voting. Where that
// befalls all nodes nobody leads, and nobody campaigns in vain.
type Failing struct {
	Reason   string             // what the last attempt failed with; empty: nothing is wrong, as far as is known
	Code     string             // the SQLSTATE of it, if it has one
	Times    int                // attempts that failed in a row
	Since    paxos.Instant      // when the first of them did
	Position changeset.Position // which the server does not get beyond

	best headway // it is over when the server comes further
}

// failsBriefly is for how long attempts may fail before it is more than what happens to any session: a connection that is lost, for example.
const failsBriefly = paxos.Span(500e6)

// failsOn reports whether the server has failed to apply for longer than that.
func (r *Replicator) failsOn() bool {
	return r.failing.Times > 1 && r.now.Since(r.failing.Since) >= failsBriefly
}

// headway is how far the server has ever come since it was found. An attempt that fails takes the cursor back, and what goes well before
// it fails again, the sequences for example, is no progress.
type headway struct {
	position changeset.Position
	done     paxos.Index
}

// beyond reports whether it is further than another.
func (h headway) beyond(other headway) bool {
	return h.position > other.position || h.done > other.done
}

// join returns the furthest of two.
func (h headway) join(other headway) headway {
	return headway{max(h.position, other.position), max(h.done, other.done)}
}

// noteHeadway looks how far the server has come.
func (r *Replicator) noteHeadway() {
	now := headway{r.cursor.position, r.cursor.done()}
	if planted("a refresh is progress") && now != r.headway {
		r.headway, r.moved = now, r.now
	}
	if now.beyond(r.headway) {
		r.headway, r.moved = r.headway.join(now), r.now
	}
	if r.behind() == 0 || r.cursor.mark != nil {
		r.moved = r.now
	}
	if now.beyond(r.failing.best) || r.cursor.active && r.cursor.idle() && now.done == r.order.Head() {
		r.failing = Failing{}
	}
}

// behind is how many entries the server lacks.
func (r *Replicator) behind() uint64 {
	return uint64(r.order.Head()) - min(uint64(r.order.Head()), uint64(r.cursor.done()))
}

// noteFailure notes that the server did not take what follows its position.
func (r *Replicator) noteFailure(reason, code string) {
	f := &r.failing
	if f.Times == 0 {
		f.Since = r.now
	}
	f.Times++
	f.Reason, f.Code = reason, code
	f.best = f.best.join(r.headway)
	f.Position = f.best.position
}

// stallLimit is for how long a server that has something to apply may apply nothing before its node no longer campaigns: it hangs, for
// example, or one long statement is under way. Elected, it could not open its gate.
const stallLimit = paxos.Span(10e9)

// unable says why this node's server could not serve soon; empty when it could. Its node then does not campaign, but goes on voting.
func (r *Replicator) unable() string {
	switch behind := r.behind(); {
	case r.server == serverDiverged:
		return "its server is stopped: it holds something else than the order"
	case r.server != serverUp:
		return "its server does not run"
	case r.failsOn() && !planted("a node that cannot apply campaigns"):
		return "its server cannot apply: " + r.failing.Reason
	case r.full != "":
		return "it takes no part in agreement: " + r.full
	case r.yields():
		return "there is little room: " + r.little
	case r.phase == Closing:
		return "its gate is being closed"
	case r.now < r.notBefore:
		return "a moment ago it led and could not open its gate"
	case behind > uint64(r.cfg.ElectableLag):
		return fmt.Sprintf("its server lacks %d entries", behind)
	case r.phase == Following && r.now.Since(r.moved) >= stallLimit:
		return fmt.Sprintf("its server has applied nothing for %d s", r.now.Since(r.moved)/1e9)
	}
	return ""
}

// unfit says why this node would not lead at once if it was asked to; empty when it would.
func (r *Replicator) unfit() string {
	switch why := r.unable(); {
	case why != "":
		return why
	case r.paxos.Quiet():
		return "it was started a moment ago, and may not vote yet"
	case !r.paxos.Votes():
		return "it does not know yet that it has a vote"
	case r.retired != "" || r.different.odd != "" || r.paxos.Disowned() != nil:
		return "it takes part in agreement no more"
	case r.paxos.Returning():
		return "it was started, and its peers have not welcomed it yet"
	}
	return ""
}
