package sim

import "slices"

// meetingLimit is how long after a handshake the gate of a node that stops may still give answers, of what runs while it is not paused.
const meetingLimit = second

// A pair are two nodes of two clusters that have met. From some time after that on, one of them takes no part any more in its cluster, whoever starts it
// again, until a person decides. Which one the rule says; here it is enough that it is never both.
type pair struct {
	machines     [2]*machine
	incarnations [2]uint64
	takesPart    [2]bool
}

// same reports whether two pairs are of the same nodes.
func (p *pair) same(q *pair) bool {
	return p.machines == q.machines && p.incarnations == q.incarnations
}

// haveMet is told of a handshake at whose end both have proved the secret.
func (w *world) haveMet(a, b *process) {
	if a.cluster == b.cluster || a.ended() || b.ended() {
		return
	}
	w.figures.Met++
	met := &pair{machines: [2]*machine{a.machine, b.machine}, incarnations: [2]uint64{a.incarnation, b.incarnation}}
	w.during(a.life, meetingLimit, func() {
		w.during(b.life, meetingLimit, func() { // both had the time to stop, and to note that
			if !slices.ContainsFunc(w.pairs, met.same) {
				w.pairs = append(w.pairs, met)
			}
		})
	})
}

// goesOn sees a node take part in its cluster: vote or lead, open its gate, or tell a client that a transaction is committed.
func (p *process) goesOn(how string) {
	p.isSure(how)
	for _, met := range p.world.pairs {
		for k, m := range met.machines {
			if m != p.machine || met.incarnations[k] != p.incarnation {
				continue
			}
			met.takesPart[k] = true
			if other := met.machines[1-k]; met.takesPart[1-k] {
				p.world.violated("rivals", "%s %s though it has met %s of another cluster, which goes on, too", m.name, how, other.name)
			}
		}
	}
}

// end checks the history of a cluster for which a person has not decided: up to here it is one like every other.
func (c *cluster) end() {
	c.over = true
	w := c.world
	for _, m := range w.machines {
		if m.cluster == c && m.process != nil && m.process.replicator != nil {
			c.check.survived(m.process)
		}
	}
	c.check.linearizable()
	w.pairs = nil
	for _, o := range w.ops {
		if o.cluster == c && o.outcome == committed {
			w.figures.Beside++
		}
	}
}

// oneGoesOn: where nothing keeps nodes of two clusters from each other, clients of one of them at most are served.
func (w *world) oneGoesOn() {
	if w.rival() == nil {
		return
	}
	var serving *machine
	for _, m := range w.machines {
		if r := m.server.run; r == nil || r.closed {
			continue
		}
		if serving != nil && serving.cluster != m.cluster {
			w.violated("rivals", "%s and %s serve, of two clusters", serving.name, m.name)
		}
		serving = m
	}
}
