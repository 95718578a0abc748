package journal

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/paxos"
)

// faults is a folder that fails on demand, and knows whether something was written to a segment and not synced.
type faults struct {
	files
	dirty               atomic.Bool
	failWrite, failSync atomic.Bool
	full                atomic.Bool // there is no room for new segments
}

// fullFile has room for a few bytes only.
type fullFile struct{ writable }

func (f *fullFile) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.writable.WriteAt(b[:min(len(b), 100)], at)
	return n, errors.Join(err, unix.ENOSPC)
}

type faultyFile struct {
	writable
	*faults
}

// openFaulty opens the small journal in dir on a folder that can be made to fail.
func openFaulty(dir string) (*Journal, *faults, error) {
	d := newDisk(dir, smallSegment)
	f := &faults{files: d.files}
	d.files = f
	j, err := open(d)
	return j, f, err
}

var errDisk = errors.New("the disk says no")

func (f *faults) open(name string, flag int) (writable, error) {
	w, err := f.files.open(name, flag)
	if err == nil && name == spareName && f.full.Load() {
		return &fullFile{w}, nil
	}
	if err != nil || name == spareName {
		return w, err
	}
	return &faultyFile{w, f}, nil
}

func (f *faultyFile) WriteAt(b []byte, at int64) (int, error) {
	f.dirty.Store(true)
	if f.failWrite.Load() {
		f.writable.WriteAt(b[:len(b)/2], at)
		return len(b) / 2, errDisk
	}
	return f.writable.WriteAt(b, at)
}

func (f *faultyFile) Sync() error {
	if f.failSync.Load() {
		return errDisk
	}
	f.dirty.Store(false)
	return f.writable.Sync()
}

// Nothing that Append has written is without a sync when it returns, in whatever segment.
func TestSynced(t *testing.T) {
	dir := t.TempDir()
	must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	j, f, err := openFaulty(dir)
	must(t, err)
	defer j.Crash()
	for i := paxos.Index(1); i < 40; i++ {
		must(t, j.Append([]paxos.Record{accept(i, 1500), paxos.ChosenRecord{To: i}}, true))
		if f.dirty.Load() {
			t.Fatalf("entry %d was written and not synced", i)
		}
		if i%10 == 0 {
			must(t, j.Purge(paxos.Floor{Index: i - 3}))
		}
	}
}

// Where there is no room for another segment nothing is written, and the same records are taken when there is; what was durable before is there
// either way, and nothing is left of the segment that did not fit.
func TestNoRoom(t *testing.T) {
	dir := t.TempDir()
	must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	j, f, err := openFaulty(dir)
	must(t, err)
	defer j.Crash()
	f.full.Store(true)
	refused := 0
	for i := paxos.Index(1); i < 100; i++ {
		records := []paxos.Record{accept(i, 1500), paxos.ChosenRecord{To: i}}
		err := j.Append(records, true)
		if errors.Is(err, ErrNoRoom) {
			refused++
			if _, err := os.Stat(filepath.Join(dir, spareName)); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("a segment that did not fit: %v", err)
			}
			if err := j.Append(records, true); !errors.Is(err, ErrNoRoom) {
				t.Fatalf("entry %d with a full disk, again: %v", i, err)
			}
			if j.ChosenTo() != i-1 {
				t.Fatalf("%d entries are chosen, and the last that had room was %d", j.ChosenTo(), i-1)
			}
			f.full.Store(false)
			err = j.Append(records, true)
			f.full.Store(true)
		}
		must(t, err)
	}
	if refused < 5 {
		t.Errorf("there was no room %d times: the test shows little", refused)
	}
	j.Crash()
	j, err = OpenSmall(dir)
	must(t, err)
	defer j.Crash()
	if j.ChosenTo() != 99 {
		t.Errorf("opened anew, %d entries are chosen", j.ChosenTo())
	}
}

