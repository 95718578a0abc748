package paxos

import (
	"fmt"
	"testing"
)

func BenchmarkProposals(b *testing.B) {
	// Shows what agreement itself costs: small proposals through three nodes in
	// memory, with disks and a network that take no time. One operation is one
	// proposal; a batch shares its messages and its syncs. With "encoded" each
	// message goes through its bytes, as between real nodes.
	for _, encoded := range []bool{false, true} {
		for _, batch := range []int{1, 8, 64} {
			name := fmt.Sprintf("batch=%d", batch)
			if encoded {
				name += "/encoded"
			}
			b.Run(name, func(b *testing.B) {
				c := newQuickCluster(b, 3)
				c.encoded = encoded
				benchmark(b, c, batch)
			})
		}
	}
}

func benchmark(b *testing.B, c *quickCluster, batch int) {
	values := make([]Value, batch)
	for i := range values {
		values[i] = Value{Kind: KindChangeSets, Body: make([]byte, 200)}
	}
	c.count = count{}
	b.ReportAllocs()
	b.ResetTimer()
	done := 0
	for ; done < b.N; done += batch {
		if _, ok := c.nodes[0].Propose(c.now, values...); !ok {
			b.Fatal("not proposed")
		}
		c.run()
		c.nodes[0].FlushLearn(c.now)
		c.run()
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "proposals/s")
	b.ReportMetric(float64(c.count.ofLeader)/float64(done), "leader-msgs/op")
	b.ReportMetric(float64(c.count.messages)/float64(done), "msgs/op")
	b.ReportMetric(float64(c.count.syncs)/float64(done), "fsyncs/op")
}
