package replicator

import (
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// proposals remembers who waits for which entry of our epoch.
type proposals struct {
	byIndex    map[paxos.Index][]waiter
	sets       int                  // change-set entries on their way
	long       paxos.Index          // the last that was proposed of those that take long to apply
	chunks     map[changeset.ID]int // chunks on their way, of each set
	chunkBytes int                  // in them
}

func (p *proposals) init() {
	p.byIndex = make(map[paxos.Index][]waiter)
	p.chunks = make(map[changeset.ID]int)
}

func (p *proposals) add(at paxos.Index, sets []submission) {
	waiters := make([]waiter, len(sets))
	for k := range sets {
		waiters[k] = sets[k].waiter
		if sets[k].set.Flags&aloneFlags != 0 {
			p.long = at
		}
	}
	p.byIndex[at] = waiters
	p.sets++
}

func (p *proposals) chunkChosen(c changeset.Chunk) {
	p.chunkBytes -= len(c.Data)
	if p.chunks[c.ID]--; p.chunks[c.ID] == 0 {
		delete(p.chunks, c.ID)
	}
}

// answerQueue holds back answers while a mark takes its snapshot: the turn passes it only when the mark is done.
type answerQueue struct {
	mark *Mark
	held []held
}

// held is an answer, or a mark, that waits behind a mark.
type held struct {
	answer Answer
	mark   *Mark // nil: an answer
}

func (q *answerQueue) push(r *Replicator, a Answer) {
	if q.mark != nil && a.Verdict == Chosen {
		q.held = append(q.held, held{answer: a})
		return
	}
	r.out.Answers = append(r.out.Answers, a)
}

// pushMark takes a mark's turn, or queues it.
func (q *answerQueue) pushMark(r *Replicator, m *Mark) {
	if q.mark != nil {
		q.held = append(q.held, held{mark: m})
		return
	}
	q.mark = m
	r.out.Mark = m
}

// pass ends the mark's turn and lets go of what waited, up to the next mark.
func (q *answerQueue) pass(r *Replicator) {
	r.marked = max(r.marked, q.mark.Index)
	q.mark = nil
	for len(q.held) > 0 && q.mark == nil {
		next := q.held[0]
		q.held = q.held[1:]
		if next.mark != nil {
			q.pushMark(r, next.mark)
		} else {
			r.out.Answers = append(r.out.Answers, next.answer)
		}
	}
}

// giveUp drops the marks; what waited behind them is unknown to its backends.
func (q *answerQueue) giveUp(r *Replicator) {
	for _, h := range q.held {
		if h.mark != nil {
			r.marked = max(r.marked, h.mark.Index)
			continue
		}
		h.answer.Verdict = Unknown
		r.out.Answers = append(r.out.Answers, h.answer)
	}
	if q.mark != nil {
		r.marked = max(r.marked, q.mark.Index)
	}
	*q = answerQueue{}
}

// answer tells the backends what became of their change sets, when the entry at their index is chosen in our open epoch.
func (r *Replicator) answer(p *Placed) {
	waiters, ours := r.proposals.byIndex[p.Index]
	if ours {
		delete(r.proposals.byIndex, p.Index)
		r.proposals.sets--
	}
	switch p.Kind {
	case paxos.KindChangeSets:
		mine := p.Epoch == r.epoch && !p.Void
		for k, w := range waiters {
			a := Answer{Backend: w.backend, Request: w.request, Verdict: Unknown}
			if mine {
				a.Verdict, a.Position, a.Predecessor, a.Committed = Chosen, p.Position(k), p.PredecessorOf(k), p.Sets[k].Committed
			}
			r.answers.push(r, a)
		}
	case paxos.KindChunk:
		if p.Epoch == r.epoch {
			r.proposals.chunkChosen(p.Chunk)
		}
	case paxos.KindSequence:
		r.sequencesChosen(p.Index)
	case paxos.KindIDLimit:
		if p.Epoch == r.epoch && !p.Void {
			r.out.IDLimit = p.IDLimit
		}
	case paxos.KindMark:
		r.answers.pushMark(r, &Mark{ID: p.Mark, Index: p.Index, Position: p.Predecessor})
	}
}

func (r *Replicator) markDone(id changeset.MarkID) {
	if m := r.cursor.mark; m != nil && m.ID == id {
		r.cursor.mark = nil
		r.marked = max(r.marked, m.Index)
	}
	if m := r.answers.mark; m != nil && m.ID == id {
		r.answers.pass(r)
	}
}

// giveUp tells everyone who still waits: refused what was never proposed, unknown what was.
func (r *Replicator) giveUp() {
	r.answers.giveUp(r)
	for _, s := range r.pending.sets {
		r.refuse(s.waiter)
	}
	for _, w := range r.pending.asks {
		r.refuse(w)
	}
	r.pending = pending{}
	for _, at := range sortedIndexes(r.proposals.byIndex) {
		for _, w := range r.proposals.byIndex[at] {
			r.out.Answers = append(r.out.Answers, Answer{Backend: w.backend, Request: w.request, Verdict: Unknown})
		}
	}
	r.proposals = proposals{}
	r.proposals.init()
	for _, at := range sortedIndexes(r.sequences.waiting) {
		for _, w := range r.sequences.waiting[at] {
			r.out.Answers = append(r.out.Answers, Answer{Backend: w.backend, Request: w.request, Verdict: Unknown})
		}
	}
	r.sequences.reset()
}

func sortedIndexes(m map[paxos.Index][]waiter) []paxos.Index {
	keys := make([]paxos.Index, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
