package sim

import (
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A script says what happens in a run, one thing after the other. Chance says only how long each takes, so a script means the same
// whatever the simulation draws; a seed does not. What a seed has found is written down as one.
type script struct {
	name string
	plan func(*plan) // what it needs other than calmPlan; nil: nothing
	play func(*scene)
}

// A scene is where a script is played: a world without clients and faults of its own.
type scene struct {
	*world
	client *client
}

// calmPlan is a cluster of three in which nothing goes wrong by chance, and no journal is purged unless the script says so.
func calmPlan() plan {
	return plan{
		size: 3, databases: true, keys: 3, delay: 200 * microsecond, sync: 100 * microsecond, step: 10 * microsecond,
		flushEvery: 200 * millisecond, purgeEvery: 10000 * second, storm: 1000 * second,
		tick: 100 * millisecond, lease: second, drift: 100 * millisecond, electionMin: second, electionMax: 2 * second,
		maxInflight: 256, maxInflightBytes: 1 << 20, readBytes: 1 << 20, restartAfter: 200 * millisecond,
	}
}

func (s script) run(chance uint64, out io.Writer) Result {
	p := calmPlan()
	if s.plan != nil {
		s.plan(&p)
	}
	st := &scene{world: newWorld(rand.New(rand.NewPCG(chance, 5)), p, out)}
	return st.world.play(func() {
		st.begin()
		st.client = &client{world: st.world, name: "c", told: true}
		s.play(st)
		st.calmDown()
	})
}

// scripts are all that there are; each stands beside what it is about.
var scripts = slices.Concat(sequenceScripts, standstillScripts, brokenScripts, renewalScripts, voteScripts, rivalScripts)

func TestScripts(t *testing.T) {
	// Shows that what seeds once found stays mended, however long each step takes.
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for chance := range uint64(20) {
				if r := s.run(chance, nil); r.Err != nil {
					t.Errorf("with chance %d: %v", chance, r.Err)
				}
			}
		})
	}
}

// until lets things happen until a condition holds.
func (s *scene) until(what string, holds func() bool) {
	for limit := s.now.add(100 * second); !holds(); {
		do, ok := s.next()
		if !ok || s.now > limit {
			s.violated("script", "it does not come to this: %s", what)
		}
		do()
		s.oneLease()
	}
}

// pass lets things happen for some time.
func (s *scene) pass(d paxos.Span) { s.runUntil(s.now.add(d)) }

// rested waits until everything that runs is at the end of the order.
func (s *scene) rested() {
	s.until("all is well", func() bool { return s.unwell() == "" })
}

// leader waits for a machine whose gate is open, which nobody is about to take from it.
func (s *scene) leader() (leader *machine) {
	s.until("somebody leads", func() bool {
		leader = s.open()
		return leader != nil && leader == s.leading() && leader.server.run.lease > leader.now()
	})
	return leader
}

// handOver makes a machine lead.
func (s *scene) handOver(to *machine) {
	for asked := moment(0); s.leader() != to; {
		if s.now >= asked {
			s.leader().process.post(replicator.Transfer{To: to.process.id})
			asked = s.now.add(second)
		}
		s.pass(10 * millisecond)
	}
}

// away takes a machine's power until it is booted.
func (s *scene) away(m *machine) {
	m.crash("is switched off")
	m.downUntil = moment(1 << 62)
}

// purges lets a node's journal go as far as it may, and reports how far that is.
func (s *scene) purges(m *machine) paxos.Index {
	s.pass(second) // until everybody has heard what everybody has on disk
	m.process.purge()
	s.pass(second)
	return m.journal.Floor().Index
}

// begins has the leader begin a transaction.
func (s *scene) begins(o *op) *op {
	leader := s.leader()
	o.id, o.client, o.door, o.leader, o.began = opID(len(s.ops)+1), s.client, leader, leader, s.now
	if o.database == "" {
		o.database = "shop"
	}
	s.ops = append(s.ops, o)
	s.client.op = o
	o.arrive()
	return o
}

// ask has the leader carry out a transaction, which must be committed.
func (s *scene) ask(o *op) *op {
	s.begins(o)
	s.until("a transaction ends", func() bool { return o.outcome != pending })
	if o.outcome != committed {
		s.violated("script", "transaction %d was not committed", o.id)
	}
	return o
}

func (s *scene) nextval(database string) int64 {
	return s.ask(&op{kind: nextvalOp, database: database}).number
}

func (s *scene) modify() { s.ask(&op{kind: modifyOp, keys: []int{0}}) }

// modifyInChunks is a transaction at whose end a floor may stand.
func (s *scene) modifyInChunks() {
	s.ask(&op{kind: modifyOp, keys: []int{0}, pieces: make([][]byte, 2)})
}

func (s *scene) change(c databaseChange) {
	o := &op{kind: modifyOp, ddl: true, change: &c}
	for _, k := range []int{c.from, c.to} {
		if k >= 0 {
			o.keys = append(o.keys, s.plan.fairKey(k))
		}
	}
	slices.Sort(o.keys)
	s.ask(o)
}

func (s *scene) create(to int)       { s.change(databaseChange{createDatabase, -1, to}) }
func (s *scene) drop(from int)       { s.change(databaseChange{dropDatabase, from, -1}) }
func (s *scene) rename(from, to int) { s.change(databaseChange{renameDatabase, from, to}) }
