package replicator

import (
	"encoding/binary"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// pending is what backends have submitted and nobody has proposed. Nothing in it was ever in a Work: it may be refused.
type pending struct {
	sets   []submission
	chunks []changeset.Chunk
	marks  []changeset.MarkID
	states []changeset.SequenceState // to be proposed before the next change sets
	asks   []waiter                  // requests for nothing but sequence states, which wait on the next sequence entry
	begun  map[waiter]*begunSet      // chunked sets that are still being written

	setBytes   int // of payloads in sets
	chunkBytes int // in chunks
}

type submission struct {
	waiter
	arrived int64 // as Submitted says
	set     changeset.ChangeSet
}

type waiter struct {
	backend BackendID
	request uint64
}

// begunSet is a set of which chunks have come, and not yet its last part.
type begunSet struct {
	id     changeset.ID
	chunks uint32
	inline inlineScan
}

// Busy says that so much waits to be proposed that the driver should not bring more from backends.
func (r *Replicator) Busy() bool {
	return r.full != "" || len(r.pending.sets) >= r.cfg.MaxPending || r.pending.setBytes >= 4*r.cfg.MaxBatchBytes
}

// BusyWithChunks says the same of chunks, which must not keep what is small waiting.
func (r *Replicator) BusyWithChunks() bool {
	return r.full != "" || r.pending.chunkBytes >= r.cfg.MaxChunkBytes
}

// errors of a refusal
const (
	sqlStateRetry = "40001"
	textNotLeader = "this node stopped leading before the transaction was proposed"
)

func (r *Replicator) refuse(w waiter) {
	r.answers.push(r, Answer{Backend: w.backend, Request: w.request, Verdict: Refused, SQLState: sqlStateRetry, Message: textNotLeader})
}

// refuseMalformed refuses what no node could read: a chosen entry that cannot be read stops every node, so it must never be proposed.
func (r *Replicator) refuseMalformed(w waiter, why string) {
	r.answers.push(r, Answer{
		Backend: w.backend, Request: w.request, Verdict: Refused, SQLState: "XX000",
		Message: "the change set of this transaction is malformed: " + why,
	})
}

// submit takes a change set, or sequence states alone. The epoch that the backend saw open before its first write must be ours: what was
// computed on the state of another epoch is not proposed.
func (r *Replicator) submit(e Submitted) {
	w := waiter{e.Backend, e.Request}
	if r.phase != Open || r.drainUntil != 0 || e.Epoch != r.epoch {
		r.pending.discard(e.Backend, e.Request)
		r.refuse(w)
		return
	}
	wait := r.sequences.note(e.Sequences, &r.pending)
	if e.Set == nil {
		r.waitForSequences(w, wait)
		return
	}
	set := *e.Set
	var before inlineScan
	if set.Flags&changeset.Last != 0 {
		begun := r.pending.begun[w]
		if begun == nil || begun.chunks != set.Chunks {
			r.pending.discard(e.Backend, e.Request)
			r.refuseMalformed(w, "its chunks are not complete")
			return
		}
		set.ID, before = begun.id, begun.inline
		delete(r.pending.begun, w)
	}
	if err := r.sequences.noteInline(&set, before); err != nil { // what Order will have to read
		if set.Flags&changeset.Last != 0 {
			r.pending.takeBack(set.ID)
		}
		r.refuseMalformed(w, err.Error())
		return
	}
	r.pending.sets = append(r.pending.sets, submission{w, e.Arrived, set})
	r.pending.setBytes += len(set.Payload)
}

func (r *Replicator) submitChunk(e ChunkSubmitted) {
	if r.phase != Open {
		return // its last part will be refused
	}
	p := &r.pending
	key := waiter{e.Backend, e.Request}
	begun := p.begun[key]
	if begun == nil {
		if e.Ordinal != 0 {
			return
		}
		begun = &begunSet{id: r.chunkedID(key)}
		if p.begun == nil {
			p.begun = make(map[waiter]*begunSet)
		}
		p.begun[key] = begun
	}
	if e.Ordinal != begun.chunks {
		return // the count will not fit, and the last part will be refused
	}
	begun.chunks++
	begun.inline.read(e.Data)
	p.chunks = append(p.chunks, changeset.Chunk{ID: begun.id, Ordinal: e.Ordinal, Data: e.Data})
	p.chunkBytes += len(e.Data)
}

// chunkedID names a set before its last part has come. An epoch is never used twice, nor a request of a backend within it.
func (r *Replicator) chunkedID(key waiter) (id changeset.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(r.epoch))
	binary.BigEndian.PutUint32(id[8:12], uint32(key.backend))
	binary.BigEndian.PutUint32(id[12:], uint32(key.request))
	return id
}

