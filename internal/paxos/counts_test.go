package paxos

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessagesPerAgreement(t *testing.T) {
	// Shows what an agreement costs in the steady state: the leader sends 2(N-1)
	// messages when each agreement is told at once, an accept and a learn to each
	// other node, and N-1 when the learn rides on the next accept; each other node
	// answers once; each node syncs once. There is no phase 1.
	const agreements = 100
	for _, size := range []int{1, 2, 3, 5, 7} {
		for _, told := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d nodes, told=%v", size, told), func(t *testing.T) {
				c := newQuickCluster(t, size)
				c.count = count{kinds: map[string]int{}}
				for range agreements {
					if _, ok := c.nodes[0].Propose(c.now, latte()); !ok {
						t.Fatal("not proposed")
					}
					c.run()
					if told {
						c.nodes[0].FlushLearn(c.now)
						c.run()
					}
				}
				others := agreements * (size - 1)
				want := map[string]int{}
				if size > 1 {
					want = map[string]int{"Accept": others, "Accepted": others}
					if told {
						want["Learn"] = others
					}
				}
				if diff := cmp.Diff(want, c.count.kinds); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
				if most := 2 * others; c.count.ofLeader > most {
					t.Errorf("the leader sent %d messages, at most %d are allowed", c.count.ofLeader, most)
				}
				if want := agreements * size; c.count.syncs != want {
					t.Errorf("%d syncs, want %d", c.count.syncs, want)
				}
				if to := c.nodes[size-1].ChosenTo(); told && to != agreements {
					t.Errorf("the last node knows of %d agreements", to)
				}
			})
		}
	}
}

func TestBatchSharesMessagesAndSyncs(t *testing.T) {
	// Shows that values which are proposed together cost what one costs.
	c := newQuickCluster(t, 3)
	c.count = count{}
	if _, ok := c.nodes[0].Propose(c.now, latte(), latte(), latte(), latte(), latte()); !ok {
		t.Fatal("not proposed")
	}
	c.run()
	c.nodes[0].FlushLearn(c.now)
	c.run()
	if c.count.ofLeader != 4 || c.count.messages != 6 || c.count.syncs != 3 {
		t.Errorf("%+v, want 4 messages of the leader, 6 in all, 3 syncs", c.count)
	}
}

func TestIdleClusterSendsHeartbeatsAlone(t *testing.T) {
	// Shows that without work a tick costs one heartbeat and its answer for each
	// other node, and no sync.
	c := newQuickCluster(t, 5)
	c.tick()
	c.count = count{kinds: map[string]int{}}
	for range 10 {
		c.tick()
	}
	if diff := cmp.Diff(map[string]int{"Heartbeat": 40, "HeartbeatAck": 40}, c.count.kinds); diff != "" || c.count.syncs != 0 {
		t.Errorf("%d syncs, messages (-want +got):\n%s", c.count.syncs, diff)
	}
}

func TestForgetting(t *testing.T) {
	// Shows that the nodes forget what is chosen: after 100 MiB of values that all
	// know to be chosen, which the journals keep and not the nodes, memory holds
	// none of them.
	c := newQuickCluster(t, 3)
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	propose := func(size int) {
		if _, ok := c.nodes[0].Propose(c.now, Value{Kind: KindChangeSets, Body: make([]byte, size)}); !ok {
			t.Fatal("not proposed")
		}
		c.run()
	}
	propose(1)
	before := used()
	for range 100 {
		propose(1 << 20)
	}
	c.tick()
	for _, n := range c.nodes {
		if n.ChosenTo() != 101 || n.accepted.bytes != 0 || len(n.accepted.entries) != 0 {
			t.Errorf("node %d: chosen to %d, holds %d bytes in %d entries", n.cfg.ID, n.ChosenTo(), n.accepted.bytes, len(n.accepted.entries))
		}
	}
	if after := used(); after > before+1<<20 {
		t.Errorf("%d bytes in use before, %d after", before, after)
	}
	runtime.KeepAlive(c)
}
