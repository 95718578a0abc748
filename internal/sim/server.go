package sim

import (
	"maps"
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A server is the model of one machine's PostgreSQL: a data folder, and a start of it at a time.
type server struct {
	machine *machine
	data    *data // nil: the folder is empty
	run     *run  // nil: no process of the server is left
	starts  int

	copied     bool   // the data is a copy of a peer's
	copyTooOld bool   // the last data were, and needed a base backup again
	kept       *data  // what the data took the place of; nil: nothing, or it went
	dropped    bool   // the data went with permission, and no copy has proved its worth since
	why        string // why the data are to be fetched anew; empty: they are not
	chain      int    // of what follows on a keep, the one that counts
	recovering bool   // the first recovery of a copy has begun

	brokenUntil moment // it cannot apply before
}

// data is what a data folder holds: commits in their order, of which the last may not be on disk yet, because they are asynchronous.
type data struct {
	commits []commit
	flushed int // so many commits survive a crash
	values  map[int]opID
	xmins   map[int]uint64 // of the transactions that wrote the values here
	nextID  uint64         // of a transaction

	horizons map[opID]int64 // of each database's one sequence, by the transaction that made the database; 0 = what was always there
	files    map[opID]bool  // of databases that come and go, likewise
	dropped  map[opID]bool  // of those, the ones that are to be destroyed

	fresh   bool // a copy whose first recovery has not come to its end
	damaged bool // nothing can be applied to it
}

// A commit is one local transaction: a backend's on the leader, or a batch of apply.
type commit struct {
	position changeset.Position // the applied position that it stored
	undo     []write            // the values that it replaced
	xmins    []uint64           // and theirs
	nextID   uint64             // what a crash leaves of the counter
	dropped  opID               // the database that it took the name from
}

// A write sets a register. A register's value names the transaction that wrote it; 0 is its first value.
type write struct {
	key  int
	from opID
	to   opID
}

func newData() *data {
	return &data{values: make(map[int]opID), xmins: make(map[int]uint64), nextID: 1, horizons: make(map[opID]int64), files: make(map[opID]bool), dropped: make(map[opID]bool)}
}

// applied is the position that the server shows.
func (d *data) applied() changeset.Position {
	if len(d.commits) == 0 {
		return 0
	}
	return d.commits[len(d.commits)-1].position
}

func (d *data) flushedPosition() changeset.Position {
	if d.flushed == 0 {
		return 0
	}
	return d.commits[d.flushed-1].position
}

// commit makes the writes of a local transaction visible, with the position that they bring the server to.
func (d *data) commit(position changeset.Position, id uint64, writes []write) {
	c := commit{position: position, nextID: d.nextID}
	for _, w := range writes {
		c.undo = append(c.undo, write{key: w.key, to: d.values[w.key]})
		c.xmins = append(c.xmins, d.xmins[w.key])
		d.values[w.key], d.xmins[w.key] = w.to, id
	}
	d.commits = append(d.commits, c)
}

// forget loses the last commits, down to so many.
func (d *data) forget(kept int) {
	for len(d.commits) > kept {
		last := d.commits[len(d.commits)-1]
		for k, u := range slices.Backward(last.undo) {
			d.values[u.key], d.xmins[u.key] = u.to, last.xmins[k]
		}
		delete(d.dropped, last.dropped)
		d.commits = d.commits[:len(d.commits)-1]
	}
	d.nextID = 1
	if kept > 0 {
		d.nextID = d.commits[kept-1].nextID
	}
}

// copy is what a base backup brings.
func (d *data) copy() *data {
	return &data{
		commits: slices.Clone(d.commits), flushed: len(d.commits), values: maps.Clone(d.values), xmins: maps.Clone(d.xmins), nextID: d.nextID, horizons: maps.Clone(d.horizons),
		files: maps.Clone(d.files), dropped: maps.Clone(d.dropped),
	}
}

// keepIn keeps the server from some time on. What an earlier call was about to do is not done any more.
func (s *server) keepIn(p *process, d paxos.Span) {
	s.chain++
	chain := s.chain
	s.machine.world.during(p.life, d, func() {
		if s.chain == chain {
			s.keep(p)
		}
	})
}

// keep starts the server, with the data of a peer if it has none or they are to be replaced, as long as the process lives.
func (s *server) keep(p *process) {
	w := s.machine.world
	if s.data == nil || s.why != "" {
		s.provide(p)
		return
	}
	if s.machine.packed && w.rand.IntN(2) == 0 { // it cannot write what it must
		s.keepIn(p, second)
		return
	}
	takes := span(w.rand, 5*millisecond, 500*millisecond)
	if s.data.fresh {
		takes += span(w.rand, 0, 2*second)
		if s.recovering {
			w.figures.Interrupted++
		}
		s.recovering = true
	}
	s.chain++
	chain := s.chain
	w.during(p.life, takes, func() {
		if s.chain == chain {
			s.data.fresh, s.recovering = false, false
			s.begin(p)
		}
	})
}

// begin starts the server, its gate closed.
func (s *server) begin(p *process) {
	s.starts++
	w := p.world
	r := &run{
		server: s, process: p, life: &life{within: p.life}, closed: true, start: uint64(s.machine.number+1)<<32 | uint64(s.starts),
		locks: make(map[int]*backend), sequences: make(map[opID]sequence),
	}
	p.cluster.check.databasesAreWhole(s)
	s.run = r
	w.note(s.machine.name, "server starts at", uint64(s.data.applied()))
	p.post(replicator.ServerStarted{Start: r.start, Applied: s.data.applied()})
	r.flushSometimes()
	s.settle(r)
}

// kill ends every process of the server at once. Some of the commits that were not flushed are lost.
func (s *server) kill() {
	r := s.run
	if r == nil {
		return
	}
	s.run = nil
	r.life.over = true
	if d := s.data; d != nil {
		d.forget(d.flushed + s.machine.world.rand.IntN(len(d.commits)-d.flushed+1))
		d.flushed = len(d.commits) // recovery ends with a checkpoint
	}
	for _, b := range r.backends {
		b.connectionLost()
	}
}

// crash kills the server alone; barista notices and starts it again.
func (s *server) crash(why string) {
	p := s.machine.process
	if s.run == nil || p == nil {
		return
	}
	s.machine.world.note(s.machine.name, why)
	s.kill()
	p.post(replicator.ServerLost{})
	s.keepIn(p, span(s.machine.world.rand, 100*millisecond, second))
}

// flushSometimes is the WAL writer.
func (r *run) flushSometimes() {
	w := r.world()
	w.during(r.life, span(w.rand, 0, 2*w.plan.flushEvery), func() {
		r.server.data.flushed = len(r.server.data.commits)
		r.flushSometimes()
	})
}

func (p *process) purgeSometimes() {
	w := p.world
	w.during(p.life, span(w.rand, w.plan.purgeEvery/2, w.plan.purgeEvery*2), func() {
		p.purge()
		p.purgeSometimes()
	})
}

// purge asks the server what it has flushed, which makes it flush, and lets the replicator decide what the journal can do without.
func (p *process) purge() {
	r := p.machine.server.run
	if r == nil {
		return
	}
	d := p.machine.server.data
	d.flushed = len(d.commits)
	position := d.applied()
	p.world.during(r.life, span(p.world.rand, 0, 50*millisecond), func() {
		p.post(replicator.Flushed{Start: r.start, Position: position, JournalBytes: p.journal.Size(), Pinned: p.lowestPin()})
	})
}
