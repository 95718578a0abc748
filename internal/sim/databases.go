package sim

import (
	"fmt"
	"slices"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/replicator"
)

// Some seeds have databases that come and go. Which database goes by a name is one more register, so it is locked, written, lost in a
// crash, copied and checked as others are: its value is the transaction that made the database, or one that says that there is none.
//
// A database is more than its name: it has files. They are made before its name is agreed on, and destroyed after its name is gone, by each
// server for itself. A server may die between any two of these steps.

// fairs is how many names such databases may have.
const fairs = 3

// fairNone marks a register's value that says that the transaction below it took the name away. 0 says so, too.
const fairNone = opID(1) << 63

func isDatabase(value opID) bool { return value != 0 && value&fairNone == 0 }

func fairName(k int) string { return fmt.Sprintf("fair%d", k+1) }

// fairKey is the register of a name.
func (p *plan) fairKey(k int) int { return p.keys + k }

// registers counts all registers, those of names too.
func (p *plan) registers() int { return p.keys + fairs + len(schemaNames) }

// databaseKey is the register of a database's name; ok is false for those that are always there.
func (p *plan) databaseKey(name string) (key int, ok bool) {
	for k := range fairs {
		if name == fairName(k) {
			return p.fairKey(k), true
		}
	}
	return 0, false
}

// placeKey is the register of the name of the database or schema that a transaction works in; ok is false for one that is always there.
func (p *plan) placeKey(o *op) (key int, ok bool) {
	if o.schema != "" {
		return p.schemaKeyOf(o.schema), true
	}
	return p.databaseKey(o.database)
}

// A databaseChange is what a transaction does to databases.
type databaseChange struct {
	kind     databaseChangeKind
	from, to int // names: of the template or what is dropped or renamed; of what is made. -1: none
}

type databaseChangeKind uint8

const (
	createDatabase databaseChangeKind = iota
	dropDatabase
	renameDatabase
)

// chooseDatabase makes some transactions change databases, and others work in one that comes and goes.
func (o *op) chooseDatabase() {
	w := o.client.world
	if o.kind == readOp {
		return
	}
	a, b := w.rand.IntN(fairs), w.rand.IntN(fairs)
	switch n := w.rand.IntN(12); {
	case n > 5:
		o.database = fairName(a)
		return
	case n > 3:
		return
	case n == 3:
		o.change = &databaseChange{createDatabase, -1, b}
	case n == 2 && a != b:
		o.change = &databaseChange{createDatabase, a, b}
	case n == 1 && a != b:
		o.change = &databaseChange{renameDatabase, a, b}
	default:
		o.change = &databaseChange{dropDatabase, a, -1}
	}
	o.kind, o.database, o.ddl, o.usesSequence, o.pieces, o.keys = modifyOp, "shop", true, false, nil, nil
	for _, k := range []int{o.change.from, o.change.to} {
		if k >= 0 {
			o.keys = append(o.keys, w.plan.fairKey(k))
		}
	}
	slices.Sort(o.keys)
}

// enter connects a session to its database, and to the schema that it is going to use: they must be there, and nobody be changing them.
func (r *run) enter(o *op) bool {
	key, comes := r.world().plan.placeKey(o)
	if !comes {
		return true
	}
	o.instance = r.server.data.values[key]
	return isDatabase(o.instance) && r.locks[key] == nil
}

// mayChange reports whether the databases are as the change needs them: there, not there, and without sessions.
func (b *backend) mayChange() bool {
	c, p := b.op.change, &b.run.world().plan
	if c.to >= 0 && isDatabase(b.seen[p.fairKey(c.to)]) {
		return false
	}
	if c.from < 0 {
		return true
	}
	used := slices.ContainsFunc(b.run.backends, func(other *backend) bool { return other.op.database == fairName(c.from) })
	return isDatabase(b.seen[p.fairKey(c.from)]) && !used
}

