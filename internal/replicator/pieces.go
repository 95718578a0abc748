package replicator

import (
	"errors"
	"fmt"
	"iter"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// Pieces gives the chunks of a change set in order. Each is read from the journal when it is asked for, so that a set of any size takes
// the memory of one chunk. An error ends it: trying the batch again may help.
type Pieces iter.Seq2[[]byte, error]

// piece is a chunk of a set that is not applied: where it lies in the journal, and what it holds as long as the journal may not have it.
type piece struct {
	at   paxos.Index
	data []byte // nil: the journal has it
}

// pieces are the chunks of sets of which the cursor has not met the last part, in order.
type pieces map[changeset.ID][]piece

func (p pieces) add(placed *Placed) {
	p[placed.Chunk.ID] = append(p[placed.Chunk.ID], piece{placed.Index, placed.Chunk.Data})
}

// release lets go of the chunks that the journal durably holds. What stays in memory is no more than a leader may have in flight.
//
// Invariant: within a set those with data are the last ones, because indexes increase and durability goes by index.
func (p pieces) release(durable paxos.Index) {
	for _, set := range p {
		for k := len(set) - 1; k >= 0 && set[k].data != nil; k-- {
			if set[k].at <= durable {
				set[k].data = nil
			}
		}
	}
}

// ReadFrom lets the chunks of a batch be read. entries is a journal's Entries; the purge floor stays below the first chunk until the
// server has flushed the set.
func (b *Batch) ReadFrom(entries func(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error)) {
	for k := range b.Items {
		item := &b.Items[k]
		if len(item.pieces) == 0 {
			continue
		}
		item.Pieces = func(yield func([]byte, error) bool) {
			for ordinal, p := range item.pieces {
				data, err := p.read(entries)
				if err != nil {
					err = fmt.Errorf("chunk %d of change set %v: %w", ordinal, item.Set.ID, err)
				}
				if !yield(data, err) || err != nil {
					return
				}
			}
		}
	}
}

func (p piece) read(entries func(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error)) ([]byte, error) {
	if p.data != nil {
		return p.data, nil
	}
	found, err := entries(p.at, p.at, 0)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Index != p.at || found[0].Value.Kind != paxos.KindChunk {
		return nil, errors.New("the journal does not hold it any more")
	}
	chunk, err := changeset.DecodeChunk(found[0].Value.Body)
	return chunk.Data, err
}
