package replicator

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// largeWrite is a transaction of a cluster whose change set travels in chunks.
type largeWrite struct {
	epoch   paxos.Ballot
	request uint64
	id      changeset.ID
	chunks  uint32
}

func (w largeWrite) piece(ordinal uint32) []byte { return fmt.Appendf(nil, "%v/%d", w.id, ordinal) }

// writeLarge begins a large transaction, or goes on with one: another chunk, its end, or a rollback.
func (c *cluster) writeLarge(n *testNode) {
	if len(n.large) == 0 || len(n.large) < 4 && c.rng.IntN(3) == 0 {
		n.request++
		id := n.r.chunkedID(waiter{1, n.request})
		n.large = append(n.large, largeWrite{epoch: n.epoch, request: n.request, id: id})
	}
	k := c.rng.IntN(len(n.large))
	w := &n.large[k]
	switch choice := c.rng.IntN(8); {
	case w.epoch != n.epoch || choice == 0:
		n.r.Step(c.now, Discarded{Backend: 1, Request: w.request})
	case choice == 1:
		set := changeset.ChangeSet{Flags: changeset.Last, Chunks: w.chunks, Database: "postgres"}
		if w.chunks == 0 {
			return
		}
		n.inflight[w.request] = w.id
		n.r.Step(c.now, Submitted{Backend: 1, Request: w.request, Epoch: n.epoch, Set: &set})
	default:
		n.r.Step(c.now, ChunkSubmitted{Backend: 1, Request: w.request, Ordinal: w.chunks, Data: w.piece(w.chunks)})
		w.chunks++
		return
	}
	n.large = append(n.large[:k], n.large[k+1:]...)
}

// checkPieces reads a set's chunks as apply does, from what is durable alone.
func (n *testNode) checkPieces(c *cluster, batch *Batch) {
	batch.ReadFrom(func(from, _ paxos.Index, _ int) (found []paxos.Entry, _ error) {
		if e, ok := n.entries[from]; ok {
			found = append(found, e)
		}
		return found, nil
	})
	for _, item := range batch.Items {
		if item.Set == nil || item.Set.Flags&changeset.Last == 0 {
			continue
		}
		ordinal := uint32(0)
		for data, err := range item.Pieces {
			want := largeWrite{id: item.Set.ID}.piece(ordinal)
			if err != nil || !bytes.Equal(data, want) {
				c.t.Fatalf("node %d: chunk %d is %q, want %q: %v", n.id, ordinal, data, want, err)
			}
			ordinal++
		}
		if ordinal != item.Set.Chunks {
			c.t.Fatalf("node %d: %d of %d chunks of %v", n.id, ordinal, item.Set.Chunks, item.Set.ID)
		}
		c.large++
	}
}

// Chunks that the journal holds durably are not kept in memory, those that it may not hold are, and all of them are read in order.
func TestPiecesAreKeptUntilDurable(t *testing.T) {
	id := changeset.ID{7}
	journal := make(map[paxos.Index]paxos.Entry)
	p := make(pieces)
	for k := range uint32(4) {
		chunk := changeset.Chunk{ID: id, Ordinal: k, Data: fmt.Appendf(nil, "piece %d", k)}
		at := paxos.Index(10 + 2*k)
		p.add(&Placed{Index: at, Kind: paxos.KindChunk, Chunk: chunk})
		if k < 2 {
			journal[at] = paxos.Entry{Index: at, Value: paxos.Value{Kind: paxos.KindChunk, Body: changeset.AppendChunk(nil, chunk)}}
		}
	}
	p.release(13)
	for k, piece := range p[id] {
		if kept := piece.data != nil; kept != (k >= 2) {
			t.Errorf("chunk %d: kept is %v when the journal is durable to 13", k, kept)
		}
	}
	batch := Batch{Items: []Item{{Set: &changeset.ChangeSet{ID: id, Flags: changeset.Last, Chunks: 4}, pieces: p[id]}}}
	batch.ReadFrom(func(from, to paxos.Index, _ int) ([]paxos.Entry, error) {
		if e, ok := journal[from]; ok && from == to {
			return []paxos.Entry{e}, nil
		}
		return nil, nil
	})
	k := 0
	for data, err := range batch.Items[0].Pieces {
		if want := fmt.Sprintf("piece %d", k); err != nil || string(data) != want {
			t.Errorf("piece %d is %q, %v; want %q", k, data, err, want)
		}
		k++
	}
	if k != 4 {
		t.Errorf("%d pieces, want 4", k)
	}

	delete(journal, 12)
	var failure error
	for _, err := range batch.Items[0].Pieces {
		failure = err
	}
	if failure == nil || !strings.Contains(failure.Error(), "chunk 1") {
		t.Errorf("a chunk that the journal lost: %v; want an error that names chunk 1", failure)
	}
}

// The chunks of one large transaction are bounded on their way: the rest waits, and with it the backend.
func TestChunksInFlightAreBounded(t *testing.T) {
	c := newCluster(t, 3)
	for k := 0; k < 100 && c.leader() == nil; k++ {
		c.run(1e8, 0)
	}
	leader := c.leader()
	if leader == nil {
		t.Fatal("nobody leads")
	}
	c.cut[leader.id] = true
	leader.r.cfg.MaxChunkBytes = 1000
	for k := range uint32(50) {
		leader.r.Step(c.now, ChunkSubmitted{Backend: 1, Request: 1 << 20, Ordinal: k, Data: make([]byte, 100)})
	}
	c.obey(leader)
	if got := len(leader.r.pending.chunks); got != 40 {
		t.Errorf("%d chunks wait, want 40: ten of 100 bytes fill the 1000 that may be on their way", got)
	}
	clear(c.cut)
	for k := 0; k < 100 && len(leader.r.pending.chunks) > 0; k++ {
		c.run(1e8, 0)
	}
	if got := len(leader.r.pending.chunks); got != 0 || leader.r.phase != Open {
		t.Errorf("%d chunks still wait, phase %v", got, leader.r.phase)
	}
	if got := leader.r.proposals.chunkBytes; got < 0 || got > 1000 {
		t.Errorf("%d bytes count as on their way", got)
	}
}

// Chunks that are chosen after their epoch has ended are no longer counted: they would let more than the limit be on its way in the next one.
func TestChunksOfAnEndedEpochAreNotCounted(t *testing.T) {
	const count, size = 8, 100
	c, leader, _ := settled(t, 4)
	for k := range uint32(count) {
		leader.r.Step(c.now, ChunkSubmitted{Backend: 1, Request: 1 << 20, Ordinal: k, Data: make([]byte, size)})
	}
	c.obey(leader)
	if got := leader.r.proposals.chunkBytes; got != count*size {
		t.Fatalf("%d bytes are on their way, want %d", got, count*size)
	}
	epoch := leader.r.epoch
	leader.r.Step(c.now, GateFailed{})
	c.obey(leader)
	for began := c.now; (c.leader() == nil || c.leader().r.epoch == epoch) && c.now < began+20e9; {
		c.run(1e8, 0)
	}
	last := leader.r.order.spans[len(leader.r.order.spans)-1]
	if last.bytes != count*size || last.last == 0 {
		t.Fatalf("the last set of which chunks were chosen is %+v", last)
	}
	if p := leader.r.proposals; p.chunkBytes != 0 || len(p.chunks) != 0 {
		t.Errorf("%d bytes of %d sets count as on their way", p.chunkBytes, len(p.chunks))
	}
}
