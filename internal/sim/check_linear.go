package sim

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// access is one register's part in a transaction: what was read, and what was written; 0 = nothing.
type access write

// registers is the sequential specification: a register holds a value, and a write names the one that it replaces.
var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := make(map[int]int)
		var parts [][]porcupine.Operation
		for _, o := range history {
			key := o.Input.(access).key
			k, ok := byKey[key]
			if !ok {
				k = len(parts)
				byKey[key], parts = k, append(parts, nil)
			}
			parts[k] = append(parts[k], o)
		}
		return parts
	},
	Init: func() any { return opID(0) },
	Step: func(value, input, _ any) (bool, any) {
		a := input.(access)
		if value.(opID) != a.from {
			return false, value
		}
		if a.to != 0 {
			return true, a.to
		}
		return true, value
	},
}

// linearizable checks the whole history of all registers: each transaction takes effect at one moment between its question and its answer.
// One with an unknown outcome that is in the order may do so at any time after its question; one that is not there never did, and if
// anybody has seen it the reader has no place.
func (c *checkers) linearizable() {
	var history []porcupine.Operation
	for _, o := range c.world.ops {
		end := int64(o.ended)
		switch {
		case o.cluster != c.cluster || o.kind == nextvalOp || o.outcome == refused || o.outcome != committed && o.place == 0:
			continue
		case o.outcome != committed:
			end = math.MaxInt64
		}
		for _, a := range o.accesses() {
			history = append(history, porcupine.Operation{ClientId: int(o.id), Input: a, Call: int64(o.began), Return: end})
		}
	}
	if !porcupine.CheckOperations(registers, history) {
		c.world.violated("linearizability", "no order of the %d accesses to registers explains what clients saw", len(history))
	}
	c.world.figures.Accesses += len(history)
}

func (o *op) accesses() (accesses []access) {
	for _, w := range o.writes {
		accesses = append(accesses, access(w))
	}
	for _, key := range o.keys {
		if o.kind == readOp {
			accesses = append(accesses, access{key: key, from: o.values[key]})
		}
	}
	return accesses
}
