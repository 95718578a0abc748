package sim

import (
	"math/rand/v2"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A plan is what a seed decides before anything happens: how large the cluster is, how bad its world, how small its limits. Each seed
// leaves many things out, because faults hide one another: a cluster that is always torn apart never fills its journal.
type plan struct {
	size    int        // nodes
	storm   paxos.Span // how long faults happen
	growing bool       // the cluster begins with one node and the others join
	spares  int        // machines that join as spares
	rivals  bool       // machines are initialised a second time, and a person decides before the storm is over
	ordered bool       // operators remove and add members, and machines are away for long; then no disk is lost

	databases  bool // there are some that come and go
	schemas    bool // likewise, with their sequences
	clients    int
	keys       int        // registers; few of them mean many conflicts
	think      paxos.Span // of a client between two transactions, on average
	chunkedOne int        // one transaction in so many is a chunked one; 0 = none

	lossPercent   int
	doublePercent int
	delay         paxos.Span // of a message, on average
	sync          paxos.Span // of a disk, on average
	step          paxos.Span // of a process until it has looked at what came in, on average
	flushEvery    paxos.Span // of a server
	purgeEvery    paxos.Span

	faultEvery paxos.Span
	faults     []fault // of which one is drawn each time; may hold one more than once

	protocol                 paxos.Protocol
	tick                     paxos.Span
	lease                    paxos.Span
	drift                    paxos.Span
	electionMin, electionMax paxos.Span
	maxInflight              int
	maxInflightBytes         int
	replicator               replicator.Config
	readBytes                int // of entries in one answer of the journal
	restartAfter             paxos.Span
	applyFailsOne            int // one in so many; 0 = never
}

// span draws one between low and high.
func span(r *rand.Rand, low, high paxos.Span) paxos.Span {
	return low + paxos.Span(r.Int64N(int64(high-low)+1))
}

// pick draws one of several.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func newPlan(r *rand.Rand) plan {
	p := plan{
		size: pick(r, 3, 3, 5), storm: span(r, 10*second, 40*second), growing: r.IntN(6) == 0, ordered: r.IntN(4) == 0,
		clients: 2 + r.IntN(5), keys: 1 + r.IntN(5), think: span(r, 10*millisecond, 400*millisecond), chunkedOne: pick(r, 0, 4, 15),
		lossPercent: pick(r, 0, 1, 3, 10), doublePercent: pick(r, 0, 1, 5), delay: pick(r, 200*microsecond, 2*millisecond, 20*millisecond),
		sync: pick(r, 100*microsecond, 2*millisecond, 15*millisecond), step: pick(r, 10*microsecond, 200*microsecond),
		flushEvery: pick(r, 200*millisecond, 3*second), purgeEvery: pick(r, second, 10*second),
		faultEvery: span(r, 300*millisecond, 4*second), faults: pickFaults(r),
		tick: 100 * millisecond, lease: second, drift: 100 * millisecond, electionMin: second, electionMax: 2 * second,
		maxInflight: pick(r, 4, 16, 256), maxInflightBytes: pick(r, 300, 1<<20, 1<<20), readBytes: pick(r, 200, 2000, 1<<20),
		restartAfter: pick(r, 200*millisecond, 3*second), applyFailsOne: pick(r, 0, 30),
	}
	p.replicator = replicator.Config{
		MaxBatchSets: pick(r, 1, 1, 3, 64), MaxBatchBytes: pick(r, 100, 4<<20), MaxPending: pick(r, 2, 1<<16), MaxPipeline: pick(r, 1, 4, 8),
		RecentBytes:    pick(r, 500, 5000, 1<<20),
		ApplyBatchSets: pick(r, 1, 3, 512), ElectableLag: pick(r, 20, 10000), Retention: pick(r, int64(2000), 20000, 1<<30),
		AdmitLag: pick(r, 4, 256), AdmitPatience: 2 * second,
	}
	if r.IntN(8) == 0 {
		p.protocol = paxos.Basic
	}
	if p.ordered {
		p.spares, p.replicator.ReplaceDead = r.IntN(2), pick(r, 0, 2*second, 6*second)
		p.faults = append(append(p.faults, ordering...), ordering...)
	}
	return p
}
