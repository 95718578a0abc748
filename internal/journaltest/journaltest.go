// Package journaltest is what every journal must do: one suite for the embedded journal, its twin in memory, and any other. It
// tests what a node may rely on after a crash, and nothing of how the bytes lie.
package journaltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// Journal is what a node needs of a journal. The rules stand with journal.Journal's methods.
type Journal interface {
	Identity() paxos.IdentityRecord
	SetIdentity(paxos.IdentityRecord) error
	Floor() paxos.Floor
	Promised() paxos.Ballot
	Life() paxos.Life
	Sightings() []paxos.Sighting
	ChosenTo() paxos.Index
	Accepted() []paxos.Entry
	Scan(fn func(paxos.Entry) error) error
	Append(records []paxos.Record, durable bool) error
	Entries(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error)
	Purge(paxos.Floor) error
	Size() int64
	Close() error
}

// Make makes a journal for one test. restart returns it as the next start of the process finds it: after a crash, if the one
// before it was not closed.
type Make func(t *testing.T, identity paxos.IdentityRecord, floor paxos.Floor) (j Journal, restart func() Journal)

// Run runs the suite.
func Run(t *testing.T, build Make) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Make)
	}{
		{"New", testNew},
		{"Durable", testDurable},
		{"Replace", testReplace},
		{"Lazy", testLazy},
		{"Order", testOrder},
		{"Gap", testGap},
		{"Refused", testRefused},
		{"Entries", testEntries},
		{"Scan", testScan},
		{"Purge", testPurge},
		{"FloorAhead", testFloorAhead},
		{"Identity", testIdentity},
		{"Life", testLife},
		{"Closed", testClosed},
		{"Large", testLarge},
		{"Concurrent", testConcurrent},
		{"Random", testRandom},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, build) })
	}
}

// Identity is a journal's owner for tests.
func Identity() paxos.IdentityRecord {
	return paxos.IdentityRecord{Cluster: [16]byte{1, 2, 3}, Name: "n1", Incarnation: 77, Node: 1}
}

// Floor is the log's state at a floor for tests.
func Floor(i paxos.Index) paxos.Floor {
	return paxos.Floor{
		Index: i, Greatest: paxos.MakeBallot(3, 1), Position: uint64(i) << 16,
		Members:   paxos.FirstMembership("n1", 77, "127.0.0.1:7001"),
		Sequences: []paxos.SequenceState{{Database: "d", Schema: "public", Name: "s", Horizon: int64(i) + 33, Called: true, LSN: 9}},
	}
}

// Entry is an entry for tests; its body tells index and ballot, and has at least size bytes.
func Entry(i paxos.Index, b paxos.Ballot, size int) paxos.Entry {
	body := fmt.Appendf(nil, "entry %d at %s ", i, b)
	for len(body) < size {
		body = append(body, byte(len(body)), byte(i))
	}
	return paxos.Entry{Index: i, Ballot: b, Value: paxos.Value{Version: 1, Epoch: b, Kind: paxos.KindChangeSets, Body: body}}
}

// Accept is the record of Entry.
func Accept(i paxos.Index, b paxos.Ballot, size int) paxos.Record {
	return paxos.AcceptRecord{Entry: Entry(i, b, size)}
}

