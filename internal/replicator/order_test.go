package replicator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// logOf builds chosen entries one after the other.
type logOf struct {
	t     *testing.T
	order *Order
}

func newLog(t *testing.T) *logOf {
	return &logOf{t, NewOrder(paxos.Floor{Members: paxos.FirstMembership("n1", 11, "127.0.0.1:1")})}
}

// choose places the next entry.
func (l *logOf) choose(epoch paxos.Ballot, kind paxos.Kind, body []byte) *Placed {
	l.t.Helper()
	placed, err := l.order.Place(paxos.Entry{
		Index: l.order.Head() + 1, Ballot: epoch, Value: paxos.Value{Epoch: epoch, Kind: kind, Body: body},
	})
	if err != nil {
		l.t.Fatalf("place entry %d: %v", l.order.Head(), err)
	}
	return placed
}

func setsNamed(names ...string) []byte {
	sets := make([]changeset.ChangeSet, len(names))
	for k, name := range names {
		copy(sets[k].ID[:], name)
		sets[k].Database = "postgres"
	}
	return changeset.AppendChangeSets(nil, sets)
}

func ballot(round uint64, node paxos.NodeID) paxos.Ballot { return paxos.MakeBallot(round, node) }

// A leftover of an old leader, accepted by a minority and adopted much later, is void: it would overwrite newer acknowledged commits,
// while every check of agreement still passes.
//
//  1. Node 1 leads epoch 1.1 and proposes "old" at index 2; only node 1 itself accepts it, and is cut off.
//  2. Node 2 opens epoch 2.2 at index 2 among nodes 2 and 3, and "new" is acknowledged at index 3.
//  3. Node 3 takes over with ballot 3.3; it hears of an "old" that node 1 had also accepted at index 4, adopts it, and it is chosen there.
//
// "old" was computed on what the rows were before "new".
func TestLeftoverOfAnOldEpochIsVoid(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	log.choose(ballot(2, 2), paxos.KindEpochOpen, nil)
	acknowledged := log.choose(ballot(2, 2), paxos.KindChangeSets, setsNamed("new"))
	leftover := log.choose(ballot(1, 1), paxos.KindChangeSets, setsNamed("old"))
	next := log.choose(ballot(2, 2), paxos.KindChangeSets, setsNamed("next"))

	if acknowledged.Void || next.Void {
		t.Errorf("sets of the open epoch must not be void: %v %v", acknowledged.Void, next.Void)
	}
	if !leftover.Void {
		t.Error("the leftover of epoch 1.1 is not void below epoch 2.2")
	}
	if got, want := next.Predecessor, acknowledged.Position(0); got != want {
		t.Errorf("a void set is nobody's predecessor: got %v, want %v", got, want)
	}
}

// Sequence states and chunks of an old epoch are void too, and an epoch-open below the greatest has no effect.
func TestVoidKinds(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(2, 2), paxos.KindEpochOpen, nil)
	stale := []changeset.SequenceState{{Database: "postgres", Schema: "public", Name: "s", Horizon: 99}}
	for _, entry := range []struct {
		kind paxos.Kind
		body []byte
	}{
		{paxos.KindEpochOpen, nil},
		{paxos.KindSequence, changeset.AppendSequences(nil, stale)},
		{paxos.KindChunk, changeset.AppendChunk(nil, changeset.Chunk{})},
		{paxos.KindChangeSets, setsNamed("old")},
	} {
		if placed := log.choose(ballot(1, 1), entry.kind, entry.body); !placed.Void {
			t.Errorf("kind %d of epoch 1.1 is not void after epoch 2.2", entry.kind)
		}
	}
	if got, want := log.order.Greatest(), ballot(2, 2); got != want {
		t.Errorf("greatest epoch %v, want %v", got, want)
	}
	if len(log.order.sequences.head) != 0 || len(log.order.spans) != 0 || log.order.Last() != 0 {
		t.Error("something void has left a trace in the order")
	}
}

