package sim

import (
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A run is one start of a server: what its shared memory holds, and its backends.
type run struct {
	server  *server
	process *process
	life    *life
	start   uint64

	closed  bool // the gate's flag
	epoch   paxos.Ballot
	idLimit changeset.IDLimit // transaction ids below it may be given out

	lease paxos.Instant // the server checks it by the machine's clock, whatever barista does meanwhile

	backends []*backend // in order of their begin
	numbered uint64
	locks    map[int]*backend

	sequences map[opID]sequence // that were used or set, by database as in data
	lsn       uint64            // of the last page of a sequence that was written

	ending bool             // backends of a closed epoch are being ended; GateClosed follows
	marked *replicator.Mark // wanted, and not given up by barista since
}

func (r *run) world() *world               { return r.server.machine.world }
func (r *run) cluster() *cluster           { return r.process.cluster }
func (r *run) applied() changeset.Position { return r.server.data.applied() }

func (r *run) openGate(epoch paxos.Ballot) {
	if len(r.backends) > 0 {
		r.world().violated("gate", "%s opens its gate over %d backends of an earlier epoch", r.server.machine.name, len(r.backends))
	}
	r.epoch, r.closed = epoch, false
	r.server.data.damaged = false
	r.process.goesOn("opens its gate")
	r.world().note(r.server.machine.name, "gate opens", uint64(epoch))
	r.world().figures.Epochs++
}

// closeGate sets the flag at once; the backends end in their own time, and then GateClosed tells how far the server is.
func (r *run) closeGate() {
	r.closed, r.marked = true, nil
	r.world().note(r.server.machine.name, "gate closes")
	if r.ending {
		return
	}
	r.ending = true
	r.during(span(r.world().rand, 0, 20*millisecond), r.endBackends)
}

// drainLimit is how long backends that have their answer may go on before a drained gate closes.
const drainLimit = 500 * millisecond

// drainGate closes the gate when those who have their answer have committed.
func (r *run) drainGate() {
	r.marked = nil
	limit := r.world().now.add(drainLimit)
	var look func()
	look = func() {
		waiting := slices.ContainsFunc(r.backends, func(b *backend) bool { return b.stage >= proposed })
		if waiting && r.world().now < limit {
			r.during(millisecond, look)
			return
		}
		r.closeGate()
	}
	look()
}

// endBackends ends the sessions of a closed epoch: whoever has not reached the gate rolls back, whoever waits for an answer or for its turn
// gets that first, and whoever is committing commits.
func (r *run) endBackends() {
	for _, b := range slices.Clone(r.backends) {
		switch b.stage {
		case working:
			b.rollBack("the gate was closed")
		case waitingForTurn:
			b.unknown("the gate was closed before its turn")
		}
	}
	if len(r.backends) > 0 {
		r.during(2*millisecond, r.endBackends)
		return
	}
	r.ending = false
	r.process.post(replicator.GateClosed{Applied: r.applied()})
}

// failGate is the server that closes its gate by itself; barista's watcher notices a little later.
func (r *run) failGate() {
	if r.closed {
		return
	}
	r.closed = true
	r.world().note(r.server.machine.name, "server closes its gate")
	r.during(20*millisecond, func() { r.process.post(replicator.GateFailed{}) })
}

// during schedules what this start of the server does.
func (r *run) during(d paxos.Span, do func()) { r.world().during(r.life, d, do) }

// answer takes barista's answer to a backend.
func (r *run) answer(a replicator.Answer) {
	r.during(span(r.world().rand, 0, 200*microsecond), func() {
		for _, b := range r.backends {
			if b.id == a.Backend {
				b.answered(a)
				return
			}
		}
	})
}

// takeTurns lets the backend commit whose predecessor is applied, if nobody is committing already.
func (r *run) takeTurns() {
	for _, b := range r.backends {
		if b.stage == waitingForTurn && b.answer.Predecessor == r.applied() {
			b.commit()
			return
		}
	}
	r.takeMark()
}

// mark is reached when the backends before it have committed. What comes after it waits until the snapshot is taken.
func (r *run) mark(m *replicator.Mark) {
	r.marked = m
	r.during(span(r.world().rand, 0, millisecond), r.takeMark)
}

func (r *run) takeMark() {
	m := r.marked
	if m == nil || r.applied() < m.Position {
		return
	}
	if r.applied() > m.Position {
		r.world().violated("mark", "%s reaches a mark at %v and shows %v", r.server.machine.name, m.Position, r.applied())
	}
	r.during(span(r.world().rand, 0, 10*millisecond), func() {
		if r.marked != m {
			return
		}
		if r.applied() != m.Position {
			r.world().violated("mark", "%s passed the mark at %v while its snapshot was taken", r.server.machine.name, m.Position)
		}
		r.marked = nil
		r.world().figures.Marks++
		r.process.post(replicator.MarkDone{ID: m.ID})
	})
}
