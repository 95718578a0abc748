package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// A session is a sequence of calls on a journal, and what it amounts to after each.
type session struct {
	calls  []call
	states []string // states[n]: after n calls
}

type call struct {
	records []paxos.Record
	durable bool
	purge   paxos.Index // not 0: purge to here instead
}

// journalOf is what a session uses of a journal.
type journalOf interface {
	Append(records []paxos.Record, durable bool) error
	Purge(paxos.Floor) error
	Identity() paxos.IdentityRecord
	Floor() paxos.Floor
	Promised() paxos.Ballot
	ChosenTo() paxos.Index
	Accepted() []paxos.Entry
	Scan(func(paxos.Entry) error) error
}

func (c call) on(j journalOf) error {
	if c.purge != 0 {
		return j.Purge(paxos.Floor{Index: c.purge})
	}
	return j.Append(c.records, c.durable)
}

// content writes all that a journal knows.
func content(t *testing.T, j journalOf) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%s, floor %d, promised %v, chosen to %d:", j.Identity().Name, j.Floor().Index, j.Promised(), j.ChosenTo())
	entry := func(e paxos.Entry) error {
		sum := 0
		for _, b := range e.Value.Body {
			sum = sum*31 + int(b)
		}
		fmt.Fprintf(&out, " %d@%v(%d,%x)", e.Index, e.Ballot, len(e.Value.Body), sum&0xFFFF)
		return nil
	}
	must(t, j.Scan(entry))
	out.WriteString(" |")
	for _, e := range j.Accepted() {
		must(t, entry(e))
	}
	return out.String()
}

// newSession makes calls of all kinds: small and large batches (one longer than a segment), entries that replace others, what is chosen with
// and without a sync, purges, and enough for several segments.
func newSession(t *testing.T) session {
	lazy := func(to paxos.Index) call { return call{records: []paxos.Record{paxos.ChosenRecord{To: to}}} }
	s := session{calls: []call{
		{records: []paxos.Record{paxos.PromiseRecord{Ballot: 5}}, durable: true},
		{records: []paxos.Record{accept(1, 300), accept(2, 900)}, durable: true},
		lazy(1),
		{records: []paxos.Record{paxos.PromiseRecord{Ballot: 9}, accept(3, 20), accept(2, 700)}, durable: true},
	}}
	for i := paxos.Index(4); i <= 26; i++ {
		size := 1200 + int(i)*31
		if i == 15 {
			size = smallSegment + 3000
		}
		s.calls = append(s.calls, call{records: []paxos.Record{accept(i, size)}, durable: true})
		switch i % 5 {
		case 1:
			s.calls = append(s.calls, lazy(i-1))
		case 3:
			s.calls = append(s.calls, call{records: []paxos.Record{paxos.ChosenRecord{To: i}}, durable: true}, call{purge: i - 3})
		}
	}
	twin := NewMemory(testIdentity(), paxos.Floor{})
	s.states = append(s.states, content(t, twin))
	for n, c := range s.calls {
		if err := c.on(twin); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
		s.states = append(s.states, content(t, twin))
	}
	return s
}

// record lets the session happen on a real folder, from the making of the journal on, and returns every change of the folder.
func (s session) record(t *testing.T) []step {
	t.Helper()
	dir := newWorld().lay(t)
	p := newTape(dir, newWorld())
	p.add(step{do: remark, note: note{begun: 0, durable: -1}})
	d := newDisk(dir, smallSegment)
	d.files = p
	must(t, create(d, testIdentity(), paxos.Floor{}))
	p.add(step{do: remark, note: note{}})
	j := openOn(t, p)
	defer j.Crash()
	durable := 0
	for n, c := range s.calls {
		p.add(step{do: remark, note: note{begun: n + 1, durable: durable}})
		must(t, c.on(j))
		if c.durable || c.purge != 0 {
			durable = n + 1
		}
		p.add(step{do: remark, note: note{begun: n + 1, durable: durable}})
		j.disk.preparing.Wait() // the same steps in each run
	}
	if len(j.segments) < 2 || j.segments[0].id < 2 {
		t.Fatalf("segments %d to %d are too few for this test", j.segments[0].id, j.segments[len(j.segments)-1].id)
	}
	return p.steps
}

// openOn opens the journal in a tape's folder, small, through the tape.
func openOn(t *testing.T, p *tape) *Journal {
	t.Helper()
	d := newDisk(string(p.folder), smallSegment)
	d.files = p
	j, err := open(d)
	if err != nil {
		t.Fatal(err)
	}
	j.disk.preparing.Wait()
	return j
}