// What follows on a gap in an old leader's entries is void, and the new epoch is opened all the same: the gap may have held the chunks of a
// set that comes after it, or the states of the sequences that it used.
func TestEntriesAfterAGapAreVoid(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(4, 2), paxos.KindEpochOpen, nil)
	before := log.choose(ballot(4, 2), paxos.KindChangeSets, setsNamed("before"))
	log.choose(ballot(5, 1), paxos.KindNoop, nil) // held chunk 0
	chunk := log.choose(ballot(4, 2), paxos.KindChunk, changeset.AppendChunk(nil, changeset.Chunk{Ordinal: 1}))
	after := log.choose(ballot(4, 2), paxos.KindChangeSets, setsNamed("after"))
	open := log.choose(ballot(5, 1), paxos.KindEpochOpen, nil)
	next := log.choose(ballot(5, 1), paxos.KindChangeSets, setsNamed("next"))

	if before.Void || open.Void || next.Void {
		t.Errorf("void: before the gap %v, the new epoch %v, its first set %v; want none", before.Void, open.Void, next.Void)
	}
	if !chunk.Void || !after.Void {
		t.Errorf("void after the gap: the chunk %v, the set %v; want both", chunk.Void, after.Void)
	}
	if got, want := next.Predecessor, before.Position(0); got != want {
		t.Errorf("the new epoch follows on %v, want %v", got, want)
	}
}

// Positions name index and ordinal; each set's predecessor is the last set before it that has a position.
func TestPositionsAndPredecessors(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	first := log.choose(ballot(1, 1), paxos.KindChangeSets, setsNamed("a", "b"))
	log.choose(ballot(1, 1), paxos.KindNoop, nil)
	log.choose(ballot(1, 1), paxos.KindMark, changeset.AppendMark(nil, changeset.MarkID{1}))
	second := log.choose(ballot(1, 1), paxos.KindChangeSets, setsNamed("c"))

	for _, c := range []struct{ got, want changeset.Position }{
		{first.PredecessorOf(0), 0},
		{first.Position(0), changeset.At(2, 0)},
		{first.PredecessorOf(1), changeset.At(2, 0)},
		{first.Position(1), changeset.At(2, 1)},
		{second.PredecessorOf(0), changeset.At(2, 1)},
		{second.Position(0), changeset.At(5, 0)},
		{log.order.Last(), changeset.At(5, 0)},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

// A server is shown a chunked set again from its first chunk, and no floor stands above the first chunk of an unfinished one.
func TestChunkedSetHoldsCursorAndFloor(t *testing.T) {
	log := newLog(t)
	id := changeset.ID{7}
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	for range 2 * checkpointEvery {
		log.choose(ballot(1, 1), paxos.KindChangeSets, setsNamed("small"))
	}
	before := log.order.Last()
	first := log.choose(ballot(1, 1), paxos.KindChunk, changeset.AppendChunk(nil, changeset.Chunk{ID: id, Data: []byte("x")}))
	for range 2 * checkpointEvery {
		log.choose(ballot(1, 1), paxos.KindChangeSets, setsNamed("small"))
	}
	if floor, ok := log.order.FloorBelow(log.order.Head()); !ok || floor.Index >= first.Index {
		t.Errorf("floor %d, ok %v; the unfinished set begins at %d", floor.Index, ok, first.Index)
	}
	during := log.order.Last()
	last := []changeset.ChangeSet{{ID: id, Flags: changeset.Last, Chunks: 1, Database: "postgres"}}
	log.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, last))
	if got := log.order.resumeAt(during); got != first.Index {
		t.Errorf("a server at %v resumes at %d, want the first chunk at %d", during, got, first.Index)
	}
	if got := log.order.resumeAt(before); got > first.Index {
		t.Errorf("a server at %v resumes at %d, beyond the first chunk at %d", before, got, first.Index)
	}
	if got, want := log.order.resumeAt(log.order.Last()), first.Index; got != want {
		t.Errorf("the last part's own entry may hold more sets: resume at %d, want %d", got, want)
	}
}

