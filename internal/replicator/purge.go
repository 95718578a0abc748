package replicator

import "github.com/baristadb/barista/internal/paxos"

// purge puts the journal's floor up.
type purge struct {
	floor paxos.Index // the last floor asked for
	over  overhang
}

// overhang is a journal that is above its limit because of the own server.
type overhang struct {
	since    paxos.Instant // when that server had last become less late; 0 = it is not so
	behind   uint64        // by how many entries it was late then
	outgrown bool          // for too long
}

// overhangLimit is for how long the own server may keep the journal above its limit without becoming less late.
const overhangLimit = paxos.Span(30e9)

// flushed finds the highest floor that is allowed. Never above what the own server has flushed: its commits are asynchronous, and
// only the log can apply them again. Below that, it waits for the slowest member, unless the journal outgrows the retention limit: then the
// late member gets a base backup. The largest chunked set does not count: it cannot be dropped in part, so without that allowance a member
// that is some seconds behind would lose its way at the end of every set that is larger than the limit. Nor does it wait while the
// order keeps more of sequences than memory is meant for.
//
// So a server that does not get on would let the journal grow without end. A floor above it is no way out: what lies between would then be
// nowhere on this node, and where a majority of nodes did so, nowhere at all, although each had acknowledged it. That is Status.Outgrown
// instead: the server's data are fetched anew, as far as there is somebody to fetch them from, and then the floor moves.
func (r *Replicator) flushed(e Flushed) {
	if e.Start != r.start || r.server != serverUp { // what is gone holds nothing
		return
	}
	r.flushedTo = max(r.flushedTo, e.Position)
	limit := paxos.Index(e.Position.Index())
	if limit > 0 {
		limit-- // the entry at a position may hold change sets after it
	}
	if e.Pinned > 0 {
		limit = min(limit, e.Pinned-1)
	}
	within := e.JournalBytes < r.cfg.Retention+r.order.largestSet()
	if within && !r.order.sequences.long() {
		limit = min(limit, r.paxos.AllDurable())
	}
	r.noteOverhang(!within && e.Pinned == 0 && limit < r.paxos.DurableTo())
	limit = min(limit, r.paxos.DurableTo())
	if r.cursor.active && r.cursor.next > 0 {
		limit = min(limit, r.cursor.next-1)
	}
	if planted("purge of what no server has flushed") {
		limit = r.paxos.DurableTo()
	}
	floor, ok := r.order.FloorBelow(limit)
	if !ok || floor.Index <= r.purge.floor {
		return
	}
	r.purge.floor = floor.Index
	r.order.Trim(floor)
	r.out.Purge = &floor
}

// noteOverhang notes whether the own server keeps the journal above its limit. One that catches up is left alone.
func (r *Replicator) noteOverhang(is bool) {
	h := &r.purge.over
	switch behind := r.behind(); {
	case !is || r.phase != Following || behind == 0:
		*h = overhang{}
	case h.since == 0 || behind < h.behind:
		*h = overhang{since: r.now, behind: behind}
	case r.now.Since(h.since) >= overhangLimit:
		h.outgrown = true
	}
}