// After a write or a sync that failed the journal takes nothing more, even if the disk would; it still reads; and opened anew
// it holds all that was durable.
func TestPoisoned(t *testing.T) {
	for name, set := range map[string]func(*faults, bool){
		"write": func(f *faults, on bool) { f.failWrite.Store(on) },
		"sync":  func(f *faults, on bool) { f.failSync.Store(on) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
			j, f, err := openFaulty(dir)
			must(t, err)
			must(t, j.Append([]paxos.Record{accept(1, 100), paxos.ChosenRecord{To: 1}}, true))
			set(f, true)
			if err := j.Append([]paxos.Record{accept(2, 2000)}, true); !errors.Is(err, errDisk) {
				t.Fatalf("the append said %v", err)
			}
			set(f, false)
			for _, err := range []error{
				j.Append([]paxos.Record{accept(3, 100)}, true), j.Append([]paxos.Record{paxos.ChosenRecord{To: 1}}, false),
				j.Purge(paxos.Floor{Index: 1}), j.SetIdentity(testIdentity()),
			} {
				if !errors.Is(err, ErrFailed) {
					t.Errorf("%v, want ErrFailed", err)
				}
			}
			if got, err := j.Entries(1, 9, 1000); err != nil || len(got) != 1 {
				t.Errorf("reading: %d entries, %v", len(got), err)
			}
			must(t, j.Close())
			j, err = OpenSmall(dir)
			must(t, err)
			defer j.Crash()
			if got := indexes(j); j.ChosenTo() != 1 || len(got) > 1 {
				t.Errorf("opened anew: chosen to %d, accepted %v", j.ChosenTo(), got)
			}
		})
	}
}

// A process that dies during a purge leaves a journal that means the same, at each step; Open takes the purge up.
func TestPurgeCrash(t *testing.T) {
	for steps := range 4 {
		dir := t.TempDir()
		must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
		j, err := OpenSmall(dir)
		must(t, err)
		must(t, j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: 9}}, true))
		for i := paxos.Index(1); i <= 40; i++ {
			must(t, j.Append([]paxos.Record{accept(i, 1500), paxos.ChosenRecord{To: i}}, true))
		}
		if steps > 0 {
			must(t, j.append([]paxos.Record{paxos.FloorRecord{Floor: paxos.Floor{Index: 38}}}, true))
		}
		for range steps - 1 {
			must(t, os.Remove(filepath.Join(dir, j.segments[0].name())))
			j.segments = j.segments[1:]
		}
		j.Crash()

		j, err = OpenSmall(dir)
		must(t, err)
		want := paxos.Index(0)
		if steps > 0 {
			want = 38
		}
		if j.Floor().Index != want || j.ChosenTo() != 40 || j.Promised() != 9 || j.Identity() != testIdentity() {
			t.Errorf("after %d steps: floor %d, chosen to %d, promised %d", steps, j.Floor().Index, j.ChosenTo(), j.Promised())
		}
		if names, _ := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix)); len(names) != len(j.segments) || steps > 0 && len(names) > 2 {
			t.Errorf("after %d steps: %d segments, %d files", steps, len(j.segments), len(names))
		}
		entries, err := j.Entries(want+1, 40, 1<<30)
		if err != nil || len(entries) != int(40-want) {
			t.Errorf("after %d steps: %d entries, %v", steps, len(entries), err)
		}
		j.Crash()
	}
}

// A process that dies when the next segment has its file and not yet a batch goes on as if there were none; also when that
// batch is torn.
func TestEmptySegment(t *testing.T) {
	dir := t.TempDir()
	must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	j, err := OpenSmall(dir)
	must(t, err)
	i := paxos.Index(0)
	for round := range 4 {
		for first := true; first || j.tail != nil; first = false {
			i++
			must(t, j.Append([]paxos.Record{accept(i, 1500), paxos.ChosenRecord{To: i}}, true))
		}
		must(t, j.begin())
		if round%2 == 1 {
			torn := filepath.Join(dir, j.segments[len(j.segments)-1].name())
			must(t, j.append([]paxos.Record{accept(i+1, 1500)}, true))
			whole, err := os.ReadFile(torn)
			must(t, err)
			clear(whole[sector:]) // the first sector, which never got its second
			must(t, os.WriteFile(torn, whole, 0o600))
		}
		j.Crash()
		j, err = OpenSmall(dir)
		must(t, err)
		must(t, j.Purge(paxos.Floor{Index: i - 1}))
	}
	j.Crash()
	j, err = OpenSmall(dir)
	must(t, err)
	defer j.Crash()
	if j.Identity() != testIdentity() || j.ChosenTo() != i || j.Floor().Index != i-1 {
		t.Errorf("identity %v, chosen to %d of %d, floor %d", j.Identity(), j.ChosenTo(), i, j.Floor().Index)
	}
}

