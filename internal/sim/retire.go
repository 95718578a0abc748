package sim

import "github.com/baristadb/barista/internal/replicator"

// retire has a node take part no more, as one does that has met a larger cluster with its own secret, until somebody starts it again.
func (w *world) retire(p *process) {
	p.post(replicator.Retire{Why: "there is a larger cluster"})
	w.during(p.life, span(w.rand, second, 10*second), func() { p.machine.crashProcess("is started again, although it had retired") })
}
