package replicator

import (
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// proposals remembers who waits for which entry of our epoch.
type proposals struct {
	byIndex map[paxos.Index][]waiter
	sets    int // change-set entries on their way
}

func (p *proposals) init() { p.byIndex = make(map[paxos.Index][]waiter) }

func (p *proposals) add(at paxos.Index, sets []submission) {
	waiters := make([]waiter, len(sets))
	for k := range sets {
		waiters[k] = sets[k].waiter
	}
	p.byIndex[at] = waiters
	p.sets++
}

// answerQueue holds back answers while a mark takes its snapshot: the turn passes it only when the mark is done.
type answerQueue struct {
	mark *Mark
	held []Answer
}

func (q *answerQueue) push(r *Replicator, a Answer) {
	if q.mark != nil && a.Verdict == Chosen {
		q.held = append(q.held, a)
		return
	}
	r.out.Answers = append(r.out.Answers, a)
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
				a.Verdict, a.Position, a.Predecessor = Chosen, p.Position(k), p.PredecessorOf(k)
			}
			r.answers.push(r, a)
		}
	case paxos.KindSequence:
		r.sequencesChosen(p.Index)
	case paxos.KindMark:
		if r.answers.mark == nil {
			r.answers.mark = &Mark{ID: p.Mark, Index: p.Index, Position: p.Predecessor}
			r.out.Mark = r.answers.mark
		}
	}
}

func (r *Replicator) markDone(id changeset.MarkID) {
	if m := r.cursor.mark; m != nil && m.ID == id {
		r.cursor.mark = nil
	}
	if m := r.answers.mark; m != nil && m.ID == id {
		r.answers.mark = nil
		r.out.Answers = append(r.out.Answers, r.answers.held...)
		r.answers.held = nil
	}
}

// giveUp tells everyone who still waits: refused what was never proposed, unknown what was.
func (r *Replicator) giveUp() {
	r.answers.mark = nil
	for _, a := range r.answers.held {
		a.Verdict = Unknown
		r.out.Answers = append(r.out.Answers, a)
	}
	r.answers.held = nil
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