func fresh(t *testing.T, build Make) (Journal, func() Journal) {
	return build(t, Identity(), Floor(0))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// holds checks that the chosen entries above the floor are exactly these.
func holds(t *testing.T, j Journal, want ...paxos.Entry) {
	t.Helper()
	var got []paxos.Entry
	must(t, j.Scan(func(e paxos.Entry) error { got = append(got, e); return nil }))
	same(t, "chosen entries", got, want)
	for _, w := range want {
		one, err := j.Entries(w.Index, w.Index, 0)
		must(t, err)
		same(t, "entry", one, []paxos.Entry{w})
	}
}

// A new journal knows its identity and its floor, and nothing else.
func testNew(t *testing.T, build Make) {
	j, restart := build(t, Identity(), Floor(5))
	for range 2 {
		same(t, "identity", j.Identity(), Identity())
		same(t, "floor", j.Floor(), Floor(5))
		same(t, "promised", j.Promised(), paxos.Ballot(0))
		same(t, "chosen to", j.ChosenTo(), paxos.Index(5))
		same(t, "accepted", len(j.Accepted()), 0)
		holds(t, j)
		j = restart()
	}
}

// What was appended durably is there after a crash: promises, entries, what is chosen.
func testDurable(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: 9}}, true))
	must(t, j.Append([]paxos.Record{Accept(1, 9, 300), Accept(2, 9, 10), Accept(3, 9, 0)}, true))
	must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: 12}, Accept(4, 12, 0), paxos.ChosenRecord{To: 2}}, true))
	must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: 11}}, true))
	for range 3 {
		same(t, "promised", j.Promised(), paxos.Ballot(12))
		same(t, "chosen to", j.ChosenTo(), paxos.Index(2))
		same(t, "accepted", j.Accepted(), []paxos.Entry{Entry(3, 9, 0), Entry(4, 12, 0)})
		holds(t, j, Entry(1, 9, 300), Entry(2, 9, 10))
		j = restart()
	}
}

// A later entry replaces the one at its index, at whatever ballot; also within one batch.
func testReplace(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0), Accept(2, 5, 0), Accept(3, 5, 0)}, true))
	must(t, j.Append([]paxos.Record{Accept(2, 8, 0)}, true))
	must(t, j.Append([]paxos.Record{Accept(3, 7, 0), Accept(3, 6, 0)}, true))
	j = restart()
	same(t, "accepted", j.Accepted(), []paxos.Entry{Entry(1, 5, 0), Entry(2, 8, 0), Entry(3, 6, 0)})
	must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: 3}}, true))
	holds(t, j, Entry(1, 5, 0), Entry(2, 8, 0), Entry(3, 6, 0))
	holds(t, restart(), Entry(1, 5, 0), Entry(2, 8, 0), Entry(3, 6, 0))
}

// What is chosen counts at once even if it need not be durable; it is durable after a durable append, an empty one too, and after
// Close.
func testLazy(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0), Accept(2, 5, 0), Accept(3, 5, 0)}, true))
	lazy := func(to paxos.Index) {
		t.Helper()
		must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: to}}, false))
		same(t, "chosen to", j.ChosenTo(), to)
	}
	lazy(1)
	holds(t, j, Entry(1, 5, 0))
	j = restart()
	if j.ChosenTo() > 1 {
		t.Fatalf("chosen to %d out of nowhere", j.ChosenTo())
	}
	lazy(1)
	must(t, j.Append(nil, true))
	j = restart()
	same(t, "after an empty append", j.ChosenTo(), paxos.Index(1))
	lazy(2)
	must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: 6}}, true))
	j = restart()
	same(t, "after another record", j.ChosenTo(), paxos.Index(2))
	lazy(3)
	must(t, j.Close())
	j = restart()
	same(t, "after Close", j.ChosenTo(), paxos.Index(3))
	holds(t, j, Entry(1, 5, 0), Entry(2, 5, 0), Entry(3, 5, 0))
}

// What is not lazy is durable whatever the caller says, and so is everything before it.
func testOrder(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0)}, true))
	must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: 1}}, false))
	must(t, j.Append([]paxos.Record{Accept(2, 5, 0), paxos.ChosenRecord{To: 2}}, false))
	j = restart()
	same(t, "chosen to", j.ChosenTo(), paxos.Index(2))
	holds(t, j, Entry(1, 5, 0), Entry(2, 5, 0))
}

// Entries may be accepted with gaps, and the gaps filled later.
func testGap(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(9, 5, 0), Accept(4, 5, 0)}, true))
	j = restart()
	same(t, "accepted", j.Accepted(), []paxos.Entry{Entry(4, 5, 0), Entry(9, 5, 0)})
	must(t, j.Append([]paxos.Record{Accept(1, 6, 0), Accept(3, 6, 0), Accept(2, 6, 0), paxos.ChosenRecord{To: 4}}, true))
	j = restart()
	holds(t, j, Entry(1, 6, 0), Entry(2, 6, 0), Entry(3, 6, 0), Entry(4, 5, 0))
	same(t, "accepted", j.Accepted(), []paxos.Entry{Entry(9, 5, 0)})
}

