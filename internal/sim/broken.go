package sim

import (
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A server may come to be unable to apply: its disk is full, or something in its data folder is damaged. The states of sequences can often still be
// written, for they take no room and lie elsewhere. It ends by itself, or when the server gets a base backup.

// everBroken is how long a server is broken that nothing mends by itself.
const everBroken = moment(1 << 62)

// retryDelay is for how long the node waits before it tries again to apply what failed, at most.
const retryDelay = 500 * millisecond

// fails reports whether the server cannot take a batch.
func (s *server) fails(b *replicator.Batch) bool {
	return s.machine.world.now < s.brokenUntil && b.Position != b.Predecessor
}

// refuse tells that the server has not taken a batch.
func (r *run) refuse(b *replicator.Batch, code string) {
	w := r.world()
	r.during(span(w.rand, 50*millisecond, retryDelay), func() {
		r.process.post(replicator.ApplyFailed{Batch: b.Number, Position: r.applied(), Reason: "it cannot", Code: code})
	})
}

// breakServer lets a server fail to apply for some time, or until it is given other data.
func (w *world) breakServer(m *machine) {
	s := m.server
	s.brokenUntil = w.pauseEnd()
	if w.rand.IntN(2) > 0 {
		return
	}
	w.inStorm(span(w.rand, 0, 20*second), func() {
		if w.now < s.brokenUntil && s.mayRebuild() {
			s.renew("gets other data")
		}
	})
}

// mayRebuild reports whether the server's data can be had from others: it runs and does not lead, and every other machine has its own.
func (s *server) mayRebuild() bool {
	p := s.machine.process
	if s.run == nil || !s.run.closed || p == nil || p.replicator == nil || p.replicator.Status().Role == paxos.Leader {
		return false
	}
	for _, m := range s.machine.world.machines {
		if m.server.data == nil || m.journal == nil {
			return false
		}
	}
	return true
}
