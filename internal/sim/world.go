package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// A world is one cluster with its clients, its faults and its checkers.
type world struct {
	schedule
	plan     plan
	rand     *rand.Rand
	trace    trace
	network  network
	machines []*machine
	clients  []*client
	ops      []*op
	cluster  *cluster   // the first, or the one for which a person has decided
	clusters []*cluster // that there ever were
	check    *checkers  // of cluster
	figures  Figures
	pairs    []*pair // of nodes of two clusters
	runs     uint32  // of all nodes

	firstFloor paxos.Floor
	growing    bool // not all machines have been voters yet
	calm       bool // no more faults
	silent     bool // no more questions
}

// Result is what became of a run. Err is nil if nobody objected.
type Result struct {
	Figures
	Hash uint64 // of the trace: equal for equal runs
	Err  error
}

// Limits of the calm time after the storm.
const (
	calmLimit = 180 * second // until which everything must be well
	calmTalk  = 3 * second   // for which clients go on
	meetLimit = 6 * second   // in which nodes of two clusters meet and stop
)

// Run plays one seed. If out is not nil it is written what happens.
func Run(seed uint64, out io.Writer) (result Result) {
	r := rand.New(rand.NewPCG(seed, 3))
	plan := newPlan(r)
	plan.databases, plan.schemas = seed%4 == 0 || seed%8 == 6, seed%4 == 2 // not drawn: the other seeds mean what they meant
	if seed%4 == 1 {
		plan.faults = append(plan.faults, rare...)
	}
	if seed%4 == 3 {
		plan.faults = append(plan.faults, rooms...)
	}
	if seed%8 == 2 || seed%8 == 7 {
		plan.faults = append(plan.faults, secondInits...)
		plan.rivals = true
		plan.growing = plan.growing || seed%3 == 0
	}
	w := newWorld(r, plan, out)
	return w.play(func() {
		w.begin()
		w.storm()
		if w.plan.rivals && w.plan.growing {
			w.inStorm(span(w.rand, 0, second), func() { w.initialiseAgain(w.machines[1]) })
		}
		w.runUntil(moment(w.plan.storm))
		w.calmDown()
		w.runUntil(w.now.add(calmTalk))
	})
}

// play lets happen what happens, and then asks the cluster to come to rest.
func (w *world) play(happen func()) (result Result) {
	defer func() {
		if found := recover(); found != nil {
			if v, ok := found.(violation); ok {
				result.Err = v
			} else {
				result.Err = fmt.Errorf("the code under test stopped itself: %v\n%s", found, debug.Stack())
			}
			w.say("", "%v", result.Err)
		}
		w.figures.Seeds, w.figures.Span = 1, paxos.Span(w.now)
		w.figures.Messages, w.figures.Lost = w.network.carried, w.network.lost
		result.Figures, result.Hash = w.figures, w.trace.hash
	}()
	happen()
	w.rest()
	w.check.final()
	return result
}

func newWorld(r *rand.Rand, plan plan, out io.Writer) *world {
	w := &world{rand: r, plan: plan, trace: trace{hash: fnvOffset, out: out}}
	w.network = newNetwork(&w.plan)
	w.growing = w.plan.growing
	for k := range w.plan.size + w.plan.spares {
		m := &machine{world: w, number: k, name: fmt.Sprintf("n%d", k+1), incarnation: w.newIncarnation(), spare: k >= w.plan.size}
		m.server = &server{machine: m}
		w.machines = append(w.machines, m)
	}
	return w
}

func (w *world) newIncarnation() uint64 { return w.rand.Uint64() }

// begin boots the machines: all of them members already, or the first one alone with an empty cluster, which the others join.
func (w *world) begin() {
	members := paxos.FirstMembership(w.machines[0].name, w.machines[0].incarnation, w.machines[0].name)
	founders := w.machines[:1]
	if !w.plan.growing {
		founders = w.machines[:w.plan.size]
		for k, m := range founders[1:] {
			members = members.AddLearner(m.name, m.incarnation, m.name).Promote(paxos.NodeID(k + 2))
		}
	}
	w.firstFloor = paxos.Floor{Members: members}
	w.cluster = w.newCluster(w.firstFloor)
	w.check = w.cluster.check
	for k, m := range founders {
		m.cluster = w.cluster
		m.journal = journal.NewMemory(m.identity(paxos.NodeID(k+1)), w.firstFloor)
		m.server.data = newData()
	}
	for _, m := range w.machines {
		m.boot()
	}
	for k := range w.plan.clients {
		c := newClient(w, k)
		w.clients = append(w.clients, c)
		c.thinks()
	}
}

// runUntil lets everything happen up to a moment.
func (w *world) runUntil(end moment) {
	for len(w.heap) > 0 && w.heap[0].at <= end {
		do, _ := w.next()
		do()
		w.oneLease()
	}
	w.now = max(w.now, end)
}

// calmDown ends all faults: everything runs, is connected, and loses nothing.
func (w *world) calmDown() {
	w.note("", "the storm is over")
	w.calm = true
	w.network.heal()
	w.network.loss, w.network.double, w.network.delay = 0, 0, millisecond
	w.plan.sync, w.plan.applyFailsOne = millisecond, 0
	for _, m := range w.machines {
		m.revive()
		if m.replaced { // then no majority of others may hold everything, and the nodes say that an operator has to give them room
			for _, other := range w.machines {
				other.cramped = false
			}
		}
	}
	w.restaff()
	if len(w.clusters) > 1 {
		w.after(meetLimit, func() {
			w.oneGoesOn()
			w.decide()
		})
		w.after(meetLimit+second, w.decide)
	}
}

// rest waits until everything is well, without clients.
func (w *world) rest() {
	w.silent = true
	limit := w.now.add(calmLimit)
	for {
		w.runUntil(w.now.add(second))
		wrong := w.unwell()
		if wrong == "" {
			return
		}
		if w.now >= limit {
			text := ""
			for _, m := range w.machines {
				text += "\n  " + m.String()
			}
			w.violated("liveness", "%d s after the last fault %s%s", calmLimit/second, wrong, text)
		}
	}
}

// machineNamed finds a machine. Names in a membership are those of machines.
func (w *world) machineNamed(name string) *machine {
	for _, m := range w.machines {
		if m.name == name {
			return m
		}
	}
	panic("sim: no machine is called " + name)
}

// membersChanged notes whose disk counts again.
func (w *world) membersChanged(members paxos.Membership) {
	growing := false
	for _, m := range w.machines {
		member, ok := members.FindName(m.name, m.incarnation)
		if ok && member.Voter {
			m.replaced = m.outdated
		} else {
			growing = true
		}
	}
	w.growing = w.growing && growing
}