// allowed reports whether a journal that was found after a crash holds what the session had made durable, and nothing that it had not begun.
func (s session) allowed(found string, known note) bool {
	for n := max(known.durable, 0); n <= known.begun; n++ {
		if s.states[n] == found {
			return true
		}
	}
	return false
}

// restart starts a journal on what a crash has left in w: what is there is allowed; it stays the same if the power fails again at any step of
// the opening or after it; and the journal goes on.
func (s session) restart(t *testing.T, rng *rand.Rand, w *world) {
	t.Helper()
	dir := w.lay(t)
	there, err := Exists(dir)
	must(t, err)
	p := newTape(dir, w)
	if !there {
		if w.note.durable >= 0 {
			t.Fatalf("the journal is gone, and should hold %q", s.states[w.note.durable])
		}
		d := newDisk(dir, smallSegment)
		d.files = p
		must(t, create(d, testIdentity(), paxos.Floor{}))
	}
	j := openOn(t, p)
	found := content(t, j)
	if !s.allowed(found, w.note) {
		t.Fatalf("after %d calls were durable and %d begun:\nfound %s\nwant  %s", w.note.durable, w.note.begun, found, s.states[max(w.note.durable, 0)])
	}
	for _, step := range p.steps {
		w.play(step)
	}
	again := w.crash(rng, rng.IntN(4))
	next := j.ChosenTo() + 1
	must(t, j.Append([]paxos.Record{accept(next, 50), paxos.ChosenRecord{To: next}}, true))
	must(t, j.Purge(paxos.Floor{Index: next}))
	j.Crash()
	j = openOn(t, p)
	if j.ChosenTo() != next || j.Floor().Index != next {
		t.Errorf("after going on: chosen to %d, floor %d, want %d", j.ChosenTo(), j.Floor().Index, next)
	}
	j.Crash()
	must(t, os.RemoveAll(dir))

	dir = again.lay(t)
	if there, err := Exists(dir); !there || err != nil {
		t.Fatalf("after a second crash the journal is not there: %v", err)
	}
	j = openOn(t, newTape(dir, again))
	if second := content(t, j); second != found {
		t.Fatalf("what a restart has shown is gone after a second crash:\nfirst  %s\nsecond %s", found, second)
	}
	j.Crash()
	must(t, os.RemoveAll(dir))
}

// Wherever a process is killed, at every write, sync, rename and removal, and whatever part of the unsynced writes the disk then has
// (killed: all; power lost: none, or any sectors), the journal opens, holds all that was acknowledged and nothing that was not begun, shows
// the same after a second crash during or after the restart, and goes on.
func TestKilledAtEveryStep(t *testing.T) {
	s := newSession(t)
	steps := s.record(t)
	rng := rand.New(rand.NewPCG(3, 1))
	w := newWorld()
	kinds := map[change]int{}
	for n, step := range steps {
		w.play(step)
		kinds[step.do]++
		if step.do == remark && n+1 < len(steps) {
			continue
		}
		if !t.Run(fmt.Sprintf("%d killed", n), func(t *testing.T) { s.restart(t, rng, w.clone()) }) {
			return
		}
		for _, keep := range []int{0, 1 + n%3} {
			if !t.Run(fmt.Sprintf("%d %d/4 left", n, keep), func(t *testing.T) { s.restart(t, rng, w.crash(rng, keep)) }) {
				return
			}
		}
	}
	t.Logf("%d steps: %v", len(steps), kinds)
}

// A power failure during the opening itself, at each of its steps, changes nothing of what the next opening shows.
func TestKilledWhileOpening(t *testing.T) {
	s := newSession(t)
	rng := rand.New(rand.NewPCG(4, 1))
	w := newWorld()
	writes, opened := 0, 0
	for _, step := range s.record(t) {
		w.play(step)
		if step.do != write || w.note.durable < 0 {
			continue
		}
		if writes++; writes%3 != 0 {
			continue
		}
		torn := w.crash(rng, 2)
		p := newTape(torn.lay(t), torn)
		openOn(t, p).Crash()
		opened++
		for _, step := range p.steps {
			torn.play(step)
			after := torn.crash(rng, rng.IntN(4))
			dir := after.lay(t)
			j := openOn(t, newTape(dir, after))
			if found := content(t, j); !s.allowed(found, after.note) {
				t.Fatalf("found %s, allowed from %s", found, s.states[after.note.durable])
			}
			j.Crash()
			must(t, os.RemoveAll(dir))
		}
	}
	if opened < 8 {
		t.Errorf("only %d openings", opened)
	}
}
