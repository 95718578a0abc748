package journal

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/baristadb/barista/internal/paxos"
)

// state is what a sequence of records amounts to. It is the same for the journal on disk and its twin in memory.
//
// Invariant: floor.Index <= chosenTo, and places holds every index between.
type state struct {
	identity paxos.IdentityRecord
	floor    paxos.Floor
	floorAt  uint64 // number of the newest floor record
	promised paxos.Ballot
	chosenTo paxos.Index
	places   places
	life     paxos.Life
	seen     map[paxos.NodeID]paxos.Sighting

	// undecided are the entries above chosenTo: as many as are in flight. nil while a journal is read through at its opening.
	undecided map[paxos.Index]paxos.Entry
}

// newState is that of a journal that was just made.
func newState(identity paxos.IdentityRecord, floor paxos.Floor) state {
	return state{identity: identity, floor: floor, chosenTo: floor.Index, undecided: make(map[paxos.Index]paxos.Entry)}
}

// check refuses a batch that would break an invariant; nothing of it is written then. Records take effect in their order.
func (s *state) check(records []paxos.Record) error {
	var own runs // indexes that this batch itself brings
	chosenTo, floor := s.chosenTo, s.floor.Index
	for _, r := range records {
		switch r := r.(type) {
		case paxos.AcceptRecord:
			if err := s.inReach(r.Entry.Index); err != nil {
				return err
			}
			own.add(r.Entry.Index)
		case paxos.ChosenRecord:
			for i := max(chosenTo, floor) + 1; i <= r.To; i++ {
				if s.places.get(i) == 0 && !own.has(i) {
					return fmt.Errorf("index %d cannot be chosen up to %d: this journal holds no entry for it", i, r.To)
				}
			}
			chosenTo = max(chosenTo, r.To)
		case paxos.FloorRecord:
			if r.Floor.Index < floor {
				return fmt.Errorf("the floor cannot move back from %d to %d", floor, r.Floor.Index)
			}
			floor = r.Floor.Index
		case paxos.IdentityRecord:
			if r.Cluster != s.identity.Cluster || r.Name != s.identity.Name {
				return fmt.Errorf("the journal of %q of cluster %x cannot become that of %q of %x", s.identity.Name, s.identity.Cluster, r.Name, r.Cluster)
			}
		}
	}
	return nil
}

// maxGap is how far an entry may lie beyond all that is known. More cannot be in flight: it is a mistake, and must not allocate.
const maxGap = 1 << 20

// inReach refuses an index that is out of all relation to the rest.
func (s *state) inReach(i paxos.Index) error {
	if known := max(s.places.end(), s.chosenTo, s.floor.Index); i > known+maxGap {
		return fmt.Errorf("an entry at index %d, and nothing is known beyond %d", i, known)
	}
	return nil
}

// apply takes one record into account. An entry at or below the floor is not kept.
func (s *state) apply(number uint64, record paxos.Record) {
	s.life.Take(record)
	switch r := record.(type) {
	case paxos.PromiseRecord:
		s.promised = max(s.promised, r.Ballot)
	case paxos.AcceptRecord:
		if r.Entry.Index > s.floor.Index {
			s.places.put(r.Entry.Index, number)
		}
		if r.Entry.Index > s.chosenTo && s.undecided != nil {
			s.undecided[r.Entry.Index] = r.Entry
		}
	case paxos.ChosenRecord:
		s.choose(r.To)
	case paxos.FloorRecord:
		s.floor, s.floorAt = r.Floor, number
		s.choose(r.Floor.Index)
		s.places.drop(r.Floor.Index)
		maps.DeleteFunc(s.seen, func(id paxos.NodeID, _ paxos.Sighting) bool {
			_, member := r.Floor.Members.Find(id)
			return !member && id < r.Floor.Members.Next // its number is never given again
		})
	case paxos.IdentityRecord:
		s.identity = r
	case paxos.SightingRecord:
		if s.seen == nil {
			s.seen = make(map[paxos.NodeID]paxos.Sighting)
		}
		s.seen[r.Sighting.Node] = r.Sighting
	}
}

