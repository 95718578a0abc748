package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The library's layout of a segment file, as far as it must be read here (raft-wal, segment/format.go): a header of 32 bytes,
// then frames, each at a multiple of eight:
//
//	u8 type | 3 zero bytes | u32 little-endian length of the body, or CRC-32C | body | zeros up to a multiple of 8
//
// A batch is its entry frames, in the batch that fills the segment an index frame, and a commit frame with the sum of
// everything since the commit frame before it (the first batch: since the beginning of the file).
const (
	fileHeader  = 32
	frameHeader = 8

	frameEntry  = 1
	frameIndex  = 2
	frameCommit = 3

	sector = 512 // what a disk writes as a whole
)

// part is one batch as it stands in a file, whole or not.
type part struct {
	start, end int    // end: behind the commit frame, if that was reached
	reached    bool   // frames lead from start to a commit frame
	stop       int    // where the frame stands that leads nowhere, if none is reached
	broken     int    // offset of the first thing that is wrong; -1: the batch is whole
	index      uint64 // offset of the body of the index frame; 0: none
	records    [][]byte
}

// parse reads the batch that begins at start and whose first record is number first. It looks no further than the file.
func parse(file []byte, start int, first uint64) part {
	p := part{start: start, broken: -1}
	wrong := func(at int) {
		p.stop = at
		if p.broken < 0 {
			p.broken = at
		}
	}
	pos := start
	if start == 0 {
		pos = fileHeader
	}
	for {
		if pos+frameHeader > len(file) || file[pos+1]|file[pos+2]|file[pos+3] != 0 {
			wrong(pos)
			return p
		}
		value := binary.LittleEndian.Uint32(file[pos+4:])
		if file[pos] == frameCommit {
			if crc32.Checksum(file[start:pos], castagnoli) != value {
				wrong(start)
			}
			p.reached, p.end = true, pos+frameHeader
			return p
		}
		room := len(file) - pos - frameHeader
		if file[pos] != frameEntry && file[pos] != frameIndex || uint64(value) > uint64(room) {
			wrong(pos)
			return p
		}
		body := file[pos+frameHeader : pos+frameHeader+int(value)]
		if file[pos] == frameIndex {
			p.index = uint64(pos + frameHeader)
		} else if record, ok := own(body, first+uint64(len(p.records)), first); ok {
			p.records = append(p.records, record)
		} else {
			wrong(pos)
			p.records = append(p.records, nil)
		}
		pos += frameHeader + (len(body)+7)&^7
	}
}

// own returns the record in an entry frame if it is the one that must stand there.
func own(data []byte, number, first uint64) ([]byte, bool) {
	h, ok := readHeader(data)
	if !ok || h.number != number || h.first != first {
		return nil, false
	}
	return h.body(data)
}

// walked is what a segment file holds.
type walked struct {
	next   uint64 // the number after its last record
	end    int    // offset behind its last whole batch
	torn   bool   // a batch at the end was cut short by a crash
	sealed bool
	index  uint64 // of a sealed one: offset of the index
}

// walk reads a segment file whose first record is number base, and gives each record of each whole batch to visit. In the last
// segment of a journal it allows a torn batch at the end; everything else that is not as it was written is ErrDamaged, with
// the offset.
func walk(file []byte, base uint64, last bool, visit func(number uint64, record []byte) error) (walked, error) {
	w := walked{next: base}
	for !w.sealed {
		p := parse(file, w.end, w.next)
		if p.broken >= 0 {
			return w, w.judge(file, p, last)
		}
		for _, r := range p.records {
			if err := visit(w.next, r); err != nil {
				return w, fmt.Errorf("record %d, in the batch at offset %d: %w", w.next, p.start, err)
			}
			w.next++
		}
		w.end, w.index, w.sealed = p.end, p.index, p.index != 0
	}
	if !zero(file[w.end:]) {
		return w, fmt.Errorf("%w: something stands behind the end of the segment, at offset %d", ErrDamaged, w.end)
	}
	return w, nil
}

// judge says whether the batch p, which is not whole, is the end of the journal, a torn write, or damage.
//
// A torn write can only be the last one, in a file that was all zeros before: some of its sectors are there and some are
// zero, or the file ends in it. Nothing was answered for it, for it was not durable. So the frames of a torn batch lead to a sector
// of zeros, or beyond the file; a frame that makes no sense in a sector that is there has been changed since.
func (w *walked) judge(file []byte, p part, last bool) error {
	rest := file[min(p.start, len(file)):]
	damaged := fmt.Errorf("%w: the batch at offset %d is not as it was written (offset %d)", ErrDamaged, p.start, p.broken)
	switch {
	case !last:
		return damaged
	case zero(rest):
		return nil
	case laterBatch(rest, w.next):
		return damaged
	case p.reached && !hasZeroSector(file, p.start, p.end), !p.reached && !p.missing(file):
		return damaged
	case p.lengthened(file, w.next):
		return damaged
	}
	w.torn = true
	return nil
}

// missing reports whether what should follow at stop was never written.
func (p part) missing(file []byte) bool {
	if p.stop+frameHeader > len(file) {
		return true
	}
	from, to := p.stop/sector*sector, min((p.stop/sector+1)*sector, len(file))
	if zero(file[max(from, p.start):to]) {
		return true
	}
	size := uint64(binary.LittleEndian.Uint32(file[p.stop+4:]))
	return file[p.stop] == frameEntry && p.stop+frameHeader+int(size) > len(file) && size <= maxRecord+recordHeader
}

// lengthened reports whether the batch, whose first record is number first, is whole but for one bit in the head of a frame. One
// of another length may end in the zeros behind the batch, and then looks like one that was cut short; so does the sum at its end, taken for a length.
func (p part) lengthened(file []byte, first uint64) bool {
	for _, frame := range []int{p.broken, int(p.index) - frameHeader} {
		if frame < 0 || frame+frameHeader > len(file) {
			continue
		}
		for bit := range 8 * frameHeader {
			flipped := &file[frame+bit/8]
			*flipped ^= 1 << (bit % 8)
			whole := parse(file, p.start, first).broken < 0
			*flipped ^= 1 << (bit % 8)
			if whole {
				return true
			}
		}
	}
	return false
}

// laterBatch reports whether b holds a whole record of a batch after the one that begins with first.
func laterBatch(b []byte, first uint64) bool {
	for pos := 0; pos+frameHeader+recordHeader <= len(b); pos += 8 {
		size := int(binary.LittleEndian.Uint32(b[pos+4:]))
		if b[pos] != frameEntry || size > len(b)-pos-frameHeader {
			continue
		}
		data := b[pos+frameHeader : pos+frameHeader+size]
		if h, ok := readHeader(data); ok && h.first > first && h.number >= h.first {
			if _, ok := h.body(data); ok {
				return true
			}
		}
	}
	return false
}

// hasZeroSector reports whether a sector that file[start:end] touches has nothing but zeros in that range.
func hasZeroSector(file []byte, start, end int) bool {
	for from := start; from < end; {
		to := min((from/sector+1)*sector, end)
		if zero(file[from:to]) {
			return true
		}
		from = to
	}
	return false
}

var zeros [1 << 20]byte

func zero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if !bytes.Equal(b[:n], zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}
