package sim

import (
	"slices"

	"github.com/baristadb/barista/internal/paxos"
)

// A pin keeps a journal's floor where a base backup that is under way needs it.
type pin struct{ floor paxos.Index }

func (p *process) lowestPin() paxos.Index {
	var low paxos.Index
	for _, pin := range p.pins {
		if low == 0 || pin.floor < low {
			low = pin.floor
		}
	}
	return low
}

// rebuild gives the server a base backup in place of its data, which is behind every log.
func (s *server) rebuild() { s.renew(tooLate) }

// fetch copies the data of a peer's running server. What is copied is what that server shows at the end of the copying.
func (s *server) fetch(p *process) {
	w := p.world
	s.copyTooOld = s.copied && s.why == tooLate
	p.permissions.own.Begin()
	source := s.source()
	if source == nil {
		s.keepIn(p, span(w.rand, 100*millisecond, second))
		return
	}
	giver, from := source.process, source.server.run
	held := &pin{floor: giver.journal.Floor().Index + 1}
	giver.pins = append(giver.pins, held)
	w.note(s.machine.name, "base backup from", uint64(source.number))
	s.chain++
	chain := s.chain
	w.during(p.life, span(w.rand, 50*millisecond, 2*second), func() {
		giver.pins = slices.DeleteFunc(giver.pins, func(other *pin) bool { return other == held })
		if s.chain != chain {
			return
		}
		if source.server.run == from && from != nil && w.network.joined(source, s.machine) {
			s.take(source.server.data.copy())
			w.figures.Backups++
		}
		s.keep(p)
	})
}

// source is the machine to copy from: a follower's if one can give a copy, unless the last copy was too old.
func (s *server) source() *machine {
	var leading, following *machine
	for _, m := range s.machine.world.machines {
		switch {
		case m == s.machine || m.cluster != s.machine.cluster || m.server.run == nil || m.process.replicator == nil || m.server.data.damaged || !s.machine.world.network.joined(m, s.machine):
		case m.process.replicator.Status().Disowned != nil: // nobody may copy it
		case m.process.replicator.Status().Role == paxos.Leader:
			leading = m
		case following == nil:
			following = m
		}
	}
	if following == nil || leading != nil && s.copyTooOld {
		return leading
	}
	return following
}
