package sim

import (
	"fmt"
	"io"
	"reflect"

	"github.com/baristadb/barista/internal/paxos"
)

// A trace is a hash of all that has happened, and its text if somebody wants to read it.
type trace struct {
	hash uint64
	out  io.Writer // nil: nobody reads
}

// FNV-1a, by its published offset and prime.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func (t *trace) number(n uint64) {
	for shift := 0; shift < 64; shift += 16 {
		t.hash = (t.hash ^ n>>shift&0xffff) * fnvPrime
	}
}

func (t *trace) text(s string) {
	for k := range len(s) {
		t.hash = (t.hash ^ uint64(s[k])) * fnvPrime
	}
}

func (t *trace) bytes(b []byte) {
	for _, c := range b {
		t.hash = (t.hash ^ uint64(c)) * fnvPrime
	}
}

// note takes an event into the hash. who and what must be constants of the run; the numbers say the rest.
func (w *world) note(who, what string, numbers ...uint64) {
	w.trace.number(uint64(w.now))
	w.trace.text(who)
	w.trace.text(what)
	for _, n := range numbers {
		w.trace.number(n)
	}
	if w.trace.out != nil {
		w.say(who, "%s %d", what, numbers)
	}
}

// say writes a line for the reader, if there is one. It is no part of the hash.
func (w *world) say(who, format string, args ...any) {
	if w.trace.out != nil {
		fmt.Fprintf(w.trace.out, "%12.6f %-4s %s\n", float64(w.now)/1e9, who, fmt.Sprintf(format, args...))
	}
}

// describe writes a message on one line, without bodies.
func describe(m paxos.Message) string {
	switch m := m.(type) {
	case paxos.Accept:
		return fmt.Sprintf("accept v%d %v, %s, chosen to %d", m.Version, m.Ballot, describeValues(m.First, m.Values), m.ChosenTo)
	case paxos.Promise:
		return fmt.Sprintf("promise v%d %v, chosen to %d, %s", m.Version, m.Ballot, m.ChosenTo, describeEntries(m.Entries))
	case paxos.Entries:
		return fmt.Sprintf("entries v%d from %d, chosen to %d, %s", m.Version, m.First, m.ChosenTo, describeEntries(m.Entries))
	case paxos.FloorState:
		return fmt.Sprintf("floor v%d %d", m.Version, m.Floor.Index)
	}
	return fmt.Sprintf("%s %+v", reflect.TypeOf(m).Name(), m)
}

func describeValues(first paxos.Index, values []paxos.Value) string {
	text := ""
	for k, v := range values {
		text += fmt.Sprintf(" %d:%s", first+paxos.Index(k), describeValue(v))
	}
	return text
}

func describeEntries(entries []paxos.Entry) string {
	text := ""
	for _, e := range entries {
		text += fmt.Sprintf(" %d@%v:%s", e.Index, e.Ballot, describeValue(e.Value))
	}
	return text
}

func describeValue(v paxos.Value) string {
	if v.Kind == paxos.KindMember {
		if _, next, err := paxos.DecodeMember(v.Body); err == nil {
			return fmt.Sprintf("members v%d voters %v", next.Version, next.Voters())
		}
	}
	return fmt.Sprintf("%s of %v", v.Kind, v.Epoch)
}
