package replicator

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

func BenchmarkChangeSets(b *testing.B) {
	// Shows what replication costs on one node's share of three in one process: change sets of 200 bytes go from the gate through batching,
	// agreement and journals in memory to the answers and to the batches that two other servers apply. Messages go through their bytes.
	// Servers, disks and network take no time. One operation is one change set; batch says how many are submitted at a time.
	for _, batch := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			c := newQuick(b)
			c.leaderMessages, c.messages, c.syncs, c.answers = 0, 0, 0, 0
			payload := make([]byte, 200)
			b.ReportAllocs()
			b.ResetTimer()
			done := 0
			for ; done < b.N; done += batch {
				for range batch {
					c.submit(payload)
				}
				c.run()
				if done/batch%1000 == 999 {
					c.tick()
				}
			}
			b.StopTimer()
			if c.answers != done {
				b.Fatalf("%d answers to %d change sets", c.answers, done)
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "sets/s")
			b.ReportMetric(float64(c.leaderMessages)/float64(done), "leader-msgs/op")
			b.ReportMetric(float64(c.messages)/float64(done), "msgs/op")
			b.ReportMetric(float64(c.syncs)/float64(done), "fsyncs/op")
		})
	}
}

// quick is three replicators in one goroutine whose disks, servers and network take no time. The first leads.
type quick struct {
	b     testing.TB
	now   paxos.Instant
	nodes []*quickNode
	queue []flight
	bytes []byte
	sets  uint64

	leaderMessages, messages, syncs, answers int
}

type quickNode struct {
	id      paxos.NodeID
	r       *Replicator
	journal *journal.Memory
	epoch   paxos.Ballot
	applied changeset.Position
}

var quickCluster = [16]byte{1}

func newQuick(b testing.TB) *quick {
	c := &quick{b: b, now: 1e9}
	members := paxos.FirstMembership("n1", 1, "a:1").AddLearner("n2", 2, "a:2").Promote(2).AddLearner("n3", 3, "a:3").Promote(3)
	floor := paxos.Floor{Members: members}
	for id := paxos.NodeID(1); id <= 3; id++ {
		core, err := paxos.New(paxos.Config{
			ID: id, Cluster: quickCluster, Tick: clusterTick, Lease: 1e9, Drift: 5e7, ElectionMin: 1e9, ElectionMax: 2e9, SuspendLimit: 5e9,
			MaxInflight: 64, MaxInflightBytes: 1 << 20, Rand: rand.New(rand.NewPCG(uint64(id), 2)), Now: c.now,
		}, paxos.Restored{Floor: floor, Members: members})
		if err != nil {
			b.Fatal(err)
		}
		identity := paxos.IdentityRecord{Cluster: quickCluster, Name: "n", Incarnation: uint64(id), Node: id}
		n := &quickNode{id: id, r: New(Config{RecentBytes: 1 << 20}, core, NewOrder(floor)), journal: journal.NewMemory(identity, floor)}
		c.nodes = append(c.nodes, n)
	}
	c.nodes[0].r.Step(c.now, ServerStarted{Start: 1})
	for range 100 {
		if c.nodes[0].epoch != 0 {
			for _, n := range c.nodes[1:] {
				n.r.Step(c.now, ServerStarted{Start: uint64(n.id)})
			}
			c.run()
			return c
		}
		c.tick()
	}
	b.Fatal("node 1 does not lead after 100 ticks")
	return nil
}

func (c *quick) submit(payload []byte) {
	c.sets++
	set := changeset.ChangeSet{ID: changeset.MakeID(1, c.sets), Database: "postgres", Payload: payload}
	n := c.nodes[0]
	n.r.Step(c.now, Submitted{Backend: 1, Request: c.sets, Epoch: n.epoch, Set: &set})
}

// tick lets a tick pass, and journals be purged.
func (c *quick) tick() {
	c.now += paxos.Instant(clusterTick)
	for _, n := range c.nodes {
		n.r.Step(c.now, Tick{})
		n.r.Step(c.now, Flushed{Start: uint64(n.id), Position: n.applied, JournalBytes: 0})
	}
	c.run()
}

// run obeys all nodes and delivers all messages until there is nothing to do, and then has the followers told what is chosen.
func (c *quick) run() {
	for range 2 {
		for busy := true; busy; {
			busy = false
			for _, n := range c.nodes {
				for c.obey(n) {
					busy = true
				}
			}
			for len(c.queue) > 0 {
				f := c.queue[0]
				c.queue = c.queue[1:]
				c.nodes[f.to-1].r.Step(c.now, Received{From: f.from, Message: f.message})
				busy = true
			}
			c.queue = c.queue[:0]
		}
		c.nodes[0].r.Step(c.now, FlushLearn{})
	}
}

// obey does what a node asks for, and reports whether that was anything.
func (c *quick) obey(n *quickNode) (busy bool) {
	out := n.r.Output()
	if out.CloseGate || out.DrainGate || out.Read != nil || len(out.PeerReads) > 0 || out.Diverged != "" {
		c.b.Fatalf("node %d: %+v", n.id, out)
	}
	for _, w := range out.Works {
		busy = true
		c.send(n.id, w.Messages)
		c.write(n, w)
		c.send(n.id, w.AfterDurable)
		n.r.Step(c.now, Synced{Seq: w.Seq})
	}
	for _, a := range out.Answers {
		if a.Verdict != Chosen || a.Predecessor != n.applied {
			c.b.Fatalf("node %d: answer %+v on top of %v", n.id, a, n.applied)
		}
		n.applied = a.Position
		c.answers++
	}
	if out.OpenGate != 0 {
		n.epoch = out.OpenGate
	}
	if batch := out.Apply; batch != nil {
		busy = true
		n.applied = batch.Position
		n.r.Step(c.now, Applied{Batch: batch.Number, Position: batch.Position})
	}
	if out.Purge != nil {
		if err := n.journal.Purge(*out.Purge); err != nil {
			c.b.Fatal(err)
		}
		n.r.Step(c.now, Purged{To: out.Purge.Index})
	}
	return busy
}

// write appends to the journal, and counts a sync if there has to be one: not for what is chosen alone.
func (c *quick) write(n *quickNode, w Work) {
	durable := len(w.AfterDurable) > 0
	for _, record := range w.Records {
		if _, lazy := record.(paxos.ChosenRecord); !lazy {
			durable = true
		}
	}
	if durable {
		c.syncs++
	}
	if err := n.journal.Append(w.Records, true); err != nil {
		c.b.Fatal(err)
	}
}

func (c *quick) send(from paxos.NodeID, messages []paxos.Outgoing) {
	c.messages += len(messages)
	if from == 1 {
		c.leaderMessages += len(messages)
	}
	for _, o := range messages {
		c.bytes = paxos.AppendMessage(c.bytes[:0], quickCluster, o.Stamp, o.Message)
		_, m, err := paxos.DecodeMessage(quickCluster, paxos.MessageType(o.Message), append([]byte(nil), c.bytes...))
		if err != nil {
			c.b.Fatal(err)
		}
		c.queue = append(c.queue, flight{from: from, to: o.To, message: m})
	}
}
