package sim

// oneLease: at no moment may two servers believe that they may serve reads.
func (c *checkers) oneLease() {
	var holder *run
	if blind("lease") {
		return
	}
	for _, m := range c.world.machines {
		r := m.server.run
		if r == nil || r.closed || m.now() >= r.lease {
			continue
		}
		if holder != nil {
			c.world.violated("lease", "the servers of %s and %s both serve under a lease", holder.server.machine.name, m.name)
		}
		holder = r
	}
}
