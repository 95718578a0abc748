package replicator

import "github.com/baristadb/barista/internal/paxos"

// What may wait where, in bytes; of a kind that counts items, there are limits on their number beside.
const (
	maxReceived  = 16 << 20 // messages of peers that the loop has not taken
	maxBacklog   = 32 << 20 // records that the writer has not made durable
	fullBacklog  = 16 << 20 // from here on no chunks are taken from backends
	maxWrite     = 4 << 20  // records that are made durable in one go
	maxDrainSize = 4 << 20  // events taken before their output is obeyed
	smallEvent   = 64 << 10 // a backend's event that may wait in a queue with others
)

// bytesOf returns what an event holds in memory, where that can be much.
func bytesOf(e Event) int {
	switch e := e.(type) {
	case Received:
		return e.Bytes
	case Submitted:
		if e.Set != nil {
			return len(e.Set.Payload)
		}
	case ChunkSubmitted:
		return len(e.Data)
	}
	return 0
}

// bytesOfRecords returns what the entries among records hold.
func bytesOfRecords(records []paxos.Record) (n int) {
	for _, r := range records {
		if a, ok := r.(paxos.AcceptRecord); ok {
			n += len(a.Entry.Value.Body)
		}
	}
	return n
}