// sightings returns what was seen of each peer, in order.
func (s *state) sightings() []paxos.Sighting {
	return slices.SortedFunc(maps.Values(s.seen), func(a, b paxos.Sighting) int { return cmp.Compare(a.Node, b.Node) })
}

// choose notes that every index up to to is chosen.
func (s *state) choose(to paxos.Index) {
	if to <= s.chosenTo {
		return
	}
	if to-s.chosenTo <= paxos.Index(len(s.undecided)) { // the common case, and the cheaper way then
		for i := s.chosenTo + 1; i <= to; i++ {
			delete(s.undecided, i)
		}
	} else {
		maps.DeleteFunc(s.undecided, func(i paxos.Index, _ paxos.Entry) bool { return i <= to })
	}
	s.chosenTo = to
}

// accepted returns the undecided entries, in index order.
func (s *state) accepted() []paxos.Entry {
	entries := slices.Collect(maps.Values(s.undecided))
	slices.SortFunc(entries, func(a, b paxos.Entry) int { return cmp.Compare(a.Index, b.Index) })
	return entries
}

// checkpoint is everything but entries: the first records of each segment, so that the segments before it are needed for their
// entries alone.
func (s *state) checkpoint() []paxos.Record {
	records := []paxos.Record{
		s.identity, paxos.FloorRecord{Floor: s.floor}, paxos.PromiseRecord{Ballot: s.promised}, paxos.ChosenRecord{To: s.chosenTo},
	}
	for _, seen := range s.sightings() {
		records = append(records, paxos.SightingRecord{Sighting: seen})
	}
	return append(records, paxos.LifeRecord{Life: s.life}) // the last: the promise before it is no act
}

// complete says what a journal that was read to its end lacks.
func (s *state) complete() error {
	if s.identity.Name == "" {
		return errors.New("it holds no identity: it was never completely made")
	}
	if i, ok := s.places.hold(s.floor.Index+1, s.chosenTo); !ok {
		return fmt.Errorf("%w: every index up to %d is chosen, and there is no entry for %d", ErrDamaged, s.chosenTo, i)
	}
	return nil
}

// purgeable refuses a floor that Purge must not set.
func (s *state) purgeable(floor paxos.Floor) error {
	if floor.Index > s.chosenTo {
		return fmt.Errorf("purge up to %d: only up to %d is chosen", floor.Index, s.chosenTo)
	}
	return nil
}

// clip cuts the range of a read down to what is chosen. A range that begins at or below the floor is ErrPurged.
func (s *state) clip(from, to paxos.Index) (paxos.Index, error) {
	if from <= s.floor.Index {
		return 0, fmt.Errorf("entries from %d: %w: the floor is %d", from, ErrPurged, s.floor.Index)
	}
	return min(to, s.chosenTo), nil
}

// runs is a set of indexes that are mostly neighbours.
type runs []struct{ from, to paxos.Index }

func (r *runs) add(i paxos.Index) {
	if n := len(*r); n > 0 && (*r)[n-1].to+1 == i {
		(*r)[n-1].to = i
		return
	}
	*r = append(*r, struct{ from, to paxos.Index }{i, i})
}

func (r runs) has(i paxos.Index) bool {
	for _, run := range r {
		if run.from <= i && i <= run.to {
			return true
		}
	}
	return false
}

// onlyLazy reports whether a batch may wait in memory: it says nothing but what is chosen.
func onlyLazy(records []paxos.Record) bool {
	for _, r := range records {
		if _, lazy := r.(paxos.ChosenRecord); !lazy {
			return false
		}
	}
	return true
}

// entryOverhead is what an entry counts beside its body when bytes are limited.
const entryOverhead = 64
