package replicator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// The states of sequences at any place, whatever the floor, are those that the changes up to there leave, from the very beginning.
func TestStatesAtAnyPlace(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		history := newSequenceHistory(paxos.Floor{})
		var changes []sequenceChange
		index, floor := uint64(1), uint64(0)
		twin := func(to changeset.Position) sequenceStates {
			states := make(sequenceStates)
			for _, c := range changes {
				if c.at <= to {
					states.apply(c)
				}
			}
			return states
		}
		for range 300 {
			index += r.Uint64N(2)
			c := sequenceChange{changeset.At(index, 0), fmt.Sprint("d", r.IntN(3)), randomChange(r)}
			changes = append(changes, c)
			history.change(c.at, c.database, c.message)
			to := changeset.At(floor+r.Uint64N(index-floor+1), r.IntN(2))
			if got, want := history.at(to), twin(to); to >= endOf(paxos.Index(floor)) && !maps.Equal(got, want) {
				t.Fatalf("seed %d: at %v they are %v, want %v", seed, to, got, want)
			}
			if r.IntN(20) == 0 {
				floor += r.Uint64N(index - floor + 1)
				history.trim(paxos.Index(floor))
			}
		}
		if want := twin(changeset.At(index, 0)); !maps.Equal(history.head, want) {
			t.Fatalf("seed %d: at the head they are %v, want %v", seed, history.head, want)
		}
	}
}

func randomChange(r *rand.Rand) changeset.Message {
	name := fmt.Sprint("s", r.IntN(3))
	database := func() string { return fmt.Sprint("d", r.IntN(3)) }
	switch r.IntN(8) {
	case 0:
		return changeset.DroppedSequence{Schema: "public", Name: name}
	case 1:
		return changeset.DroppedDatabase{Name: database()}
	case 2:
		return changeset.RenamedDatabase{From: database(), To: database()}
	default:
		return changeset.Sequence{Schema: "public", Name: name, Horizon: r.Int64N(1000), Called: r.IntN(2) == 0}
	}
}

// A floor carries the states that hold there, not newer ones: a node that goes on from it meets the changes after it once.
func TestFloorCarriesTheStatesOfThere(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	use := func(log *logOf, horizon int64) {
		used := []changeset.SequenceState{{Database: "shop", Schema: "public", Name: "s", Horizon: horizon}}
		log.choose(ballot(1, 1), paxos.KindSequence, changeset.AppendSequences(nil, used))
	}
	use(log, 33)
	for range checkpointEvery {
		log.choose(ballot(1, 1), paxos.KindChangeSets, setsNamed("a"))
	}
	at := log.order.Head()
	use(log, 65)
	floor, ok := log.order.FloorBelow(log.order.Head())
	if !ok || floor.Index > at {
		t.Fatalf("the floor is at %d, %v", floor.Index, ok)
	}
	if len(floor.Sequences) != 1 || floor.Sequences[0].Horizon != 33 {
		t.Errorf("the floor at %d holds %v, want the horizon 33", floor.Index, floor.Sequences)
	}
}

// A server that is ahead of its node's log is not overwritten before the log has come so far, and then not with what was agreed before.
func TestServerAheadOfItsLog(t *testing.T) {
	c, _, others := settled(t, 3)
	r := others[0].r
	c.run(1e9, 1)
	ahead := changeset.At(uint64(r.order.Head())+3, 0)
	r.Step(r.now, ServerStarted{Start: 99, Applied: ahead})
	if out := r.Output(); out.Apply != nil {
		t.Fatalf("it is given %+v", out.Apply)
	}
	for r.order.Head() < paxos.Index(ahead.Index()) {
		used := []changeset.SequenceState{{Database: "shop", Schema: "public", Name: "s", Horizon: int64(r.order.Head())}}
		value := paxos.Value{Kind: paxos.KindSequence, Epoch: r.order.Greatest(), Body: changeset.AppendSequences(nil, used)}
		r.walk(paxos.Entry{Index: r.order.Head() + 1, Value: value})
	}
	out := r.Output() // its counter of transaction ids comes first
	if out.Apply == nil || len(out.Apply.Items) != 1 || out.Apply.Items[0].IDLimit == 0 {
		t.Fatalf("it is given %+v, want the limit of transaction ids", out.Apply)
	}
	r.Step(r.now, Applied{Batch: out.Apply.Number, Position: ahead})
	out = r.Output()
	if out.Apply == nil || len(out.Apply.Items) != 1 || len(out.Apply.Items[0].Sequences) != 1 {
		t.Fatalf("it is given %+v, want the state of the sequence", out.Apply)
	}
	if got := out.Apply.Items[0].Sequences[0].Horizon; got != int64(ahead.Index())-1 {
		t.Errorf("the horizon is %d, want that of the server's position, %d", got, ahead.Index()-1)
	}
	r.Step(r.now, Applied{Batch: out.Apply.Number, Position: ahead})
	if out := r.Output(); out.Apply != nil {
		t.Errorf("then it is given %+v", out.Apply.Items)
	}
}