// No floor stands between the chunks of one set, however that ends: a node that starts there could not read the later ones. One stands
// where the set ends, so that its chunks are not kept for longer than they are needed.
func TestFloorCutsNoChunkedSet(t *testing.T) {
	id := changeset.ID{7}
	chunk := func(ordinal uint32) []byte {
		return changeset.AppendChunk(nil, changeset.Chunk{ID: id, Ordinal: ordinal})
	}
	last := []changeset.ChangeSet{{ID: id, Flags: changeset.Last, Chunks: 2, Database: "postgres"}}
	for name, end := range map[string]func(*logOf){
		"finished":    func(l *logOf) { l.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, last)) },
		"rolled back": func(l *logOf) { l.choose(ballot(1, 1), paxos.KindChunk, chunk(discardChunk)) },
		"discarded":   func(l *logOf) { l.choose(ballot(2, 1), paxos.KindEpochOpen, nil) },
	} {
		log := newLog(t)
		log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
		for log.order.Head() < checkpointEvery-1 {
			log.choose(ballot(1, 1), paxos.KindNoop, nil)
		}
		first := log.choose(ballot(1, 1), paxos.KindChunk, chunk(0))
		log.choose(ballot(1, 1), paxos.KindChunk, chunk(1))
		end(log)
		if floor, ok := log.order.FloorBelow(log.order.Head() - 1); ok {
			t.Errorf("%s: a floor at %d, and the set begins at %d and ends at %d", name, floor.Index, first.Index, log.order.Head())
		}
		if floor, ok := log.order.FloorBelow(log.order.Head()); !ok || floor.Index != log.order.Head() {
			t.Errorf("%s: a floor at %d, %v: it may stand where the set ends, at %d", name, floor.Index, ok, log.order.Head())
		}
	}
}

// A chunk that was lost together with its leader takes only its own set with it: the chunks after it are passed over, and a floor may pass.
func TestLostChunkEndsItsSetAlone(t *testing.T) {
	log := newLog(t)
	lost, whole := changeset.ID{7}, changeset.ID{8}
	chunk := func(id changeset.ID, ordinal uint32) {
		log.choose(ballot(1, 1), paxos.KindChunk, changeset.AppendChunk(nil, changeset.Chunk{ID: id, Ordinal: ordinal}))
	}
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	chunk(lost, 0)
	chunk(whole, 0)
	chunk(lost, 2)
	chunk(lost, 3)
	chunk(changeset.ID{9}, 1)
	if log.order.unfinished(lost) >= 0 || log.order.unfinished(whole) < 0 {
		t.Errorf("unfinished must be the whole set alone: %+v", log.order.spans)
	}
	chunk(whole, 1)
	last := []changeset.ChangeSet{{ID: whole, Flags: changeset.Last, Chunks: 2, Database: "postgres"}}
	placed := log.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, last))
	if log.order.Last() != placed.Position(0) {
		t.Errorf("the set beside it ends at %v, want %v", log.order.Last(), placed.Position(0))
	}
	for range 2 * checkpointEvery {
		log.choose(ballot(1, 1), paxos.KindNoop, nil)
	}
	if floor, ok := log.order.FloorBelow(log.order.Head()); !ok || floor.Index <= placed.Index {
		t.Errorf("floor %d, %v: it must be able to pass the lost set at index 2", floor.Index, ok)
	}
}

// A sequence that was dropped is forgotten, with its table or schema too; one that was made again under its name is kept.
func TestDroppedSequencesAreForgotten(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	choose := func(messages ...changeset.Message) {
		var w changeset.Writer
		for _, m := range messages {
			w.Write(m)
		}
		set := changeset.ChangeSet{Flags: changeset.HasDDL | changeset.HasSequences, Database: "postgres", Payload: w.Payload()}
		log.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, []changeset.ChangeSet{set}))
	}
	choose(changeset.Sequence{Schema: "public", Name: "kept", Horizon: 1}, changeset.Sequence{Schema: "public", Name: "again", Horizon: 1})
	elsewhere := []changeset.SequenceState{{Database: "template1", Schema: "public", Name: "gone", Horizon: 5}}
	log.choose(ballot(1, 1), paxos.KindSequence, changeset.AppendSequences(nil, elsewhere))
	for k := range 1000 {
		name := fmt.Sprintf("daily_%d_id_seq", k)
		choose(changeset.Sequence{Schema: "public", Name: name, Horizon: 1})
		used := []changeset.SequenceState{{Database: "postgres", Schema: "public", Name: name, Horizon: 33}}
		log.choose(ballot(1, 1), paxos.KindSequence, changeset.AppendSequences(nil, used))
		choose(changeset.DroppedSequence{Schema: "public", Name: name})
	}
	choose(changeset.DroppedSequence{Schema: "public", Name: "gone"})
	choose(changeset.DroppedSequence{Schema: "public", Name: "again"}, changeset.Sequence{Schema: "public", Name: "again", Horizon: 7})
	var names []string
	for _, s := range log.order.sequences.head.sorted() {
		names = append(names, fmt.Sprintf("%s.%s=%d", s.Database, s.Name, s.Horizon))
	}
	if got, want := strings.Join(names, " "), "postgres.again=7 postgres.kept=1 template1.gone=5"; got != want {
		t.Errorf("the order keeps %s, want %s", got, want)
	}
}

