package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"github.com/baristadb/barista/internal/paxos"
)

// Journal is one node's journal on disk. Its methods may be called from any goroutine; reading does not wait for writing.
type Journal struct {
	dir   string
	disk  *disk
	filer *segment.Filer
	lock  *os.File

	writing sync.Mutex          // held by the one writer; guards what follows
	next    uint64              // number of the next record
	tail    types.SegmentWriter // nil: the next write begins a segment
	buf     []byte              // of the last batch, reused
	batch   []types.LogEntry    // reused

	mu       sync.RWMutex // guards what follows; it is changed only under writing too, so the writer reads it without
	state    state
	lazy     bool // state.chosenTo is not on disk yet
	segments []*piece
	failed   error // why nothing more is written
	closed   bool
}

// keptBuffer is how much memory a large batch may leave behind, in bytes.
const keptBuffer = 1 << 20

// Identity returns whose journal this is.
func (j *Journal) Identity() paxos.IdentityRecord {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.identity
}

// SetIdentity replaces the identity, durably. Cluster and name must stay.
func (j *Journal) SetIdentity(identity paxos.IdentityRecord) error {
	return j.Append([]paxos.Record{identity}, true)
}

// Floor returns the log's state at the purge floor.
func (j *Journal) Floor() paxos.Floor {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.floor
}

// Promised returns the highest ballot that was promised, 0 for none.
func (j *Journal) Promised() paxos.Ballot {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.promised
}

// Life returns what the acceptor has done and in which runs.
func (j *Journal) Life() paxos.Life {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.life
}

// Sightings returns what was seen of peers.
func (j *Journal) Sightings() []paxos.Sighting {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.sightings()
}

// ChosenTo returns the index up to which everything is known to be chosen; at least the floor's. After a crash it may be lower
// than it was.
func (j *Journal) ChosenTo() paxos.Index {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.chosenTo
}

// Size returns the bytes that records take on disk. Files are longer: they are made at their full length.
func (j *Journal) Size() int64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var n int64
	for _, p := range j.segments {
		n += p.bytes
	}
	return n
}

// Append writes records as one batch: after a crash all of them are there, or none. They are durable when it returns, and
// whatever was appended before; only a batch of nothing but ChosenRecords may go without durable: it then waits in memory for
// the next write. A batch that contradicts the journal (chosen without an entry, a floor that moves back) is an error and
// changes nothing, and so is ErrNoRoom. After any other error the outcome is unknown and every later call is ErrFailed. An entry replaces the one at
// its index, whatever its ballot; at or below the floor it is not kept.
func (j *Journal) Append(records []paxos.Record, durable bool) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.usable(); err != nil {
		return err
	}
	return j.append(records, durable)
}

// usable says why nothing can be written. The caller holds writing.
func (j *Journal) usable() error {
	if j.closed {
		return ErrClosed
	}
	return j.failed
}

func (j *Journal) append(records []paxos.Record, durable bool) error {
	if err := j.state.check(records); err != nil {
		return fmt.Errorf("append to the journal: %w", err)
	}
	if !durable && onlyLazy(records) {
		j.take(0, records, true)
		return nil
	}
	if j.lazy {
		known := paxos.ChosenRecord{To: j.state.chosenTo} // before the batch: it may hold other entries for these indexes
		records = append([]paxos.Record{known}, records...)
	}
	if len(records) == 0 {
		return nil
	}
	return j.write(records)
}

// write makes a batch durable and takes it into account.
func (j *Journal) write(records []paxos.Record) error {
	fresh := j.tail == nil
	if fresh {
		records = append(j.state.checkpoint(), records...)
	}
	var err error
	j.buf, j.batch, err = encode(j.buf[:0], j.batch[:0], j.state.identity.Cluster, j.next, records)
	if err != nil {
		return fmt.Errorf("append to the journal: %w", err)
	}
	if fresh {
		if err := j.begin(); errors.Is(err, ErrNoRoom) {
			return fmt.Errorf("begin a journal segment: %w", err)
		} else if err != nil {
			return j.fail(fmt.Errorf("begin a journal segment: %w", err))
		}
	}
	if err := j.tail.Append(j.batch); err != nil {
		return j.fail(fmt.Errorf("append to the journal: %w", err))
	}
	j.take(j.next, records, false)
	j.next += uint64(len(records))
	if cap(j.buf) > keptBuffer {
		j.buf = nil
	}
	clear(j.batch)
	if err := j.seal(); err != nil {
		return j.fail(fmt.Errorf("end a journal segment: %w", err))
	}
	return nil
}

// take shows readers what records say; the first has number first.
func (j *Journal) take(first uint64, records []paxos.Record, lazy bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.state.chosenTo
	for i, r := range records {
		j.state.apply(first+uint64(i), r)
	}
	if j.lazy = lazy && (j.lazy || j.state.chosenTo > before); lazy {
		return
	}
	j.segments[len(j.segments)-1].add(j.batch)
}

// fail poisons the journal: after a failed write or sync nobody knows what is on disk, and a sync that succeeds later proves
// nothing about the pages of the one that failed.
func (j *Journal) fail(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	return j.failed
}

// Close writes what was still to be written, and lets go of the folder. Reads and writes are ErrClosed afterwards. A second
// Close does nothing.
func (j *Journal) Close() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.closed {
		return nil
	}
	var err error
	if j.lazy && j.failed == nil {
		err = j.append(nil, true)
	}
	j.release()
	return err
}

// release closes files and lets go of the folder.
func (j *Journal) release() {
	j.disk.close()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	for _, p := range j.segments {
		p.close()
	}
	j.lock.Close()
}