// While a segment is filled the next file is prepared, so that nobody waits for it when the segment is full.
func TestNextIsPrepared(t *testing.T) {
	dir := t.TempDir()
	must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	j, err := OpenSmall(dir)
	must(t, err)
	defer j.Crash()
	for i := paxos.Index(1); i < 60; i++ {
		must(t, j.Append([]paxos.Record{accept(i, 1500)}, true))
		j.disk.preparing.Wait()
		if info, err := os.Stat(filepath.Join(dir, spareName)); err != nil || info.Size() != smallSegment {
			t.Fatalf("after entry %d: %v", i, err)
		}
	}
	if len(j.segments) < 4 {
		t.Errorf("%d segments are too few for this test", len(j.segments))
	}
}

// A folder that holds anything is refused, but for what a Create that died has left; and a journal is opened once at a time.
func TestCreate(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "journal")
	if there, err := Exists(dir); there || err != nil {
		t.Errorf("exists: %t, %v", there, err)
	}
	if _, err := OpenSmall(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
	must(t, os.Mkdir(dir, 0o700))
	for _, left := range []string{lockName, spareName, "00000000000000000001-0000000000000001" + segmentSuffix + creating} {
		must(t, os.WriteFile(filepath.Join(dir, left), []byte("x"), 0o600))
	}
	if there, err := Exists(dir); there || err != nil {
		t.Errorf("exists unfinished: %t, %v", there, err)
	}
	must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	if there, err := Exists(dir); !there || err != nil {
		t.Errorf("exists: %t, %v", there, err)
	}
	if err := CreateSmall(dir, testIdentity(), paxos.Floor{}); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("create again: %v", err)
	}
	j, err := OpenSmall(dir)
	must(t, err)
	defer j.Crash()
	if _, err := OpenSmall(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("open twice: %v", err)
	}
	other := filepath.Join(parent, "other")
	must(t, os.Mkdir(other, 0o700))
	must(t, os.WriteFile(filepath.Join(other, "notes"), nil, 0o600))
	if err := CreateSmall(other, testIdentity(), paxos.Floor{}); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("create over notes: %v", err)
	}
	if err := CreateSmall(filepath.Join(parent, "nobody"), paxos.IdentityRecord{}, paxos.Floor{}); err == nil {
		t.Error("created without an identity")
	}
}

// The numbers of records stay small in memory: an index costs eight bytes, and a purge gives them back.
func TestPlaces(t *testing.T) {
	var p places
	for i := paxos.Index(1001); i <= 3000; i++ {
		p.put(i, uint64(i)*2)
	}
	p.put(999, 7)
	if p.get(999) != 7 || p.get(1000) != 0 || p.get(3000) != 6000 || p.get(3001) != 0 || p.get(1) != 0 {
		t.Error("an index is at the wrong place")
	}
	if i, ok := p.hold(999, 3000); ok || i != 1000 {
		t.Errorf("hold: %d, %t", i, ok)
	}
	if low := p.lowest(5); low != 5 {
		t.Errorf("lowest %d", low)
	}
	p.drop(2990)
	if p.get(2990) != 0 || p.get(2991) != 5982 || cap(p.numbers) > 16 || p.lowest(1<<60) != 5982 {
		t.Errorf("after a drop: %v", p)
	}
	p.drop(5000)
	if !reflect.DeepEqual(p, places{}) {
		t.Errorf("after the last drop: %v", p)
	}
}

// One durable batch of one record of 500 bytes.
func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	must(b, Create(dir, testIdentity(), paxos.Floor{}))
	j, err := Open(dir)
	must(b, err)
	defer j.Close()
	b.ReportAllocs()
	for i := paxos.Index(1); b.Loop(); i++ {
		must(b, j.Append([]paxos.Record{accept(i, 500)}, true))
		must(b, j.Append([]paxos.Record{paxos.ChosenRecord{To: i}}, false))
	}
}
