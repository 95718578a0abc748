package replicator

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

const testLimit = 20 * time.Second

// standingDisk is a journal whose writes wait until it moves.
type standingDisk struct {
	Journal
	moves   chan struct{}
	largest atomic.Int64 // bytes in one write
}

func (s *standingDisk) Append(records []paxos.Record, _ bool) error {
	<-s.moves
	s.largest.Store(max(s.largest.Load(), int64(bytesOfRecords(records))))
	return nil
}

// Entries gives nothing back: the server stands, too.
func (s *standingDisk) Entries(paxos.Index, paxos.Index, int) ([]paxos.Entry, error) { return nil, nil }

type silentNetwork struct{}

func (silentNetwork) Send(paxos.NodeID, []paxos.Outgoing) {}

// idleServer takes what a follower without anything to apply is told.
type idleServer struct{ Server }

func (idleServer) Address(uint64)         {}
func (idleServer) SetLease(paxos.Instant) {}

func TestQueuesWhileTheDiskStands(t *testing.T) {
	// A follower whose disk stands while its leader sends a large transaction keeps no more of it in memory than its limits say, and takes the
	// rest when the disk moves.
	const chunks, chunkBytes = 120, 1 << 20
	disk := &standingDisk{moves: make(chan struct{})}
	c := newCluster(t, 1)
	d := NewDriver(DriverConfig{
		Replicator: c.nodes[1].r, Journal: disk, Network: silentNetwork{}, Server: idleServer{},
		Clock: func() paxos.Instant { return c.now }, Tick: time.Hour,
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	var posted atomic.Int64
	go func() { // ends with ctx, or when all are posted
		const leader = 2
		ballot := paxos.MakeBallot(1, leader)
		for k := range chunks {
			body := changeset.AppendChunk(nil, changeset.Chunk{ID: changeset.MakeID(1, 1), Ordinal: uint32(k), Data: make([]byte, chunkBytes)})
			d.Post(ctx, Received{From: leader, Bytes: len(body), Message: paxos.Accept{
				Version: threeVoters().Version, Ballot: ballot, First: paxos.Index(k + 1), ChosenTo: paxos.Index(k),
				Values: []paxos.Value{{Version: threeVoters().Version, Epoch: ballot, Kind: paxos.KindChunk, Body: body}},
			}})
			posted.Add(1)
		}
	}()

	const slack = 2 * chunkBytes
	await(t, "full queues", func() bool {
		return d.received.Taken() > maxReceived-slack && d.backlog.Taken() > maxBacklog-maxDrainSize-slack
	})
	if got, most := posted.Load()*chunkBytes, int64(maxReceived+maxBacklog+maxDrainSize+slack); got > most {
		t.Errorf("%d MiB were taken while the disk stood, at most %d MiB are allowed", got>>20, most>>20)
	}
	close(disk.moves)
	await(t, "all is written", func() bool { return d.Status().Index == chunks-1 && d.backlog.Taken() == 0 })
	if got := disk.largest.Load(); got > maxWrite+maxDrainSize+slack {
		t.Errorf("%d bytes were written in one go", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(testLimit)
	defer limit.Stop()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatalf("%s: not within %v", what, testLimit)
		}
	}
}
