package sim

import (
	"cmp"

	"github.com/baristadb/barista/internal/changeset"
)

// sequenceCache is how many values a server takes at once: its horizon moves by so many, and must be agreed on before the first of them is
// given away, or together with the change set that uses it.
const sequenceCache = 8

// A sequence is what a start of a server knows of one: the next value, less one, and the version of its page.
type sequence struct {
	last int64
	lsn  uint64
}

// sequenceOf is the sequence of a database. After a start of the server it goes on behind the horizon.
func (r *run) sequenceOf(database opID) sequence {
	if s, ok := r.sequences[database]; ok {
		return s
	}
	return sequence{last: r.server.data.horizons[database]}
}

// nextval takes the next value of the database's sequence, and returns the state that must be agreed on before anybody may see the value.
func (b *backend) nextval() []changeset.SequenceState {
	r, database := b.run, b.op.instance
	s, horizons := r.sequenceOf(database), r.server.data.horizons
	s.last++
	if s.last > horizons[database] {
		horizons[database] = s.last + sequenceCache - 1
		r.lsn++
		s.lsn = r.lsn
	}
	r.sequences[database] = s
	b.op.number = s.last
	name, schema := "shop", "public"
	if b.op.schema != "" {
		schema = b.op.schema
	} else if database != 0 {
		name = b.op.database
	}
	return []changeset.SequenceState{{Database: name, Schema: schema, Name: "counter", Horizon: horizons[database], Called: true, LSN: s.lsn}}
}

// drawInVain takes values in a transaction that is rolled back: the horizon may move, and nobody hears of it.
func (b *backend) drawInVain() {
	for range b.op.draws {
		b.nextval()
	}
}

// setSequence makes the agreed state the server's: a former leader is ahead of what was agreed, and a follower behind it. The state of one
// whose database has gone since is passed over.
func (r *run) setSequence(states []changeset.SequenceState) {
	for _, s := range states {
		database, ok := r.server.data.sequenceAt(&r.world().plan, sequenceName{s.Database, s.Schema})
		if !ok {
			continue
		}
		r.lsn++
		r.server.data.horizons[database] = s.Horizon
		r.sequences[database] = sequence{last: s.Horizon, lsn: r.lsn}
	}
}

// A sequenceName is where a sequence is: each database that comes and goes, each schema, and the database that is always there have one.
type sequenceName struct{ database, schema string }

func (n sequenceName) compare(other sequenceName) int {
	return cmp.Or(cmp.Compare(n.database, other.database), cmp.Compare(n.schema, other.schema))
}

// sequenceAt is the database or schema whose sequence goes by a name.
func (d *data) sequenceAt(p *plan, name sequenceName) (instance opID, ok bool) {
	key, comes := p.databaseKey(name.database)
	if name.schema != "public" {
		key, comes = p.schemaKeyOf(name.schema), true
	}
	if !comes {
		return 0, true
	}
	return d.values[key], isDatabase(d.values[key])
}

// given is one value of one database's or schema's sequence.
type given struct {
	database opID
	value    int64
}

// gives: no value of a sequence is given to two clients, nor stands in two change sets.
func (c *checkers) gives(o *op) {
	value := given{o.instance, o.number}
	if other := c.given[value]; other != 0 {
		c.world.violated("sequence", "transactions %d and %d both got %d", other, o.id, o.number)
	}
	c.given[value] = o.id
}