// The sequences of a database that was dropped are forgotten, and no other's; one of its name begins anew.
func TestSequencesOfDroppedDatabasesAreForgotten(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	for _, database := range []string{"shop", "postgres", "shopping"} {
		used := []changeset.SequenceState{{Database: database, Schema: "public", Name: "s", Horizon: 33}}
		log.choose(ballot(1, 1), paxos.KindSequence, changeset.AppendSequences(nil, used))
	}
	var w changeset.Writer
	w.Write(changeset.DroppedDatabase{Name: "shop"})
	set := changeset.ChangeSet{Flags: changeset.HasDDL | changeset.HasSequences, Database: "postgres", Payload: w.Payload()}
	log.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, []changeset.ChangeSet{set}))
	var names []string
	for _, s := range log.order.sequences.head.sorted() {
		names = append(names, s.Database)
	}
	if got := strings.Join(names, " "); got != "postgres shopping" {
		t.Errorf("the order keeps sequences of %s", got)
	}
}

// The sequences of a database that is renamed go by its new name, also when two databases swap theirs.
func TestSequencesOfRenamedDatabases(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	for k, database := range []string{"shop", "postgres", "spare"} {
		used := []changeset.SequenceState{{Database: database, Schema: "public", Name: "s", Horizon: int64(k)}}
		log.choose(ballot(1, 1), paxos.KindSequence, changeset.AppendSequences(nil, used))
	}
	var w changeset.Writer
	w.Write(changeset.RenamedDatabase{From: "shop", To: "between"})
	w.Write(changeset.RenamedDatabase{From: "spare", To: "shop"})
	w.Write(changeset.RenamedDatabase{From: "between", To: "spare"})
	set := changeset.ChangeSet{Flags: changeset.HasDDL | changeset.HasSequences, Database: "postgres", Payload: w.Payload()}
	log.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, []changeset.ChangeSet{set}))
	var states []string
	for _, s := range log.order.sequences.head.sorted() {
		states = append(states, fmt.Sprintf("%s=%d", s.Database, s.Horizon))
	}
	if got, want := strings.Join(states, " "), "postgres=1 shop=2 spare=0"; got != want {
		t.Errorf("the order keeps %s, want %s", got, want)
	}
}

// An order that starts at a floor goes on as the one that the floor was taken from.
func TestFloorCarriesTheState(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(3, 1), paxos.KindEpochOpen, nil)
	state := []changeset.SequenceState{{Database: "postgres", Schema: "public", Name: "s", Horizon: 33, Called: true}}
	log.choose(ballot(3, 1), paxos.KindSequence, changeset.AppendSequences(nil, state))
	for range checkpointEvery {
		log.choose(ballot(3, 1), paxos.KindChangeSets, setsNamed("a"))
	}
	floor, ok := log.order.FloorBelow(log.order.Head())
	if !ok {
		t.Fatal("no floor to take")
	}
	from := &logOf{t, NewOrder(floor)}
	for from.order.Head() < log.order.Head() {
		from.choose(ballot(3, 1), paxos.KindChangeSets, setsNamed("a"))
	}
	if from.order.Last() != log.order.Last() {
		t.Errorf("last position %v, want %v", from.order.Last(), log.order.Last())
	}
	if placed := from.choose(ballot(2, 2), paxos.KindChangeSets, setsNamed("old")); !placed.Void {
		t.Error("the void rule does not hold across the floor")
	}
	if got := from.order.sequences.head[keyOf(state[0])].Horizon; got != 33 {
		t.Errorf("horizon %d across the floor, want 33", got)
	}
	if from.order.Members().Version != 1 {
		t.Errorf("membership version %d across the floor, want 1", from.order.Members().Version)
	}
}
