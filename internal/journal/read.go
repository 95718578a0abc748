package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/baristadb/barista/internal/paxos"
)

// Accepted returns the entries above ChosenTo, in index order: with Promised, what an acceptor must remember.
func (j *Journal) Accepted() []paxos.Entry {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.accepted()
}

// Scan calls fn with each chosen entry above the floor, in index order. It ends with fn's error if there is one. fn may keep the
// entry.
func (j *Journal) Scan(fn func(paxos.Entry) error) error {
	for i, to := j.Floor().Index+1, j.ChosenTo(); i <= to; i++ {
		e, err := j.entry(i)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// Entries returns chosen entries from from to to, both included: at least one if there is one, else as many as maxBytes allow,
// with a little for each beside its body. It returns none if nothing is chosen from from on, and ErrPurged if from is at or
// below the floor. The caller may keep them.
func (j *Journal) Entries(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error) {
	j.mu.RLock()
	to, err := j.state.clip(from, to)
	j.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	var entries []paxos.Entry
	for i, left := from, maxBytes; i <= to; i++ {
		e, err := j.entry(i)
		if err != nil {
			return nil, err
		}
		if left -= len(e.Value.Body) + entryOverhead; left < 0 && len(entries) > 0 {
			break
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// entry reads the entry at index i.
func (j *Journal) entry(i paxos.Index) (paxos.Entry, error) {
	fail := func(err error) (paxos.Entry, error) {
		return paxos.Entry{}, fmt.Errorf("read entry %d from the journal: %w", i, err)
	}
	number, p, err := j.locate(i)
	if err != nil {
		return fail(err)
	}
	body, err := p.read(number)
	if err == nil {
		var r paxos.Record
		if r, err = paxos.DecodeRecord(j.Identity().Cluster, body); err == nil {
			if a, ok := r.(paxos.AcceptRecord); ok && a.Entry.Index == i {
				return a.Entry, nil
			}
			err = errWrongRecord
		}
	}
	if _, _, gone := j.locate(i); gone != nil {
		return fail(gone) // purged, or closed, meanwhile
	}
	return fail(j.diagnose(p, number, err))
}

// diagnose says where a segment is damaged of which a record could not be read. A batch that is being written meanwhile does not matter.
func (j *Journal) diagnose(p *piece, number uint64, cause error) error {
	j.mu.RLock()
	last := len(j.segments) == 0 || j.segments[len(j.segments)-1] == p
	j.mu.RUnlock()
	content, err := os.ReadFile(filepath.Join(j.dir, p.name()))
	if err == nil {
		_, err = walk(content, p.base, last, func(uint64, []byte) error { return nil })
	}
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("segment %s: %w", p.name(), err)
	}
	return fmt.Errorf("segment %s: %w: record %d: %w", p.name(), ErrDamaged, number, cause)
}

// locate finds the record that holds the entry at index i, and its segment.
func (j *Journal) locate(i paxos.Index) (uint64, *piece, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.closed {
		return 0, nil, ErrClosed
	}
	number := j.state.places.get(i)
	if number == 0 {
		return 0, nil, ErrPurged
	}
	n := sort.Search(len(j.segments), func(k int) bool { return j.segments[k].base > number })
	return number, j.segments[n-1], nil
}
