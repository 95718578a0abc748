package replicator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// payloadWithSequences is a payload of rows and statements between which there are messages about sequences, and these.
func payloadWithSequences(r *rand.Rand) (payload []byte, told []changeset.Message) {
	var w changeset.Writer
	for k := range 30 {
		switch r.IntN(5) {
		case 0:
			told = append(told, changeset.Sequence{Schema: "public", Name: fmt.Sprint("s", k), Horizon: int64(k), Called: true})
			w.Write(told[len(told)-1])
		case 1:
			told = append(told, changeset.DroppedSequence{Schema: "public", Name: fmt.Sprint("s", k)})
			w.Write(told[len(told)-1])
		default:
			w.Write(changeset.Statement{Role: "postgres", Tag: "CREATE TABLE", Text: strings.Repeat("S\x00\x00\x00\x01", r.IntN(100))})
		}
	}
	return w.Payload(), told
}

// What a set tells of sequences is found wherever its chunks end, and nothing else is.
func TestInlineMessagesAcrossChunks(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		payload, want := payloadWithSequences(r)
		var before inlineScan
		rest := payload
		for len(rest) > 1 && r.IntN(10) > 0 {
			n := r.IntN(min(len(rest), 300))
			before.read(rest[:n])
			rest = rest[n:]
		}
		var got []changeset.Message
		set := changeset.ChangeSet{Flags: changeset.HasSequences, Payload: rest}
		if err := eachInline(&set, before, func(m changeset.Message) { got = append(got, m) }); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// A payload that ends within a message, or whose message about a sequence is not one, is an error.
func TestMalformedInlineMessages(t *testing.T) {
	var w changeset.Writer
	w.Write(changeset.Sequence{Schema: "public", Name: "s"})
	whole := w.Payload()
	for name, payload := range map[string][]byte{
		"cut in its header": whole[:3],
		"cut in its body":   whole[:len(whole)-1],
		"cut in another":    {'I', 0, 0, 0, 9, 'x'},
		"long":              append([]byte{'S', 0xff, 0xff, 0xff, 0xff}, make([]byte, 5000)...),
		"another's body":    {'s', 0, 0, 0, 1, 'x'},
	} {
		set := changeset.ChangeSet{Flags: changeset.HasSequences, Payload: payload}
		if err := eachInline(&set, inlineScan{}, func(changeset.Message) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The order knows what became of sequences in a set that travelled in chunks: the states would otherwise be those from before it.
func TestSequencesOfAChunkedSet(t *testing.T) {
	log := newLog(t)
	log.choose(ballot(1, 1), paxos.KindEpochOpen, nil)
	used := []changeset.SequenceState{
		{Database: "postgres", Schema: "public", Name: "big_id_seq", Horizon: 33}, {Database: "postgres", Schema: "public", Name: "gone", Horizon: 33},
	}
	log.choose(ballot(1, 1), paxos.KindSequence, changeset.AppendSequences(nil, used))
	var w changeset.Writer
	w.Write(changeset.DroppedSequence{Schema: "public", Name: "gone"})
	w.Write(changeset.Statement{Role: "postgres", Tag: "TRUNCATE TABLE", Text: strings.Repeat("x", 1000)})
	w.Write(changeset.Sequence{Schema: "public", Name: "big_id_seq", Horizon: 100032, Called: true})
	payload, id := w.Payload(), changeset.ID{7}
	cut := len(payload) - 10
	for k, chunk := range [][]byte{payload[:7], payload[7:cut]} {
		log.choose(ballot(1, 1), paxos.KindChunk, changeset.AppendChunk(nil, changeset.Chunk{ID: id, Ordinal: uint32(k), Data: chunk}))
	}
	set := changeset.ChangeSet{ID: id, Flags: changeset.HasDDL | changeset.HasSequences | changeset.Last, Chunks: 2, Database: "postgres", Payload: payload[cut:]}
	log.choose(ballot(1, 1), paxos.KindChangeSets, changeset.AppendChangeSets(nil, []changeset.ChangeSet{set}))
	if states := log.order.sequences.head.sorted(); len(states) != 1 || states[0].Horizon != 100032 {
		t.Errorf("the order keeps %v, want the horizon 100032 of big_id_seq alone", states)
	}
}

// A sequence that takes another one's name, alone or along with its database's, is agreed on anew, whatever was newer of its namesake; and so is one
// that was restarted.
func TestSequenceBookForgetsNames(t *testing.T) {
	for name, message := range map[string]changeset.Message{
		"given up": changeset.DroppedSequence{Schema: "live", Name: "s"}, "taken": changeset.Sequence{Schema: "live", Name: "s", Horizon: 1},
		"taken with its database's": changeset.RenamedDatabase{From: "spare", To: "shop"},
	} {
		var book sequenceBook
		var p pending
		book.reset()
		note := func(lsn uint64) paxos.Index {
			return book.note([]changeset.SequenceState{{Database: "shop", Schema: "live", Name: "s", LSN: lsn}}, &p)
		}
		note(100)
		book.proposedAt(7, &p)
		book.agreed = 7
		if wait := note(90); wait != 0 {
			t.Fatalf("an older state waits for %d", wait)
		}
		var w changeset.Writer
		w.Write(message)
		set := changeset.ChangeSet{Flags: changeset.HasSequences, Database: "shop", Payload: w.Payload()}
		if err := book.noteInline(&set, inlineScan{}); err != nil {
			t.Fatal(err)
		}
		if wait := note(90); wait != inPending {
			t.Errorf("%s: the other sequence's state waits for %d, not for a proposal", name, wait)
		}
	}
}
