package paxos

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkProposals(b *testing.B) {
	// Shows what the core itself costs: proposals through three nodes in memory,
	// with disks and a network that take no time.
	for _, batch := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			c := newBenchCluster(b)
			values := make([]Value, batch)
			for i := range values {
				values[i] = Value{Kind: KindChangeSets, Body: make([]byte, 200)}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += batch {
				if _, ok := c.nodes[0].Propose(c.now, values...); !ok {
					b.Fatal("not proposed")
				}
				c.run()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proposals/s")
		})
	}
}

// A benchCluster passes messages on by reference, without a queue of its own.
type benchCluster struct {
	now   Instant
	nodes []*Node
}

func newBenchCluster(b *testing.B) *benchCluster {
	members := FirstMembership("n1", 1, "").AddLearner("n2", 2, "").Promote(2).AddLearner("n3", 3, "").Promote(3)
	c := &benchCluster{}
	for id := NodeID(1); id <= 3; id++ {
		cfg := testConfig(id)
		cfg.MaxInflight = 256
		cfg.Rand = rand.New(rand.NewPCG(1, uint64(id)))
		n, err := New(cfg, Restored{Floor: Floor{Members: members}, Members: members})
		if err != nil {
			b.Fatal(err)
		}
		n.SetElectable(id == 1)
		c.nodes = append(c.nodes, n)
	}
	for c.nodes[0].Suspended() || c.nodes[0].Role() != Leader {
		c.now = c.now.Add(100 * ms)
		for _, n := range c.nodes {
			n.Tick(c.now)
		}
		c.run()
	}
	return c
}

// run obeys all Readys until there are none.
func (c *benchCluster) run() {
	for busy := true; busy; {
		busy = false
		for _, n := range c.nodes {
			r, ok := n.Ready()
			if !ok {
				continue
			}
			busy = true
			c.send(n.cfg.ID, r.Messages)
			n.Synced(c.now, r.Seq)
			c.send(n.cfg.ID, r.AfterDurable)
		}
	}
}

func (c *benchCluster) send(from NodeID, messages []Outgoing) {
	for _, o := range messages {
		c.nodes[o.To-1].Receive(c.now, from, o.Message)
	}
}
