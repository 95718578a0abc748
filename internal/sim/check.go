package sim

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// The checkers watch from outside. They are told of every message that a node sends, of every record that it asks its disk to keep, of every
// record that is durable, of every commit that a server shows, and of everything that clients are told; they ask the code under test nothing.
type checkers struct {
	world     *world
	cluster   *cluster
	agreement agreement
	order     order
	promises  promises
	witnesses map[paxos.NodeID]*witness
	given     map[given]opID // values of sequences, and who got them
	ids       idsShown
}

func newCheckers(of *cluster, first paxos.Floor) *checkers {
	return &checkers{
		world: of.world, cluster: of, agreement: newAgreement(first.Members), order: newOrderTwin(first.Members), promises: newPromises(),
		witnesses: make(map[paxos.NodeID]*witness), given: make(map[given]opID),
		ids: idsShown{versions: make(map[version]opID)},
	}
}

// A witness remembers what one node has said through its records.
type witness struct {
	accepted map[paxos.Index]paxos.Value // of the entries that it has not called chosen
	chosenTo paxos.Index
}

// A violation is what a checker objects to.
type violation struct {
	rule string
	text string
}

func (v violation) Error() string { return v.rule + ": " + v.text }

// violated ends the run.
func (w *world) violated(rule, format string, args ...any) {
	panic(violation{rule, fmt.Sprintf(format, args...)})
}

// restored begins anew with a node that was started: what it had not on disk, it has forgotten.
func (c *checkers) restored(p *process) {
	wit := &witness{accepted: make(map[paxos.Index]paxos.Value), chosenTo: p.journal.ChosenTo()}
	for _, e := range p.journal.Accepted() {
		wit.accepted[e.Index] = e.Value
	}
	c.witnesses[p.id] = wit
	c.survived(p)
}

// asked sees the work that a node asks for, before any of it is done.
func (c *checkers) asked(p *process, work replicator.Work) {
	wit := c.witnesses[p.id]
	for _, record := range work.Records {
		switch r := record.(type) {
		case paxos.AcceptRecord:
			wit.accepted[r.Entry.Index] = r.Entry.Value
			if r.Entry.Ballot.Node() == p.id {
				c.proposes(r.Entry)
			}
		case paxos.ChosenRecord:
			for wit.chosenTo < r.To {
				wit.chosenTo++
				value, ok := wit.accepted[wit.chosenTo]
				if !ok {
					c.world.violated("agreement", "%s calls index %d chosen and has accepted nothing there", p.machine.name, wit.chosenTo)
				}
				delete(wit.accepted, wit.chosenTo)
				c.chosen(p, wit.chosenTo, value)
			}
		case paxos.FloorRecord:
			wit.chosenTo = max(wit.chosenTo, r.Floor.Index)
			c.purges(p, r.Floor)
		}
	}
}

// kept sees records when they are durable, or, of ChosenRecords, written.
func (c *checkers) kept(p *process, records []paxos.Record) {
	for _, record := range records {
		if r, ok := record.(paxos.AcceptRecord); ok {
			c.agreement.keep(p.id, r.Entry)
		}
	}
}