// A batch that contradicts the journal is refused, changes nothing, and does not stop the journal.
func testRefused(t *testing.T, build Make) {
	j, restart := build(t, Identity(), Floor(3))
	must(t, j.Append([]paxos.Record{Accept(4, 5, 0)}, true))
	other := Identity()
	other.Cluster[0]++
	for name, batch := range map[string][]paxos.Record{
		"chosen without an entry": {paxos.PromiseRecord{Ballot: 99}, paxos.ChosenRecord{To: 5}},
		"chosen before its entry": {paxos.ChosenRecord{To: 5}, Accept(5, 5, 0)},
		"chosen over a gap":       {Accept(6, 5, 0), paxos.ChosenRecord{To: 6}},
		"a floor that moves back": {paxos.FloorRecord{Floor: Floor(2)}},
		"another cluster":         {other},
		"out of reach":            {Accept(1<<40, 5, 0)},
	} {
		if err := j.Append(batch, true); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if err := j.Purge(Floor(4)); err == nil {
		t.Error("purged what is not chosen")
	}
	if err := j.SetIdentity(other); err == nil {
		t.Error("the cluster changed")
	}
	must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: 4}, paxos.ChosenRecord{To: 2}}, true))
	j = restart()
	same(t, "promised", j.Promised(), paxos.Ballot(0))
	same(t, "floor", j.Floor(), Floor(3))
	same(t, "chosen to", j.ChosenTo(), paxos.Index(4))
	holds(t, j, Entry(4, 5, 0))
}

// Entries gives what is chosen, cut by the limit but never to nothing.
func testEntries(t *testing.T, build Make) {
	j, _ := build(t, Identity(), Floor(2))
	var batch []paxos.Record
	for i := paxos.Index(3); i <= 12; i++ {
		batch = append(batch, Accept(i, 5, 1000))
	}
	must(t, j.Append(append(batch, paxos.ChosenRecord{To: 10}), true))
	for _, tt := range []struct {
		from, to paxos.Index
		max      int
		count    int
	}{
		{3, 10, 1 << 20, 8}, {3, 100, 1 << 20, 8}, {5, 6, 1 << 20, 2}, {10, 10, 0, 1}, {3, 10, 0, 1},
		{3, 10, 1000, 1}, {3, 10, 3300, 3}, {11, 12, 1 << 20, 0}, {7, 6, 1 << 20, 0}, {1 << 50, 1 << 51, 1, 0},
	} {
		got, err := j.Entries(tt.from, tt.to, tt.max)
		must(t, err)
		if len(got) != tt.count {
			t.Errorf("%d to %d, %d bytes: %d entries, want %d", tt.from, tt.to, tt.max, len(got), tt.count)
		}
		for k, e := range got {
			same(t, "entry", e, Entry(tt.from+paxos.Index(k), 5, 1000))
		}
	}
	for _, from := range []paxos.Index{0, 2} {
		if _, err := j.Entries(from, 10, 1<<20); !errors.Is(err, journal.ErrPurged) {
			t.Errorf("from %d: %v, want ErrPurged", from, err)
		}
	}
}

