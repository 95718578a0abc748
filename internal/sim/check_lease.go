package sim

// oneLease: at no moment may two servers of a cluster believe that they may serve reads.
func (w *world) oneLease() {
	if blind("lease") {
		return
	}
	for k, m := range w.machines {
		if !m.holdsLease() {
			continue
		}
		for _, other := range w.machines[:k] {
			if other.cluster == m.cluster && other.holdsLease() {
				w.violated("lease", "the servers of %s and %s both serve under a lease", other.name, m.name)
			}
		}
	}
}

func (m *machine) holdsLease() bool {
	r := m.server.run
	return r != nil && !r.closed && m.now() < r.lease
}