// submitChange makes the change set: the registers of the names, and the message that barista reads.
func (o *op) submitChange(seen map[int]opID) {
	c, p := o.change, &o.client.world.plan
	set := func(k int, value opID) {
		key := p.fairKey(k)
		o.writes = append(o.writes, write{key: key, from: seen[key], to: value})
	}
	var message changeset.Writer
	switch c.kind {
	case createDatabase:
		if c.from >= 0 {
			o.instance = seen[p.fairKey(c.from)]
		}
		set(c.to, o.id)
		message.Write(changeset.Statement{Role: "postgres", Tag: "CREATE DATABASE", Text: "CREATE DATABASE " + fairName(c.to)})
	case dropDatabase:
		o.instance = seen[p.fairKey(c.from)]
		set(c.from, fairNone|o.id)
		message.Write(changeset.DroppedDatabase{Name: fairName(c.from)})
	case renameDatabase:
		o.instance = seen[p.fairKey(c.from)]
		set(c.from, fairNone|o.id)
		set(c.to, o.instance)
		message.Write(changeset.RenamedDatabase{From: fairName(c.from), To: fairName(c.to)})
	}
	o.payload = message.Payload()
}

// makeFiles is the copying of a template, before the new database has a name. Nothing takes it back if it never gets one.
func (d *data) makeFiles(o *op) {
	if o.change != nil && o.change.kind == createDatabase {
		d.files[o.id] = true
	}
}

// takeChange is what the last commit did beside its registers.
func (r *run) takeChange(o *op) {
	if o.change == nil {
		return
	}
	d := r.server.data
	switch o.change.kind {
	case createDatabase:
		if d.horizons[o.instance] != 0 && o.change.from >= 0 {
			d.horizons[o.id] = d.horizons[o.instance]
			r.sequences[o.id] = r.sequenceOf(o.instance)
		}
	case dropDatabase:
		d.commits[len(d.commits)-1].dropped = o.instance
		d.dropped[o.instance] = true
	}
	r.cluster().check.databasesAreWhole(r.server)
}

// sweep destroys the files of databases that have no name any more. What took the name away must be on disk before: else a crash would
// bring it back.
func (r *run) sweep() {
	d := r.server.data
	if len(d.dropped) == 0 {
		return
	}
	if !planted(filesGoFirst) {
		d.flushed = len(d.commits)
	}
	for instance := range d.dropped {
		delete(d.files, instance)
	}
	clear(d.dropped)
}

// knows reports whether a server has the database of a batch. One that has states of sequences alone may come after the database is gone.
func (r *run) knows(b *replicator.Batch) bool {
	key, comes := r.world().plan.databaseKey(b.Database)
	if !comes || isDatabase(r.server.data.values[key]) {
		return true
	}
	return !slices.ContainsFunc(b.Items, func(item replicator.Item) bool { return item.Set != nil })
}

// databasesAreWhole: a database that has a name has its files.
func (c *checkers) databasesAreWhole(s *server) {
	for k := range fairs {
		value := s.data.values[c.world.plan.fairKey(k)]
		if c.world.plan.databases && isDatabase(value) && !s.data.files[value] {
			c.world.violated("database", "%s has %s, which transaction %d made, without its files", s.machine.name, fairName(k), value)
		}
	}
}

// entered: what is written in a database or schema takes effect while that one has the name, and no other.
func (c *checkers) entered(op *op) {
	p := &c.world.plan
	key, comes := p.placeKey(op)
	if op.change != nil {
		c.world.figures.Databases++
	}
	if op.schemas != nil {
		c.world.figures.Schemas++
	}
	if op.change != nil && op.change.kind == createDatabase && op.change.from >= 0 {
		key, comes = p.fairKey(op.change.from), true
	}
	if comes && c.order.registers[key] != op.instance {
		c.world.violated("database", "transaction %d worked in database or schema %d, whose name %d has by then", op.id, op.instance, c.order.registers[key])
	}
}
