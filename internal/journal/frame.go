package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"github.com/baristadb/barista/internal/paxos"
)

// A record in a segment file is
//
//	u32 CRC-32C of the rest | u64 number | u64 number of its batch's first record | record, as in docs/internals/formats.md
//
// The library sums up batches but looks at the sum of the last one alone, and that at opening only. With these fields every
// read is checked; and because a batch is written only when the one before it is durable, a whole record of a later batch
// behind a broken one tells damage from a torn tail.
const (
	recordHeader = 4 + 8 + 8
	maxRecord    = segment.MaxEntrySize - recordHeader // bytes
	maxBatch     = 1 << 30                             // bytes; the library's offsets have 32 bits
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode lays out a batch for the library, in buf.
func encode(buf []byte, into []types.LogEntry, cluster [16]byte, first uint64, records []paxos.Record) ([]byte, []types.LogEntry, error) {
	for i, r := range records {
		number, from := first+uint64(i), len(buf)
		buf = append(buf, 0, 0, 0, 0)
		buf = binary.BigEndian.AppendUint64(buf, number)
		buf = binary.BigEndian.AppendUint64(buf, first)
		buf = paxos.AppendRecord(buf, cluster, r)
		data := buf[from:len(buf):len(buf)] // stays what it is when buf grows
		if len(data) > maxRecord+recordHeader {
			return buf, into, fmt.Errorf("a record of %d bytes: the limit is %d", len(data)-recordHeader, maxRecord)
		}
		if len(buf) > maxBatch {
			return buf, into, fmt.Errorf("a batch of more than %d bytes", maxBatch)
		}
		binary.BigEndian.PutUint32(data, crc32.Checksum(data[4:], castagnoli))
		into = append(into, types.LogEntry{Index: number, Data: data})
	}
	return buf, into, nil
}

// header is what stands in front of a record.
type header struct {
	sum           uint32
	number, first uint64
}

func readHeader(data []byte) (h header, ok bool) {
	if len(data) < recordHeader {
		return header{}, false
	}
	return header{
		sum:    binary.BigEndian.Uint32(data),
		number: binary.BigEndian.Uint64(data[4:]),
		first:  binary.BigEndian.Uint64(data[12:]),
	}, true
}

// body checks a record and returns what is behind its header.
func (h header) body(data []byte) ([]byte, bool) {
	return data[recordHeader:], crc32.Checksum(data[4:], castagnoli) == h.sum
}

var errWrongRecord = errors.New("its sum or its number is wrong")

// unwrap checks that data is record number, and returns its body.
func unwrap(data []byte, number uint64) ([]byte, error) {
	h, ok := readHeader(data)
	if !ok || h.number != number {
		return nil, errWrongRecord
	}
	body, ok := h.body(data)
	if !ok {
		return nil, errWrongRecord
	}
	return body, nil
}
