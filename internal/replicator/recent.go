package replicator

import "github.com/baristadb/barista/internal/paxos"

// recent keeps the newest placed entries in memory, so that a server that keeps up is fed without reading the journal.
// Invariant: the entries are consecutive and end at the head.
type recent struct {
	limit   int // bytes
	bytes   int
	entries []*Placed
}

func (r *recent) add(p *Placed) {
	if n := len(r.entries); n > 0 && r.entries[n-1].Index+1 != p.Index {
		r.clear()
	}
	r.entries = append(r.entries, p)
	r.bytes += p.Bytes
	drop := 0
	for r.bytes > r.limit && drop < len(r.entries)-1 {
		r.bytes -= r.entries[drop].Bytes
		r.entries[drop] = nil
		drop++
	}
	r.entries = r.entries[drop:]
}

// at returns the entry at index i, or nil when it is not kept.
func (r *recent) at(i paxos.Index) *Placed {
	if len(r.entries) == 0 || i < r.entries[0].Index {
		return nil
	}
	k := int(i - r.entries[0].Index)
	if k >= len(r.entries) {
		return nil
	}
	return r.entries[k]
}

// first is the lowest index kept; 0 = none.
func (r *recent) first() paxos.Index {
	if len(r.entries) == 0 {
		return 0
	}
	return r.entries[0].Index
}

func (r *recent) clear() { r.entries, r.bytes = nil, 0 }
