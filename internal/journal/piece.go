package journal

import (
	"sync"
	"time"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// codecID stands in the header of each segment: the layout of frame.go.
const codecID = 1<<16 | 0xB1

// piece is one segment file.
type piece struct {
	id, base uint64 // of the file; the number of its first record
	limit    uint32 // bytes at which it is full
	bytes    int64  // that records take; guarded by Journal.mu

	mu     sync.RWMutex        // held for reading while reader is in use
	reader types.SegmentReader // nil: closed
}

// info describes the piece to the library: open if last is 0, else with its last record and where its index stands.
func (p *piece) info(last, index uint64) types.SegmentInfo {
	info := types.SegmentInfo{ID: p.id, BaseIndex: p.base, MinIndex: p.base, Codec: codecID, SizeLimit: p.limit}
	if last > 0 {
		info.MaxIndex, info.IndexStart, info.SealTime = last, index, time.Unix(1, 0) // it only asks whether the time is zero
	}
	return info
}

func (p *piece) name() string { return segment.FileName(p.info(0, 0)) }

// add counts a batch.
func (p *piece) add(batch []types.LogEntry) {
	for _, e := range batch {
		p.bytes += frameHeader + int64(len(e.Data)+7)&^7
	}
	p.bytes += frameHeader
}

// read returns a copy of a record, checked.
func (p *piece) read(number uint64) ([]byte, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.reader == nil {
		return nil, ErrPurged
	}
	found, err := p.reader.GetLog(number)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	body, err := unwrap(found.Bs, number)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), body...), nil
}

// replace puts another reader in the place of the present one, and closes that when nobody uses it.
func (p *piece) replace(reader types.SegmentReader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reader != nil {
		p.reader.Close()
	}
	p.reader = reader
}

func (p *piece) close() { p.replace(nil) }

// begin makes the next segment, from the file that was prepared for it, and has another one prepared.
func (j *Journal) begin() error {
	id := uint64(1)
	if n := len(j.segments); n > 0 {
		id = j.segments[n-1].id + 1
	}
	p := &piece{id: id, base: j.next, limit: uint32(j.disk.bytes)}
	tail, err := j.filer.Create(p.info(0, 0))
	if err != nil {
		return err
	}
	j.disk.prepareNext()
	p.reader, j.tail = tail, tail
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments = append(j.segments, p)
	return nil
}

// seal ends the open segment if the library has filled it.
func (j *Journal) seal() error {
	sealed, index, err := j.tail.Sealed()
	if err != nil || !sealed {
		return err
	}
	p := j.segments[len(j.segments)-1]
	reader, err := j.filer.Open(p.info(j.next-1, index)) // it holds less memory than the writer
	if err != nil {
		return err
	}
	p.replace(reader)
	j.tail = nil
	return nil
}
