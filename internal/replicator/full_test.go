package replicator

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/paxos"
)

var errFull = errors.New("the disk is full")

// fullDisk is a journal without room, until there is some.
type fullDisk struct {
	Journal
	room   atomic.Bool
	tries  atomic.Int64
	wrote  atomic.Int64 // records
	purged atomic.Int64
}

func (f *fullDisk) Append(records []paxos.Record, _ bool) error {
	f.tries.Add(1)
	if !f.room.Load() {
		return errFull
	}
	f.wrote.Add(int64(len(records)))
	return nil
}

func (f *fullDisk) Purge(paxos.Floor) error {
	f.purged.Add(1)
	return nil
}

// noticing is a network that notes what a node says.
type noticing struct {
	mu   sync.Mutex
	said map[string]int
}

func (n *noticing) Send(_ paxos.NodeID, messages []paxos.Outgoing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range messages {
		switch m.Message.(type) {
		case paxos.HeartbeatAck:
			n.said["acknowledged heartbeats"]++
		case paxos.Accepted:
			n.said["accepted"]++
		}
	}
}

func (n *noticing) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.said[what]
}

func TestNodeWhoseJournalIsFullAnswers(t *testing.T) {
	// Shows that a follower whose journal has no room goes on acknowledging heartbeats and telling how it is, takes nothing that would have to be written, tries
	// little, and writes what it had taken before when there is room.
	disk, network := &fullDisk{}, &noticing{said: map[string]int{}}
	c := newCluster(t, 1)
	var now atomic.Int64
	now.Store(int64(c.now) + 10e9)
	d := NewDriver(DriverConfig{
		Replicator: c.nodes[1].r, Journal: disk, Network: network, Server: idleServer{}, Log: slog.New(slog.DiscardHandler),
		Clock: func() paxos.Instant { return paxos.Instant(now.Load()) }, Tick: time.Hour, NoRoom: func(err error) bool { return errors.Is(err, errFull) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	const leader, rounds = 2, 3000 // more than queues hold
	ballot, version := paxos.MakeBallot(1, leader), threeVoters().Version
	for k := range paxos.Index(rounds) {
		now.Add(1e6)
		d.Post(ctx, Received{From: leader, Message: paxos.Accept{
			Version: version, Ballot: ballot, First: k + 1, ChosenTo: k,
			Values: []paxos.Value{{Version: version, Epoch: ballot, Kind: paxos.KindNoop}},
		}})
		d.Post(ctx, Received{From: leader, Message: paxos.Heartbeat{Version: version, Ballot: ballot, ChosenTo: k}})
		if k == 0 {
			await(t, "its status says that its journal is full", func() bool {
				d.Post(ctx, Tick{})
				return d.Status().Full == "write the journal: "+errFull.Error()
			})
		}
	}
	await(t, "it acknowledges heartbeats", func() bool { return network.count("acknowledged heartbeats") >= rounds })
	if got := network.count("accepted"); got > 0 {
		t.Errorf("it says %d times that it has accepted something", got)
	}
	await(t, "it knows who leads", func() bool { return d.Status().Leader == leader })
	if tries := disk.tries.Load(); tries > 100 {
		t.Errorf("it has tried to write %d times", tries)
	}
	disk.room.Store(true)
	await(t, "it writes what it had taken, and says so", func() bool { return network.count("accepted") > 0 })
	await(t, "it is like every other", func() bool { return *d.full.Load() == "" })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLeaderWhoseJournalIsFull(t *testing.T) {
	// Shows that a leader whose journal is full leaves the lead to others if they can go on without it, and else leads on, and that what it has taken on is
	// proposed when there is room.
	c, leader, others := settled(t, 11)
	full := JournalFull{Why: "no room"}
	leader.r.Step(c.now, full)
	c.run(5e9, 1)
	if next := c.leader(); next == nil || next == leader {
		t.Fatal("nobody else leads")
	}
	if why := leader.r.Status().Unfit; why == "" {
		t.Error("it would lead again")
	}
	leader.r.Step(c.now, JournalFull{})
	c.run(3e9, 1)

	leader = c.leader()
	for _, n := range others {
		if n != leader {
			c.crash(n)
			break
		}
	}
	c.run(1e9, 1)
	leader.r.Step(c.now, full)
	c.run(1e9, 1) // what was written before
	before := len(c.acked)
	c.run(5e9, 1)
	if c.leader() != leader || len(c.acked) > before {
		t.Errorf("it leads: %v; %d writes were acknowledged, and it has not written them down", c.leader() == leader, len(c.acked)-before)
	}
	leader.r.Step(c.now, JournalFull{})
	c.run(3e9, 1)
	if len(c.acked) == before {
		t.Error("nothing is acknowledged, and there is room again")
	}
	c.check(false)
}

func TestPiecesOfWhatWaited(t *testing.T) {
	// Shows that what has waited is written in pieces of a bounded size, and a purge by itself: what was written before it is not written again.
	purge := diskWork{purge: &paxos.Floor{}}
	large, small := diskWork{size: maxWrite}, diskWork{size: 1}
	for _, test := range []struct {
		queue []diskWork
		want  int
	}{
		{[]diskWork{small, small, purge}, 2}, {[]diskWork{purge, small}, 1}, {[]diskWork{large, small}, 1}, {[]diskWork{small, large, small}, 2},
	} {
		if got := nextWrite(test.queue); got != test.want {
			t.Errorf("of %+v %d are written", test.queue, got)
		}
	}
}