// Scan ends with the first error of its function.
func testScan(t *testing.T, build Make) {
	j, _ := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0), Accept(2, 5, 0), paxos.ChosenRecord{To: 2}}, true))
	stop := errors.New("enough")
	calls := 0
	if err := j.Scan(func(paxos.Entry) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// Purge takes away what is at or below the floor and nothing else, before and after a crash.
func testPurge(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: 8}}, true))
	for i := paxos.Index(1); i <= 60; i++ {
		must(t, j.Append([]paxos.Record{Accept(i, 8, 2000), paxos.ChosenRecord{To: i - 1}}, true))
	}
	before := j.Size()
	must(t, j.Purge(Floor(50)))
	if after := j.Size(); after >= before {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	must(t, j.Purge(Floor(50)))
	must(t, j.Purge(Floor(20)))
	must(t, j.Append([]paxos.Record{Accept(30, 9, 0)}, true)) // a late one: not kept
	for range 2 {
		same(t, "floor", j.Floor(), Floor(50))
		same(t, "promised", j.Promised(), paxos.Ballot(8))
		same(t, "identity", j.Identity(), Identity())
		same(t, "chosen to", j.ChosenTo(), paxos.Index(59))
		var want []paxos.Entry
		for i := paxos.Index(51); i <= 59; i++ {
			want = append(want, Entry(i, 8, 2000))
		}
		holds(t, j, want...)
		if _, err := j.Entries(50, 59, 1); !errors.Is(err, journal.ErrPurged) {
			t.Errorf("below the floor: %v", err)
		}
		j = restart()
	}
	same(t, "accepted", j.Accepted(), []paxos.Entry{Entry(60, 8, 2000)})
	must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: 60}}, true))
	must(t, j.Purge(Floor(60)))
	j = restart()
	holds(t, j)
	must(t, j.Append([]paxos.Record{Accept(61, 9, 0), paxos.ChosenRecord{To: 61}}, true))
	holds(t, restart(), Entry(61, 9, 0))
}

// A floor may be set beyond everything that the journal holds: its node got its data in another way. Entries above it stay.
func testFloorAhead(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0), Accept(2, 5, 0), Accept(120, 5, 0), paxos.ChosenRecord{To: 1}}, true))
	must(t, j.Append([]paxos.Record{paxos.FloorRecord{Floor: Floor(100)}}, true))
	for range 2 {
		same(t, "floor", j.Floor(), Floor(100))
		same(t, "chosen to", j.ChosenTo(), paxos.Index(100))
		holds(t, j)
		j = restart()
	}
	same(t, "accepted", j.Accepted(), []paxos.Entry{Entry(120, 5, 0)})
}

// A node learns its number; name and cluster never change.
func testIdentity(t *testing.T, build Make) {
	id := Identity()
	id.Node = 0
	j, restart := build(t, id, Floor(0))
	id.Node = 6
	must(t, j.SetIdentity(id))
	same(t, "identity", j.Identity(), id)
	same(t, "identity", restart().Identity(), id)
}

// Acts are counted over restarts, many segments and a purge, each once; what was seen of peers stays, but for those that are no members any more.
func testLife(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	var begun paxos.Life
	for round := range 3 {
		begun = j.Life().Begin(uint32(round))
		gone, there := paxos.Sighting{Node: 1, Run: begun.Run(), Acts: uint64(round)}, paxos.Sighting{Node: 9, Run: begun.Run(), Acts: uint64(round)}
		must(t, j.Append([]paxos.Record{
			paxos.LifeRecord{Life: begun}, paxos.SightingRecord{Sighting: gone}, paxos.SightingRecord{Sighting: there},
		}, true))
		for k := range paxos.Index(20) {
			i := paxos.Index(round)*20 + k + 1
			must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: paxos.Ballot(i)}, Accept(i, paxos.Ballot(i), 2000), paxos.ChosenRecord{To: i}}, true))
		}
		must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: paxos.Index(round)*20 + 20}}, false))
		same(t, "sightings", j.Sightings(), []paxos.Sighting{gone, there})
		floor := Floor(paxos.Index(round)*20 + 15)
		floor.Members = floor.Members.Remove(1)
		must(t, j.Purge(floor))
		for range 2 {
			want := begun
			want.Acts = uint64(round+1) * 40
			same(t, "life", j.Life(), want)
			same(t, "sightings", j.Sightings(), []paxos.Sighting{there})
			j = restart()
		}
	}
	same(t, "runs", len(begun.Starts), 3)
}

