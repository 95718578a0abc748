package replicator

import (
	"maps"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// sequenceBook keeps, for the open epoch, the newest state of each sequence that was proposed. Within one server and epoch states are
// versioned by the page LSN; LSNs of two servers are not comparable, so it begins empty with every epoch.
type sequenceBook struct {
	newest  map[sequenceKey]bookedState
	agreed  paxos.Index // sequence entries up to here are chosen
	waiting map[paxos.Index][]waiter
}

type bookedState struct {
	lsn uint64
	at  paxos.Index // 0: pending, not proposed yet
}

func (b *sequenceBook) reset() {
	*b = sequenceBook{newest: make(map[sequenceKey]bookedState), waiting: make(map[paxos.Index][]waiter)}
}

// inPending is the pseudo index of the sequence entry that is still pending.
const inPending = ^paxos.Index(0)

// note takes states that are newer than those known into the pending ones, and returns the index on which all given are agreed:
// 0 = they are, inPending = the next sequence entry.
func (b *sequenceBook) note(states []changeset.SequenceState, p *pending) paxos.Index {
	var wait paxos.Index
	for _, s := range states {
		key := keyOf(s)
		known, ok := b.newest[key]
		if !ok || s.LSN > known.lsn {
			p.replaceState(s)
			b.newest[key] = bookedState{lsn: s.LSN}
			wait = inPending
			continue
		}
		if known.at == 0 {
			wait = inPending
		} else if known.at > b.agreed {
			wait = max(wait, known.at)
		}
	}
	return wait
}

// noteInline forgets the names of sequences that a set gives away or takes back: another one may go by the name afterwards, and what was newer of its
// namesake would pass for newer of it. Nobody uses a sequence between the moment in which its name is changed, or its state is read for the set, and
// the end of that transaction: until then its locks keep the others away, and what they have handed over before is proposed before it.
func (b *sequenceBook) noteInline(set *changeset.ChangeSet, before inlineScan) error {
	return eachInline(set, before, func(message changeset.Message) {
		switch m := message.(type) {
		case changeset.Sequence:
			delete(b.newest, sequenceKey{set.Database, m.Schema, m.Name})
		case changeset.DroppedSequence:
			delete(b.newest, sequenceKey{set.Database, m.Schema, m.Name})
		case changeset.DroppedDatabase:
			b.forget(m.Name)
		case changeset.RenamedDatabase:
			b.forget(m.From)
			b.forget(m.To)
		}
	})
}

func (b *sequenceBook) forget(database string) {
	maps.DeleteFunc(b.newest, func(key sequenceKey, _ bookedState) bool { return key.database == database })
}

func (p *pending) replaceState(s changeset.SequenceState) {
	for k := range p.states {
		if keyOf(p.states[k]) == keyOf(s) {
			p.states[k] = s
			return
		}
	}
	p.states = append(p.states, s)
}

// proposedAt says that the pending states are on their way at an index.
func (b *sequenceBook) proposedAt(at paxos.Index, p *pending) {
	for _, s := range p.states {
		state := b.newest[keyOf(s)]
		state.at = at
		b.newest[keyOf(s)] = state
	}
	p.states = nil
	if len(p.asks) > 0 {
		b.waiting[at] = append(b.waiting[at], p.asks...)
		p.asks = nil
	}
}

// waitForSequences answers a request for sequence states alone when they are agreed.
func (r *Replicator) waitForSequences(w waiter, at paxos.Index) {
	switch at {
	case 0:
		r.answers.push(r, Answer{Backend: w.backend, Request: w.request, Verdict: Agreed})
	case inPending:
		r.pending.asks = append(r.pending.asks, w)
	default:
		r.sequences.waiting[at] = append(r.sequences.waiting[at], w)
	}
}

// sequencesChosen answers those who waited for the sequence entry at an index.
func (r *Replicator) sequencesChosen(at paxos.Index) {
	r.sequences.agreed = max(r.sequences.agreed, at)
	for _, w := range r.sequences.waiting[at] {
		r.answers.push(r, Answer{Backend: w.backend, Request: w.request, Verdict: Agreed})
	}
	delete(r.sequences.waiting, at)
}
