package sim

import (
	"slices"
	"strings"

	"github.com/baristadb/barista/internal/changeset"
)

// Some seeds have schemas in the database that is always there, each with a sequence. Schemas are made and dropped, take each other's names, and
// their sequences are restarted. As with databases, which schema goes by a name is a register. A sequence that is restarted is another one: its
// values may come again.
//
// The extension tells the order of the names that are given up, and of the states under the names that are left, in the change set, which may
// travel in chunks. What it reads there does not change before the transaction's end: nobody else is let into the schema.

var schemaNames = [...]string{"live", "next", "old"}

// schemaKey is the register of a schema's name.
func (p *plan) schemaKey(k int) int { return p.keys + fairs + k }

func (p *plan) schemaKeyOf(name string) int { return p.schemaKey(slices.Index(schemaNames[:], name)) }

// A schemaChange is what a transaction does to schemas.
type schemaChange struct {
	kind schemaChangeKind
	a, b int // names; b is that of a rename or a swap, else -1

	given []string                  // names that sequences give up
	left  []changeset.SequenceState // of the sequences that it made, restarted or moved, by the names that they have then
}

type schemaChangeKind uint8

const (
	createSchema schemaChangeKind = iota
	dropSchema
	renameSchema
	swapSchemas
	restartSequence
)

// chooseSchema makes some transactions change schemas, and others use the sequence of one.
func (o *op) chooseSchema() {
	w := o.client.world
	if o.kind == readOp || o.change != nil {
		return
	}
	a, b := w.rand.IntN(len(schemaNames)), w.rand.IntN(len(schemaNames))
	switch n := w.rand.IntN(14); {
	case n > 6:
		o.database, o.schema = "shop", schemaNames[a]
		o.usesSequence = o.kind == modifyOp
		o.draws = w.rand.IntN(4) * w.rand.IntN(2*sequenceCache) // mostly few
		return
	case n > 4:
		return
	case n == 4:
		o.schemas = &schemaChange{kind: restartSequence, a: a, b: -1}
	case n == 3:
		o.schemas = &schemaChange{kind: dropSchema, a: a, b: -1}
	case n == 2 && a != b:
		o.schemas = &schemaChange{kind: swapSchemas, a: a, b: b}
	case n == 1 && a != b:
		o.schemas = &schemaChange{kind: renameSchema, a: a, b: b}
	default:
		o.schemas = &schemaChange{kind: createSchema, a: a, b: -1}
	}
	o.kind, o.database, o.ddl, o.usesSequence, o.pieces, o.keys = modifyOp, "shop", true, false, nil, nil
	if w.rand.IntN(3) == 0 {
		o.pieces = make([][]byte, 2)
	}
	o.keys = o.schemas.keys(&w.plan)
}

func (c *schemaChange) keys(p *plan) (keys []int) {
	for _, k := range []int{c.a, c.b} {
		if k >= 0 {
			keys = append(keys, p.schemaKey(k))
		}
	}
	slices.Sort(keys)
	return keys
}

// mayChangeSchemas reports whether the schemas are as the change needs them: there, not there, and without users of their sequences.
func (b *backend) mayChangeSchemas() bool {
	c, p := b.op.schemas, &b.run.world().plan
	there := func(k int) bool { return isDatabase(b.seen[p.schemaKey(k)]) }
	used := slices.ContainsFunc(b.run.backends, func(other *backend) bool {
		return other.op.schema != "" && slices.Contains(b.op.keys, p.schemaKeyOf(other.op.schema))
	})
	switch c.kind {
	case createSchema:
		return !used && !there(c.a)
	case renameSchema:
		return !used && there(c.a) && !there(c.b)
	case swapSchemas:
		return !used && there(c.a) && there(c.b)
	default:
		return !used && there(c.a)
	}
}

// submitSchemaChange makes the change set: the registers of the names, and what the extension tells of sequences.
func (o *op) submitSchemaChange(r *run, seen map[int]opID) {
	c, p := o.schemas, &o.client.world.plan
	set := func(k int, value opID) {
		key := p.schemaKey(k)
		o.writes = append(o.writes, write{key: key, from: seen[key], to: value})
		if isDatabase(value) {
			c.left = append(c.left, changeset.SequenceState{
				Database: "shop", Schema: schemaNames[k], Name: "counter", Horizon: r.server.data.horizons[value], Called: true,
			})
		}
	}
	a := seen[p.schemaKey(c.a)]
	switch c.kind {
	case createSchema, restartSequence:
		set(c.a, o.id)
	case dropSchema:
		set(c.a, fairNone|o.id)
	case renameSchema:
		set(c.a, fairNone|o.id)
		set(c.b, a)
	case swapSchemas:
		set(c.a, seen[p.schemaKey(c.b)])
		set(c.b, a)
		c.given = append(c.given, schemaNames[c.b])
	}
	if c.kind != createSchema && c.kind != restartSequence {
		c.given = append(c.given, schemaNames[c.a])
	}
	o.payload = c.payload()
}

func (c *schemaChange) payload() []byte {
	var message changeset.Writer
	text := func(length int) {
		message.Write(changeset.Statement{Role: "postgres", Tag: "ALTER SCHEMA", Text: strings.Repeat("x", length)})
	}
	tells := !c.moves() || !planted(namesNotTold)
	for _, name := range c.given {
		if tells {
			message.Write(changeset.DroppedSequence{Schema: name, Name: "counter"})
		}
		text(10)
	}
	text(100)
	for _, s := range c.left {
		if tells {
			message.Write(changeset.Sequence{Schema: s.Schema, Name: s.Name, Horizon: s.Horizon, Called: s.Called})
		}
	}
	return message.Payload()
}

// moves reports whether sequences have other names afterwards.
func (c *schemaChange) moves() bool { return c.kind == renameSchema || c.kind == swapSchemas }

// applyStates sets the sequences of which a change set tells, where it is applied.
func (r *run) applyStates(o *op) {
	if o.schemas != nil && !(o.schemas.moves() && planted(namesNotTold)) {
		r.setSequence(o.schemas.left)
	}
}