// After Close nothing works, and a second Close does nothing.
func testClosed(t *testing.T, build Make) {
	j, _ := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0), paxos.ChosenRecord{To: 1}}, true))
	must(t, j.Close())
	must(t, j.Close())
	_, readErr := j.Entries(1, 1, 1)
	for _, err := range []error{j.Append([]paxos.Record{Accept(2, 5, 0)}, true), j.Purge(Floor(1)), readErr} {
		if !errors.Is(err, journal.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}

// A large entry among small ones comes back whole.
func testLarge(t *testing.T, build Make) {
	j, restart := fresh(t, build)
	must(t, j.Append([]paxos.Record{Accept(1, 5, 0), Accept(2, 5, 3<<20), Accept(3, 5, 0)}, true))
	must(t, j.Append([]paxos.Record{Accept(4, 5, 70_000), paxos.ChosenRecord{To: 4}}, true))
	holds(t, restart(), Entry(1, 5, 0), Entry(2, 5, 3<<20), Entry(3, 5, 0), Entry(4, 5, 70_000))
}

// Readers see whole entries while the writer appends and purges.
func testConcurrent(t *testing.T, build Make) {
	j, _ := fresh(t, build)
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() { // ends when done is set
			for !done.Load() {
				floor := j.Floor()
				entries, err := j.Entries(floor.Index+1, floor.Index+5, 1<<20)
				if err != nil && !errors.Is(err, journal.ErrPurged) {
					t.Error(err)
					return
				}
				for k, e := range entries {
					if !reflect.DeepEqual(e, Entry(floor.Index+1+paxos.Index(k), 5, 500)) {
						t.Errorf("entry %d above floor %d is %d", k, floor.Index, e.Index)
						return
					}
				}
			}
		})
	}
	defer readers.Wait()
	defer done.Store(true)
	for i := paxos.Index(1); i <= 300; i++ {
		must(t, j.Append([]paxos.Record{Accept(i, 5, 500), paxos.ChosenRecord{To: i}}, true))
		if i%40 == 0 {
			must(t, j.Purge(Floor(i-10)))
		}
	}
}

// A journal does the same as a map, for any sequence of appends, purges and restarts.
func testRandom(t *testing.T, build Make) {
	for seed := uint64(1); seed <= 5; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			j, restart := fresh(t, build)
			random(t, rand.New(rand.NewPCG(seed, 0)), j, restart)
		})
	}
}

func random(t *testing.T, rng *rand.Rand, j Journal, restart func() Journal) {
	model := map[paxos.Index]paxos.Entry{}
	var floor, chosen, durable, top paxos.Index // durable: chosen to here is not forgotten
	var promised paxos.Ballot
	for range 300 {
		switch n := rng.IntN(20); {
		case n < 12:
			var batch []paxos.Record
			for range 1 + rng.IntN(6) {
				i := chosen + 1 + paxos.Index(rng.IntN(int(top-chosen)+2))
				promised++
				e := Entry(i, promised, rng.IntN(2000))
				model[i], top = e, max(top, i)
				batch = append(batch, paxos.PromiseRecord{Ballot: promised}, paxos.AcceptRecord{Entry: e})
			}
			must(t, j.Append(batch, true))
			durable = chosen
		case n < 16:
			for rng.IntN(4) > 0 && model[chosen+1].Index != 0 {
				chosen++
			}
			now := rng.IntN(2) == 0
			must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: chosen}}, now))
			if now {
				durable = chosen
			}
		case n < 17:
			floor += paxos.Index(rng.IntN(int(chosen-floor) + 1))
			must(t, j.Purge(Floor(floor)))
			durable = max(durable, floor)
		case n < 18:
			must(t, j.Append(nil, true))
			durable = chosen
			j = restart()
		case n < 19: // what was lazy may be forgotten, and what a restart shows is not
			j = restart()
			if to := j.ChosenTo(); to < durable || to > chosen {
				t.Fatalf("after a crash chosen to %d, want %d to %d", to, durable, chosen)
			}
			chosen, durable = j.ChosenTo(), j.ChosenTo()
			j = restart()
		default:
			must(t, j.Close())
			j = restart()
			durable = chosen
		}
		same(t, "promised", j.Promised(), promised)
		same(t, "chosen to", j.ChosenTo(), chosen)
		var undecided, want []paxos.Entry
		for i := floor + 1; i <= top; i++ {
			if e, ok := model[i]; ok && i > chosen {
				undecided = append(undecided, e)
			} else if i <= chosen {
				want = append(want, e)
			}
		}
		same(t, "accepted", j.Accepted(), undecided)
		if rng.IntN(10) == 0 {
			holds(t, j, want...)
		}
	}
}
