package replicator

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// sequenceStates holds the agreed state of each sequence at one place in the order, by the names that hold there.
type sequenceStates map[sequenceKey]changeset.SequenceState

// sequenceKey names a sequence.
type sequenceKey struct{ database, schema, name string }

func keyOf(s changeset.SequenceState) sequenceKey {
	return sequenceKey{s.Database, s.Schema, s.Name}
}

// sorted returns the states in order of their names.
func (m sequenceStates) sorted() []changeset.SequenceState {
	return slices.SortedFunc(maps.Values(m), func(a, b changeset.SequenceState) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
}

// A sequenceChange changes sequence states, or the names that they go by, at its place in the order.
type sequenceChange struct {
	at       changeset.Position
	database string // in which it happened
	message  changeset.Message
}

// apply makes the change. A message of another kind changes nothing.
func (m sequenceStates) apply(c sequenceChange) {
	switch message := c.message.(type) {
	case changeset.Sequence:
		key := sequenceKey{c.database, message.Schema, message.Name}
		m[key] = changeset.SequenceState{
			Database: key.database, Schema: key.schema, Name: key.name, Horizon: message.Horizon, Called: message.Called,
		}
	case changeset.DroppedSequence:
		delete(m, sequenceKey{c.database, message.Schema, message.Name})
	case changeset.DroppedDatabase:
		m.take(message.Name)
	case changeset.RenamedDatabase:
		for _, state := range m.take(message.From) {
			state.Database = message.To
			m[keyOf(state)] = state
		}
	}
}

// take takes the states of a database's sequences out, and returns them.
func (m sequenceStates) take(database string) (taken []changeset.SequenceState) {
	maps.DeleteFunc(m, func(key sequenceKey, state changeset.SequenceState) bool {
		if key.database == database {
			taken = append(taken, state)
		}
		return key.database == database
	})
	return taken
}

// sequenceHistory tells the states of sequences at any place of the order from the floor on. A server is overwritten with those that hold where
// it stands, and a floor carries those that hold there: with newer ones, the changes of names between the two would be made twice, and the
// state of one sequence would become another's.
type sequenceHistory struct {
	floor   sequenceStates
	head    sequenceStates
	changes []sequenceChange // since the floor, in order
}

func newSequenceHistory(floor paxos.Floor) sequenceHistory {
	h := sequenceHistory{floor: make(sequenceStates, len(floor.Sequences))}
	for _, s := range floor.Sequences {
		state := changeset.SequenceState(s)
		state.LSN = 0 // of a server long ago
		h.floor[keyOf(state)] = state
	}
	h.head = maps.Clone(h.floor)
	return h
}

// change makes a change at the head.
func (h *sequenceHistory) change(at changeset.Position, database string, message changeset.Message) {
	switch m := message.(type) {
	case changeset.Sequence:
		// The same strings again: most changes are new states of what is known.
		if known, ok := h.head[sequenceKey{database, m.Schema, m.Name}]; ok {
			database, m.Schema, m.Name = known.Database, known.Schema, known.Name
			message = m
		}
	case changeset.DroppedSequence:
		if _, known := h.head[sequenceKey{database, m.Schema, m.Name}]; !known {
			return
		}
	}
	c := sequenceChange{at, database, message}
	h.head.apply(c)
	h.changes = append(h.changes, c)
}

// at returns the states where everything up to p is applied, and nothing after it. p is not below the floor.
func (h *sequenceHistory) at(p changeset.Position) sequenceStates {
	states := maps.Clone(h.floor)
	for _, c := range h.changes[:h.countTo(p)] {
		states.apply(c)
	}
	return states
}

// trim forgets what lies at or below a new floor.
func (h *sequenceHistory) trim(floor paxos.Index) {
	end := endOf(floor)
	h.floor = h.at(end)
	h.changes = slices.Clone(h.changes[h.countTo(end):])
}

// countTo is how many of the changes lie at or below a position.
func (h *sequenceHistory) countTo(p changeset.Position) int {
	return sort.Search(len(h.changes), func(k int) bool { return h.changes[k].at > p })
}

// maxSequenceChanges is how many changes of sequences the order keeps for members that are behind: more of them than fit into the retention
// limit of the journal, unless somebody sets sequences all the time.
const maxSequenceChanges = 1 << 18

func (h *sequenceHistory) long() bool { return len(h.changes) > maxSequenceChanges }

// endOf is behind everything at an index.
func endOf(i paxos.Index) changeset.Position { return changeset.At(uint64(i)+1, 0) - 1 }
