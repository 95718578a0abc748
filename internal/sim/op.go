package sim

import (
	"bytes"
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
)

// opID numbers transactions from 1. It is also the value that a transaction writes.
type opID uint64

type opKind uint8

const (
	readOp    opKind = iota // of registers
	modifyOp                // of registers: each gets a new value if it still has the one that was read
	nextvalOp               // of the sequence
)

// An outcome is what a client is told.
type outcome uint8

const (
	pending   outcome = iota
	committed         // it is there
	refused           // it is not there, and never will be
	unknown           // it may be there once, or never
)

// An op is one transaction of a client, with all that became of it.
type op struct {
	id       opID
	client   *client
	kind     opKind
	keys     []int // in order
	database string
	schema   string // whose sequence it uses, if that comes and goes

	door, leader *machine // whom the client asked, and whom that passed it on to
	backend      *backend // nil: not begun, or over
	cluster      *cluster // that it was begun in; nil: in none
	gone         bool     // the client does not wait any more
	began, ended moment
	outcome      outcome

	values  map[int]opID // what a read returned
	number  int64        // what nextval returned
	xid     uint64       // its transaction id, on the leader
	writes  []write
	pieces  [][]byte // of a chunked change set, before its payload
	payload []byte

	usesSequence bool // in what it writes
	draws        int  // so many values of the sequence another transaction draws before, and rolls back
	change       *databaseChange
	schemas      *schemaChange
	instance     opID // the database or schema that it works in or changes, if that comes and goes
	ddl          bool // it changes a definition, too

	proposedAt paxos.Index // where it was ever accepted; 0 = nowhere
	place      int         // in the agreed order, from 1; 0 = it has none
}

// submit makes the change set: what the transaction read and what it writes.
func (o *op) submit(r *run, seen map[int]opID) {
	switch {
	case o.change != nil:
		o.submitChange(seen)
	case o.schemas != nil:
		o.submitSchemaChange(r, seen)
	default:
		o.submitWrites(seen)
	}
	if len(o.pieces) > 0 {
		third := len(o.payload) / 3
		o.pieces, o.payload = [][]byte{o.payload[:third], o.payload[third : 2*third]}, o.payload[2*third:]
	}
}

func (o *op) submitWrites(seen map[int]opID) {
	for _, key := range o.keys {
		o.writes = append(o.writes, write{key: key, from: seen[key], to: o.id})
	}
	o.payload = fmt.Appendf(nil, "transaction %d writes %v", o.id, o.writes)
}

// whole is the payload with all its pieces.
func (o *op) whole() []byte { return append(bytes.Join(o.pieces, nil), o.payload...) }

// reply sends the outcome back to the client.
func (o *op) reply(outcome outcome, why string) {
	w := o.client.world
	from := o.leader
	w.after(w.hop(), func() {
		if !w.network.joined(from, o.door) {
			o.lost("the answer was lost")
			return
		}
		o.finish(outcome, why)
	})
}

// lost ends the connection. What had not begun will not begin, and nobody can tell the rest.
func (o *op) lost(why string) {
	o.gone = true
	o.finish(unknown, why)
}

// finish is the client learning the outcome; only the first one counts.
func (o *op) finish(outcome outcome, why string) {
	if o.outcome != pending {
		return
	}
	w := o.client.world
	o.outcome, o.ended, o.gone = outcome, w.now, true
	w.note(o.client.name, "is told", uint64(o.id), uint64(outcome))
	w.say(o.client.name, "transaction %d: %s %s", o.id, [...]string{"", "committed", "refused", "unknown"}[outcome], why)
	w.figures.Told[outcome]++
	if o.cluster != nil {
		o.cluster.check.told(o)
	}
	o.client.thinks()
}
