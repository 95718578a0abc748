package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/rivals"
)

// A process is one run of barista: the real Replicator, and in place of replicator.Driver a loop on virtual time that obeys its outputs in
// the same order. It may die between any two things that it does.
type process struct {
	world       *world
	machine     *machine
	cluster     *cluster // nil: it knows none yet
	life        *life
	incarnation uint64
	id          paxos.NodeID
	replicator  *replicator.Replicator // nil: it has no journal yet and asks to join
	journal     *journal.Memory
	met         paxos.Membership // the newest that a peer told, until its own log knows a newer one

	inbox     []replicator.Event
	submitted []replicator.Event // by backends: not taken while too much is pending
	awake     bool
	learnSoon bool
	gathering bool
	dieIn     int // it dies after so many more things done; 0 = it does not
	start     uint64
	parting   bool // it was removed, and waits until that is known

	writer   writer
	joiner   joiner
	rejoiner *process // asks to join in place of this one, which is disowned
	disowned bool     // it was, before it was started

	rivals   rivals.Book
	dialling bool // there is a second cluster, whose nodes it may reach

	permissions permissions
	pins        []*pin
}

// partEvery is how often a node that was removed asks whether others know.
const partEvery = 100 * millisecond

// maxDrain is how many events the loop takes before it obeys.
const maxDrain = 512

// learnDelay is how long followers wait to be told at most.
const learnDelay = 4 * millisecond

// restore builds the node from its journal, as any start does, and sets it going.
func (p *process) restore(admitted paxos.Membership) {
	w, j := p.world, p.machine.journal
	w.runs++
	if err := j.Append([]paxos.Record{paxos.LifeRecord{Life: j.Life().Begin(w.runs)}}, true); err != nil {
		panic(fmt.Sprintf("sim: %s cannot begin a run: %v", p.machine.name, err))
	}
	order := replicator.NewOrder(j.Floor())
	err := j.Scan(func(e paxos.Entry) error {
		if e.Index == p.machine.misreads {
			e.Value.Version++
		}
		_, err := order.Place(e)
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("sim: %s cannot read its journal: %v", p.machine.name, err))
	}
	p.id, p.met, p.cluster, p.disowned = j.Identity().Node, admitted, p.machine.cluster, p.machine.disowned
	core, err := paxos.New(paxos.Config{
		ID: p.id, Cluster: p.cluster.id, Tick: w.plan.tick, Lease: w.plan.lease, Drift: w.plan.drift,
		ElectionMin: w.plan.electionMin, ElectionMax: w.plan.electionMax, SuspendLimit: 5 * second,
		Protocol: w.plan.protocol, MaxInflight: w.plan.maxInflight, MaxInflightBytes: w.plan.maxInflightBytes,
		Rand: rand.New(rand.NewPCG(w.rand.Uint64(), 2)), Now: p.machine.now(),
	}, paxos.Restored{
		Floor: j.Floor(), Promised: j.Promised(), Entries: j.Accepted(), ChosenTo: j.ChosenTo(), Members: order.Members(),
		Life: j.Life(), Sightings: j.Sightings(), Disowned: p.disowned && !planted(disownedVotes),
	})
	if err != nil {
		panic(fmt.Sprintf("sim: %s cannot restore: %v", p.machine.name, err))
	}
	p.journal, p.machine.knows = j, j.ChosenTo()
	p.replicator = replicator.New(w.plan.replicator, core, order)
	p.cluster.check.restored(p)
	p.findData()
	p.machine.server.keep(p)
	p.stayRetired()
	p.tick()
	p.lazySync()
	p.purgeSometimes()
	p.doubt(w.now)
	p.lookAfterServer()
	p.lookAtRoom()
	p.dialRivals()
}

// knows finds a member by its number, as the node's directory does; knowsName by name and incarnation.
func (p *process) knows(id paxos.NodeID) (paxos.Member, bool) { return p.directory().Find(id) }

func (p *process) knowsName(name string, incarnation uint64) (paxos.Member, bool) {
	return p.directory().FindName(name, incarnation)
}

func (p *process) directory() paxos.Membership {
	if members := p.replicator.Status().Members; members.Version > p.met.Version {
		return members
	}
	return p.met
}

// tick is the ticker: a little irregular, as tickers on busy machines are.
func (p *process) tick() {
	p.post(replicator.Tick{})
	p.world.during(p.life, span(p.world.rand, p.world.plan.tick*9/10, p.world.plan.tick*11/10), p.tick)
}

// post brings an event to the loop.
func (p *process) post(e replicator.Event) {
	p.inbox = append(p.inbox, e)
	p.wake()
}

// submit brings an event of a backend.
func (p *process) submit(e replicator.Event) {
	p.submitted = append(p.submitted, e)
	p.wake()
}

func (p *process) wake() {
	if !p.awake {
		p.awake = true
		p.world.during(p.life, span(p.world.rand, 0, 2*p.world.plan.step), p.turn)
	}
}

