package journal

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/raft-wal/segment"

	"github.com/baristadb/barista/internal/paxos"
)

// Open reads and checks the whole journal in dir, takes a batch off the end that a crash cut short, and takes up a purge where a
// crash left it. ErrDamaged: nothing was altered. ErrInUse: somebody has it open.
func Open(dir string) (*Journal, error) {
	return open(newDisk(dir, segmentBytes))
}

func open(d *disk) (*Journal, error) {
	if _, err := os.Stat(d.dir); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	held, err := lock(d.dir)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{dir: d.dir, disk: d, filer: segment.NewFiler(d.dir, d), lock: held, next: 1}
	for _, step := range []func() error{j.list, j.replay, j.state.complete, j.harden, j.restore, j.clean, j.dropPurged} {
		if err := step(); err != nil {
			j.release()
			return nil, fmt.Errorf("open the journal in %s: %w", d.dir, err)
		}
	}
	d.prepareNext()
	return j, nil
}

// list finds the segment files, in order.
func (j *Journal) list() error {
	found, err := j.filer.List()
	if err != nil {
		return fmt.Errorf("list the segments: %w", err)
	}
	for id, base := range found {
		j.segments = append(j.segments, &piece{id: id, base: base, limit: uint32(j.disk.bytes)})
	}
	slices.SortFunc(j.segments, func(a, b *piece) int { return cmp.Compare(a.id, b.id) })
	return nil
}

// replay reads every segment, and opens it.
func (j *Journal) replay() error {
	for i, p := range j.segments {
		last := i == len(j.segments)-1
		if i > 0 && p.base != j.next {
			return fmt.Errorf("%w: %s begins with record %d, and record %d should come: a segment is missing or misnamed", ErrDamaged, p.name(), p.base, j.next)
		}
		j.next = p.base
		if err := j.replayOne(p, last); err != nil {
			return fmt.Errorf("segment %s: %w", p.name(), err)
		}
	}
	return nil
}

func (j *Journal) replayOne(p *piece, last bool) error {
	content, err := os.ReadFile(filepath.Join(j.dir, p.name()))
	if err != nil {
		return err
	}
	w, err := walk(content, p.base, last, j.replayRecord)
	if err != nil {
		return err
	}
	p.bytes, j.next = int64(w.end), w.next
	if w.sealed {
		p.reader, err = j.filer.Open(p.info(w.next-1, w.index))
		return err
	}
	if w.next == p.base && len(j.segments) > 1 {
		return j.discard(p)
	}
	if w.torn || int64(len(content)) < j.disk.bytes {
		if err := j.cutBack(p, int64(w.end)); err != nil {
			return fmt.Errorf("cut back to offset %d: %w", w.end, err)
		}
	}
	tail, err := j.filer.RecoverTail(p.info(0, 0))
	if err != nil {
		return err
	}
	p.reader, j.tail = tail, tail
	if got := tail.LastIndex(); w.next > p.base && got != w.next-1 {
		return fmt.Errorf("the library sees records up to %d, and there are records up to %d", got, w.next-1)
	}
	return nil
}

// harden makes durable what was read. Without it a promise can be lost that was given twice:
//
//  1. A batch with a promise is written; the process is killed before its sync. The system still has it in memory.
//  2. The node starts again and reads the batch. The same candidate asks again. The promise is in the journal already, so nothing
//     is written, and the answer leaves at once.
//  3. The power fails. Neither write nor sync of that batch ever reached the disk. The promise is forgotten.
//
// The same goes for the name of a journal that was just made.
func (j *Journal) harden() error {
	last := j.segments[len(j.segments)-1]
	f, err := j.disk.files.open(last.name(), 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync segment %s: %w", last.name(), err)
	}
	if err := j.disk.files.sync(); err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	return j.disk.files.syncParent()
}

// discard removes the last segment, in which no batch was ever durable: the next write makes it again, with what every segment
// begins with.
func (j *Journal) discard(p *piece) error {
	j.segments = j.segments[:len(j.segments)-1]
	return j.filer.Delete(p.base, p.id)
}

// replayRecord takes one record into account. Each segment begins with the identity, so the cluster is always known.
func (j *Journal) replayRecord(number uint64, body []byte) error {
	r, err := paxos.DecodeRecord(j.state.identity.Cluster, body)
	if err != nil {
		return err
	}
	if a, ok := r.(paxos.AcceptRecord); ok && a.Entry.Index > j.state.floor.Index {
		if err := j.state.inReach(a.Entry.Index); err != nil {
			return err
		}
	}
	j.state.apply(number, r)
	return nil
}

// cutBack makes everything behind end zeros again, as the next batch expects. A crash on the way leaves the same end.
func (j *Journal) cutBack(p *piece, end int64) error {
	f, err := j.disk.files.open(p.name(), 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(end); err != nil {
		return err
	}
	return fillZeros(context.Background(), f, end, max(end, j.disk.bytes))
}

// restore reads the entries above what is chosen.
func (j *Journal) restore() error {
	j.state.undecided = make(map[paxos.Index]paxos.Entry)
	for i := j.state.chosenTo + 1; i < j.state.places.end(); i++ {
		if j.state.places.get(i) == 0 {
			continue
		}
		e, err := j.entry(i)
		if err != nil {
			return err
		}
		j.state.undecided[i] = e
	}
	return nil
}

// clean removes what an unfinished preparation left.
func (j *Journal) clean() error {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return err
	}
	return removeUnfinished(j.disk, entries)
}
