package sim

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A writer is the one that writes a process's journal: it makes all that has gathered durable in one go, then lets go what waited for it.
type writer struct {
	queue   []diskWork
	writing []diskWork // on its way to the disk; nil: idle
	lazy    uint64     // the last Work that was written and not made durable; 0 = none
	dirty   bool       // something was written and not made durable
	fails   bool       // the next sync fails
	slow    paxos.Span // each sync takes so much longer
	waits   bool       // for room
}

// diskWork is one task of the writer.
type diskWork struct {
	work  replicator.Work
	purge *paxos.Floor
	sync  bool // make durable what was written before
}

// batch is what several works amount to.
type batch struct {
	records []paxos.Record
	durable bool
	seq     uint64
	after   []paxos.Outgoing
	purge   *paxos.Floor
}

// lazyLimit is how long a record that needs no sync of its own stays without one.
const lazyLimit = 200 * millisecond

func (p *process) lazySync() {
	if p.writer.lazy != 0 {
		p.toDisk(diskWork{sync: true})
	}
	p.world.during(p.life, lazyLimit, p.lazySync)
}

// diskTime draws how long a disk takes to answer.
func (p *process) diskTime() paxos.Span {
	d := span(p.world.rand, p.world.plan.sync/2, p.world.plan.sync*2) + p.writer.slow
	if p.world.rand.IntN(100) == 0 {
		d += span(p.world.rand, 0, 200*millisecond)
	}
	return d
}

func (p *process) toDisk(work diskWork) {
	p.writer.queue = append(p.writer.queue, work)
	if p.writer.writing == nil && !p.writer.waits {
		p.write()
	}
}

// write begins to write what has gathered, up to a purge.
func (p *process) write() {
	q := &p.writer
	if len(q.queue) == 0 {
		return
	}
	if q.waits = p.needsRoom(); q.waits {
		p.world.during(p.life, second, p.write)
		return
	}
	n := 1
	for n < len(q.queue) && q.queue[n-1].purge == nil {
		n++
	}
	q.writing, q.queue = q.queue[:n:n], append([]diskWork(nil), q.queue[n:]...)
	p.world.during(p.life, p.diskTime(), func() {
		if q.fails {
			p.world.figures.Faults++
			p.machine.crashProcess("a sync fails: it stops")
			return
		}
		p.wrote(gather(q.writing))
	})
}

func gather(works []diskWork) (b batch) {
	for _, w := range works {
		b.durable = b.durable || w.sync
		for _, record := range w.work.Records {
			if _, lazy := record.(paxos.ChosenRecord); !lazy {
				b.durable = true
			}
			b.records = append(b.records, record)
		}
		b.seq = max(b.seq, w.work.Seq)
		b.after = append(b.after, w.work.AfterDurable...)
		b.purge = w.purge
	}
	b.durable = b.durable || len(b.after) > 0
	return b
}

// wrote is the end of a write: the records are in the journal, and durable if anything asks for it.
func (p *process) wrote(b batch) {
	q := &p.writer
	q.lazy = max(q.lazy, b.seq)
	q.dirty = q.dirty || len(b.records) > 0
	if len(b.records) > 0 || b.durable && q.dirty {
		p.appendRecords(b.records, b.durable)
	}
	if p.dies() {
		return
	}
	if b.durable {
		q.dirty = false
		p.sendAll(b.after)
		if q.lazy > 0 {
			p.post(replicator.Synced{Seq: q.lazy})
		}
		q.lazy = 0
	}
	if p.dies() {
		return
	}
	if b.purge != nil {
		p.purgeTo(*b.purge)
	}
	q.writing = nil
	p.write()
}

func (p *process) appendRecords(records []paxos.Record, durable bool) {
	if err := p.journal.Append(records, durable); err != nil {
		p.world.violated("journal", "%s: %v", p.machine.name, err)
	}
	if durable {
		p.machine.knows = p.journal.ChosenTo()
	}
	p.world.figures.Syncs++
	p.world.note(p.machine.name, "writes", uint64(len(records)))
	p.cluster.check.kept(p, records)
}

// loseWrites is what a crash does to the disk. What is on its way may be there as a whole, or not at all: a batch that was cut short in
// its last record is taken off when the journal is opened. What was only lazily written is lost.
func (p *process) loseWrites() {
	if p.journal == nil {
		return
	}
	if b := gather(p.writer.writing); len(b.records) > 0 && p.world.rand.IntN(3) == 0 {
		p.appendRecords(b.records, true)
	}
	p.machine.journal = p.journal.Reopen()
}

func (p *process) purgeTo(floor paxos.Floor) {
	p.cluster.check.purges(p, floor)
	if err := p.journal.Purge(floor); err != nil {
		p.world.violated("journal", "%s: %v", p.machine.name, err)
	}
	p.world.figures.Purges++
	p.world.note(p.machine.name, "purges", uint64(floor.Index))
	p.post(replicator.Purged{To: floor.Index})
}

// readForPeer sends a peer what it misses: entries, or this journal's floor when they are gone.
func (p *process) readForPeer(request paxos.ReadRequest) {
	version := p.replicator.Status().Members.Version
	if floor := p.journal.Floor(); request.From <= floor.Index {
		p.world.send(p, request.To, paxos.Stamp{}, paxos.FloorState{Version: version, Floor: floor})
		return
	}
	if entries := p.entries(request.From, request.Until); len(entries) > 0 {
		p.world.send(p, request.To, paxos.Stamp{}, paxos.Entries{Version: version, First: request.From, Entries: entries, ChosenTo: request.Until})
	}
}

func (p *process) readForServer(read replicator.Read) {
	p.post(replicator.EntriesRead{From: read.From, Entries: p.entries(read.From, read.To)})
}

// entries reads the journal. What was purged meanwhile is not there; the asker asks again.
func (p *process) entries(from, to paxos.Index) []paxos.Entry {
	if from <= p.journal.Floor().Index {
		return nil
	}
	entries, err := p.journal.Entries(from, to, p.world.plan.readBytes)
	if err != nil {
		panic(fmt.Sprintf("sim: %s reads entry %d: %v", p.machine.name, from, err))
	}
	return entries
}