// turn steps what has come in, so that it makes one batch, and obeys.
func (p *process) turn() {
	p.awake = false
	now := p.machine.now()
	taken := min(len(p.inbox), maxDrain)
	for _, e := range p.inbox[:taken] {
		p.replicator.Step(now, e)
	}
	p.inbox = append([]replicator.Event(nil), p.inbox[taken:]...)
	for len(p.submitted) > 0 && taken < maxDrain && !p.busy() {
		p.replicator.Step(now, p.submitted[0])
		p.submitted = p.submitted[1:]
		taken++
	}
	p.world.figures.Events += taken
	p.obey(p.replicator.Output())
	if p.ended() {
		return
	}
	p.watchMembership()
	if len(p.inbox) > 0 || len(p.submitted) > 0 && !p.busy() {
		p.wake()
	}
}

// busy says that nothing is taken from backends now.
func (p *process) busy() bool { return p.replicator.Busy() || p.replicator.BusyWithChunks() }

func (p *process) ended() bool { return p.life.ended() }

// dies reports whether the process dies here: something was done, and what follows never is.
func (p *process) dies() bool {
	if p.dieIn > 0 && !p.ended() {
		if p.dieIn--; p.dieIn == 0 {
			p.world.figures.Faults++
			p.machine.crash("dies between two things that it does")
		}
	}
	return p.ended()
}

// obey does what an output asks, in the order of its fields.
func (p *process) obey(out replicator.Output) {
	for _, do := range []func(replicator.Output){
		p.obeyServerFirst, p.obeyWorks, p.obeyServer, p.obeyReads, p.obeyRest,
	} {
		do(out)
		if p.dies() {
			return
		}
	}
}

// obeyServerFirst closes the gate, and publishes the lease before any message goes: a change of membership can shorten it.
func (p *process) obeyServerFirst(out replicator.Output) {
	p.start = out.Start
	if r := p.serverRun(); r != nil {
		if out.CloseGate {
			r.closeGate()
		}
		r.lease = out.Lease
		if out.IDLimit != 0 {
			r.idLimit = out.IDLimit
		}
	}
}

func (p *process) obeyWorks(out replicator.Output) {
	for _, work := range out.Works {
		p.cluster.check.asked(p, work)
		p.sendAll(work.Messages)
		if p.dies() {
			return
		}
		if len(work.Records) > 0 || len(work.AfterDurable) > 0 {
			p.toDisk(diskWork{work: work})
		}
	}
}

// obeyServer passes on what is for the server, if it is still the start that the replicator means.
func (p *process) obeyServer(out replicator.Output) {
	r := p.serverRun()
	if r == nil {
		return
	}
	for _, a := range out.Answers {
		r.answer(a)
	}
	if out.DrainGate {
		r.drainGate()
	}
	if out.OpenGate != 0 {
		r.openGate(out.OpenGate)
	}
	if out.Apply != nil {
		out.Apply.ReadFrom(p.journal.Entries)
		r.apply(out.Apply)
	}
	if out.Mark != nil {
		r.mark(out.Mark)
	}
}

func (p *process) obeyReads(out replicator.Output) {
	for _, request := range out.PeerReads {
		p.world.during(p.life, p.diskTime(), func() { p.readForPeer(request) })
	}
	if read := out.Read; read != nil {
		p.world.during(p.life, p.diskTime(), func() { p.readForServer(*read) })
	}
}

func (p *process) obeyRest(out replicator.Output) {
	for _, joined := range out.Joins {
		p.answerJoiner(joined)
	}
	if out.Survey != nil {
		p.survey(*out.Survey)
	}
	if out.Purge != nil {
		p.toDisk(diskWork{purge: out.Purge})
	}
	if out.Backup {
		p.machine.server.rebuild()
	}
	if out.Diverged != "" {
		p.world.violated("divergence", "%s: %s", p.machine.name, out.Diverged)
	}
	if out.LearnSoon && !p.learnSoon {
		p.learnSoon = true
		p.world.during(p.life, learnDelay, func() {
			p.learnSoon = false
			p.post(replicator.FlushLearn{})
		})
	}
	if out.Gather > 0 && !p.gathering {
		p.gathering = true
		p.world.during(p.life, out.Gather, func() {
			p.gathering = false
			p.post(replicator.Gathered{})
		})
	}
}

// serverRun is the start of the server that the replicator means; nil if that is gone.
func (p *process) serverRun() *run {
	if r := p.machine.server.run; r != nil && r.start == p.start {
		return r
	}
	return nil
}

func (p *process) sendAll(messages []paxos.Outgoing) {
	for _, m := range messages {
		p.world.send(p, m.To, m.Stamp, m.Message)
	}
}

// watchMembership lets a node part that was removed.
func (p *process) watchMembership() {
	s := p.replicator.Status()
	if s.Removed && !p.parting {
		p.part(s.Members)
	}
	if s.Odd != "" && p.machine.misreads == 0 {
		p.world.violated("agreement", "%s stops, though nobody has changed its log: %s", p.machine.name, s.Odd)
	}
	if s.Disowned != nil && p.rejoiner == nil {
		p.rejoin(s.Disowned)
	}
}

// part ends a node that is no member any more when a majority of those that are know so. Then an operator empties its disk, and it joins again.
func (p *process) part(members paxos.Membership) {
	p.parting = true
	newest := members
	known := members.KnownTo(func(m paxos.Member) uint32 {
		told := p.askMembers(p.world.machineNamed(m.Name))
		if told.Version > newest.Version {
			newest = told
		}
		return told.Version
	})
	if known || planted(partsAtOnce) {
		p.machine.leave("was removed, and gets an empty disk")
		return
	}
	p.world.during(p.life, partEvery, func() { p.part(newest) })
}
