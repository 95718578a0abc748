package journal

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
)

// Purge makes floor the floor and deletes the segments that are not needed any more. The floor's index must be chosen; one that
// is not above the present floor does nothing.
//
// If the process dies on the way:
//
//  1. Before the floor record is durable, nothing has happened.
//  2. After it, the entries up to the floor are gone for every reader, and old segments are still there. Open deletes them.
//  3. Segments go one by one, the oldest first, each durably before the next, so that what is left never has a hole. Nothing
//     in them is missed: the floor is in a later one, and every segment begins with identity, promise, and how far is chosen.
func (j *Journal) Purge(floor paxos.Floor) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.usable(); err != nil {
		return err
	}
	if floor.Index <= j.state.floor.Index {
		return nil
	}
	if err := j.state.purgeable(floor); err != nil {
		return err
	}
	if err := j.append([]paxos.Record{paxos.FloorRecord{Floor: floor}}, true); err != nil {
		return err
	}
	return j.dropPurged()
}

// dropPurged deletes the oldest segments as long as they hold nothing that is needed: no entry, and not the newest floor.
func (j *Journal) dropPurged() error {
	needed := j.state.places.lowest(j.state.floorAt)
	for len(j.segments) > 1 && j.segments[1].base <= needed {
		oldest := j.segments[0]
		if err := j.filer.Delete(oldest.base, oldest.id); err != nil {
			return fmt.Errorf("delete the purged segment %s: %w", oldest.name(), err)
		}
		j.mu.Lock()
		j.segments = append([]*piece(nil), j.segments[1:]...)
		j.mu.Unlock()
		oldest.close()
	}
	return nil
}
