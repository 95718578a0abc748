package paxos

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// A quickCluster is some nodes of which the first leads, whose messages arrive
// at once and whose disks take no time. It counts what they ask for.
type quickCluster struct {
	now     Instant
	nodes   []*Node
	encoded bool // messages go through their bytes
	bytes   []byte
	count   count
}

// count is what a cluster has asked of network and disks.
type count struct {
	messages, ofLeader int
	syncs              int
	kinds              map[string]int // of messages, if not nil
}

func newQuickCluster(t testing.TB, size int) *quickCluster {
	members := FirstMembership("n1", 1, "")
	for id := NodeID(2); int(id) <= size; id++ {
		members = members.AddLearner("n", uint64(id), "").Promote(id)
	}
	c := &quickCluster{}
	for id := NodeID(1); int(id) <= size; id++ {
		cfg := testConfig(id)
		cfg.MaxInflight = 256
		cfg.Rand = rand.New(rand.NewPCG(1, uint64(id)))
		n, err := New(cfg, Restored{Floor: Floor{Members: members}, Members: members})
		if err != nil {
			t.Fatal(err)
		}
		n.SetElectable(id == 1)
		c.nodes = append(c.nodes, n)
	}
	for c.nodes[0].Suspended() || c.nodes[0].Role() != Leader {
		c.tick()
	}
	return c
}

func (c *quickCluster) tick() {
	c.now = c.now.Add(100 * ms)
	for _, n := range c.nodes {
		n.Tick(c.now)
	}
	c.run()
}

// run obeys all Readys until there are none.
func (c *quickCluster) run() {
	for busy := true; busy; {
		busy = false
		for _, n := range c.nodes {
			r, ok := n.Ready()
			if !ok {
				continue
			}
			busy = true
			c.send(n.cfg.ID, r.Messages)
			if needsSync(r) {
				c.count.syncs++
			}
			n.Synced(c.now, r.Seq)
			c.send(n.cfg.ID, r.AfterDurable)
		}
	}
}

// needsSync reports whether a Ready needs a sync of its own (see Ready.Seq).
func needsSync(r Ready) bool {
	for _, record := range r.Records {
		if _, lazy := record.(ChosenRecord); !lazy {
			return true
		}
	}
	return len(r.AfterDurable) > 0
}

func (c *quickCluster) send(from NodeID, messages []Outgoing) {
	c.count.messages += len(messages)
	if from == 1 {
		c.count.ofLeader += len(messages)
	}
	for _, o := range messages {
		m := o.Message
		if c.count.kinds != nil {
			c.count.kinds[reflect.TypeOf(m).Name()]++
		}
		if c.encoded {
			var err error
			c.bytes = AppendMessage(c.bytes[:0], testCluster, o.Stamp, m)
			if _, m, err = DecodeMessage(testCluster, MessageType(m), append([]byte(nil), c.bytes...)); err != nil {
				panic(err)
			}
		}
		c.nodes[o.To-1].Receive(c.now, from, o.Stamp, m)
	}
}