// discard takes back the chunks of a transaction that rolled back; those that were proposed are taken back by an entry.
func (p *pending) discard(b BackendID, request uint64) {
	key := waiter{b, request}
	begun := p.begun[key]
	if begun == nil {
		return
	}
	delete(p.begun, key)
	p.takeBack(begun.id)
}

func (p *pending) takeBack(id changeset.ID) {
	p.chunks = append(p.chunks, changeset.Chunk{ID: id, Ordinal: discardChunk})
}

func (p *pending) gone(b BackendID) {
	for key := range p.begun {
		if key.backend == b {
			p.discard(b, key.request)
		}
	}
}

// propose turns what is pending into entries. It never waits to fill a batch: while entries are on their way, the next batch
// gathers by itself.
func (r *Replicator) propose() {
	if r.phase == Opening && !r.proposed {
		_, r.proposed = r.paxos.Propose(r.now, paxos.Value{Kind: paxos.KindEpochOpen, Epoch: r.epoch})
		return
	}
	if r.phase != Open || r.admission.holds() {
		return
	}
	for r.proposals.sets < r.cfg.MaxPipeline && r.proposeBatch() {
	}
	for r.proposals.chunkBytes < r.cfg.MaxChunkBytes && r.proposeChunk() {
	}
}

// proposeBatch proposes the id limit, sequence states, change sets and marks that are pending, as many as one batch may hold.
func (r *Replicator) proposeBatch() bool {
	p := &r.pending
	var values []paxos.Value
	if r.ids.pending() {
		values = append(values, r.value(paxos.KindIDLimit, changeset.AppendIDLimit(nil, r.ids.wanted)))
	}
	if len(p.states) > 0 {
		values = append(values, r.value(paxos.KindSequence, changeset.AppendSequences(nil, p.states)))
	}
	taken, rest, bytes := r.takeSets()
	r.stamp(taken)
	if len(taken) > 0 {
		sets := make([]changeset.ChangeSet, len(taken))
		for k := range sets {
			sets[k] = taken[k].set
		}
		values = append(values, r.value(paxos.KindChangeSets, changeset.AppendChangeSets(nil, sets)))
	}
	for _, id := range p.marks {
		values = append(values, r.value(paxos.KindMark, changeset.AppendMark(nil, id)))
	}
	if len(values) == 0 {
		return false
	}
	first, ok := r.paxos.Propose(r.now, values...)
	if !ok {
		return false
	}
	at := first
	if r.ids.pending() {
		r.ids.proposed = r.ids.wanted
		at++
	}
	if len(p.states) > 0 {
		r.sequences.proposedAt(at, p)
		at++
	}
	if len(taken) > 0 {
		r.proposals.add(at, taken)
		p.sets = rest
		p.setBytes -= bytes
	}
	p.marks = nil
	return true
}

// takeSets returns the pending change sets that go into the next entry, with the bytes of their payloads, and those that stay.
func (r *Replicator) takeSets() (taken, rest []submission, bytes int) {
	for k, s := range r.pending.sets {
		if len(taken) == r.cfg.MaxBatchSets || bytes >= r.cfg.MaxBatchBytes {
			return taken, append(rest, r.pending.sets[k:]...), bytes
		}
		if r.awaitsChunks(&s.set) {
			rest = append(rest, s)
			continue
		}
		taken = append(taken, s)
		bytes += len(s.set.Payload)
	}
	return taken, rest, bytes
}

// awaitsChunks reports whether a set is the last part of one that has chunks which are not yet chosen. If this node fails, any of those may be
// lost; a last part that survives it would be without them.
func (r *Replicator) awaitsChunks(set *changeset.ChangeSet) bool {
	if set.Flags&changeset.Last == 0 {
		return false
	}
	if r.proposals.chunks[set.ID] > 0 {
		return true
	}
	for _, c := range r.pending.chunks {
		if c.ID == set.ID {
			return true
		}
	}
	return false
}

func (r *Replicator) proposeChunk() bool {
	p := &r.pending
	if len(p.chunks) == 0 {
		return false
	}
	chunk := p.chunks[0]
	if _, ok := r.paxos.Propose(r.now, r.value(paxos.KindChunk, changeset.AppendChunk(nil, chunk))); !ok {
		return false
	}
	p.chunks[0] = changeset.Chunk{} // the rest of the slice may live long
	p.chunks = p.chunks[1:]
	p.chunkBytes -= len(chunk.Data)
	r.proposals.chunkBytes += len(chunk.Data)
	r.proposals.chunks[chunk.ID]++
	return true
}

func (r *Replicator) value(kind paxos.Kind, body []byte) paxos.Value {
	return paxos.Value{Kind: kind, Epoch: r.epoch, Body: body}
}
