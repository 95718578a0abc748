package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

func testIdentity() paxos.IdentityRecord {
	return paxos.IdentityRecord{Cluster: [16]byte{1}, Name: "n1", Incarnation: 7, Node: 1}
}

func accept(i paxos.Index, size int) paxos.Record {
	v := paxos.Value{Version: 1, Epoch: 5, Kind: paxos.KindChangeSets, Body: bytes.Repeat([]byte{byte(i)}, size)}
	return paxos.AcceptRecord{Entry: paxos.Entry{Index: i, Ballot: 5, Value: v}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// build makes a journal and appends each batch; it returns the path of its last segment and the offset behind each batch in it.
func build(t *testing.T, dir string, batches ...[]paxos.Record) (path string, ends []int) {
	t.Helper()
	must(t, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	j, err := OpenSmall(dir)
	must(t, err)
	defer j.Crash()
	for _, b := range batches {
		must(t, j.Append(b, true))
	}
	last := j.segments[len(j.segments)-1]
	path = filepath.Join(dir, last.name())
	content, err := os.ReadFile(path)
	must(t, err)
	for next, end := last.base, 0; !zero(content[end:]); {
		p := parse(content, end, next)
		if p.broken >= 0 {
			t.Fatalf("a batch that was just written is broken at %d", p.broken)
		}
		next, end = next+uint64(len(p.records)), p.end
		ends = append(ends, end)
	}
	return path, ends
}

// three are batches of some hundred bytes; the first is chosen.
func three() [][]paxos.Record {
	return [][]paxos.Record{
		{paxos.PromiseRecord{Ballot: 5}, accept(1, 300), paxos.ChosenRecord{To: 1}},
		{accept(2, 400), accept(3, 30)},
		{accept(4, 150), accept(5, 60), accept(6, 3)},
	}
}

// indexes are the entries above what is chosen.
func indexes(j *Journal) (is []paxos.Index) {
	for _, e := range j.Accepted() {
		is = append(is, e.Index)
	}
	return is
}

// A crash in the middle of the last write, wherever the file then ends or begins to be zero, costs that batch and nothing else,
// and the journal goes on from there.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	path, ends := build(t, dir, three()...)
	whole, err := os.ReadFile(path)
	must(t, err)
	from, to := ends[len(ends)-2], ends[len(ends)-1]
	for cut := from; cut < to; cut++ {
		for name, content := range map[string][]byte{
			"cut off": whole[:cut],
			"zeros":   append(append([]byte(nil), whole[:cut]...), make([]byte, len(whole)-cut)...),
		} {
			if name == "zeros" && cut%sector != 0 {
				continue // no disk writes a part of a sector; see TestTornSectors
			}
			must(t, os.WriteFile(path, content, 0o600))
			j, err := OpenHasty(dir)
			if err != nil {
				t.Fatalf("%s from byte %d of %d to %d: %v", name, cut, from, to, err)
			}
			if got := indexes(j); !reflect.DeepEqual(got, []paxos.Index{2, 3}) || j.ChosenTo() != 1 || j.Promised() != 5 {
				t.Fatalf("%s from byte %d: accepted %v, chosen to %d", name, cut, got, j.ChosenTo())
			}
			if cut%64 == 0 {
				must(t, j.Append([]paxos.Record{accept(7, 200)}, true))
				j.Crash()
				j, err = OpenHasty(dir)
				must(t, err)
				if got := indexes(j); !reflect.DeepEqual(got, []paxos.Index{2, 3, 7}) {
					t.Fatalf("%s from byte %d, then an append: accepted %v", name, cut, got)
				}
			}
			j.Crash()
		}
	}
}

// Of the last write, any sectors may be missing: that is a torn batch too.
func TestTornSectors(t *testing.T) {
	dir := t.TempDir()
	path, ends := build(t, dir, append(three(), []paxos.Record{accept(7, 900), accept(8, 1200)})...)
	whole, err := os.ReadFile(path)
	must(t, err)
	from, to := ends[len(ends)-2], ends[len(ends)-1]
	for s := from / sector; s*sector < to; s++ {
		content := append([]byte(nil), whole...)
		clear(content[max(from, s*sector):min(to, (s+1)*sector)])
		must(t, os.WriteFile(path, content, 0o600))
		j, err := OpenHasty(dir)
		if err != nil {
			t.Fatalf("without sector %d: %v", s, err)
		}
		if got := indexes(j); !reflect.DeepEqual(got, []paxos.Index{2, 3, 4, 5, 6}) {
			t.Errorf("without sector %d: accepted %v", s, got)
		}
		j.Crash()
	}
}

// A bit that flips anywhere, in any segment, is ErrDamaged with the file and an offset at or before the bit, and Open alters nothing.
func TestFlippedBits(t *testing.T) {
	dir := t.TempDir()
	batches := three()
	for i := paxos.Index(7); i < 19; i++ { // into a second segment
		batches = append(batches, []paxos.Record{accept(i, 1500)})
	}
	path, ends := build(t, dir, batches...)
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	must(t, err)
	if len(names) < 2 {
		t.Fatal("one segment is too few for this test")
	}
	for _, name := range names {
		whole, err := os.ReadFile(name)
		must(t, err)
		end := len(whole)
		if name == path {
			end = ends[len(ends)-1]
		}
		for at := 0; at < end; at += 1 + at%29 {
			content := append([]byte(nil), whole...)
			content[at] ^= 1 << (at % 8)
			must(t, os.WriteFile(name, content, 0o600))
			j, err := OpenHasty(dir)
			if err == nil {
				t.Fatalf("%s, offset %d: opened, accepted %v", filepath.Base(name), at, indexes(j))
			}
			if !errors.Is(err, ErrDamaged) || !named(err, filepath.Base(name), at) {
				t.Fatalf("%s, offset %d: %v, want ErrDamaged with file and offset", filepath.Base(name), at, err)
			}
			if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, content) {
				t.Fatalf("%s, offset %d: Open altered the file, %v", filepath.Base(name), at, err)
			}
		}
		must(t, os.WriteFile(name, whole, 0o600))
	}
}

// named reports whether a message names a segment file and an offset in it at or before a byte that was changed.
func named(err error, file string, changed int) bool {
	_, rest, found := strings.Cut(err.Error(), "segment "+file)
	if !found {
		return false
	}
	_, rest, found = strings.Cut(rest, "offset ")
	var at int
	if _, err := fmt.Sscanf(rest, "%d", &at); err != nil {
		return false
	}
	return found && at <= changed
}

// Each single bit of a segment is guarded, also in the last batch of the last one and in a batch that ends a segment: whichever flips,
// walking the file finds it, and never takes it for a torn write.
func TestEveryBit(t *testing.T) {
	for name, batches := range map[string][][]paxos.Record{
		"open": three(),
		"full": append(three(), []paxos.Record{accept(7, 900), accept(8, smallSegment-2800)}),
	} {
		path, ends := build(t, t.TempDir(), batches...)
		content, err := os.ReadFile(path)
		must(t, err)
		nothing := func(uint64, []byte) error { return nil }
		if w, err := walk(content, 1, true, nothing); err != nil || w.sealed != (name == "full") {
			t.Fatalf("%s: %+v, %v", name, w, err)
		}
		for bit := range 8 * ends[len(ends)-1] {
			if name == "full" && bit/8 > ends[2]+1200 && bit/8 < ends[3]-200 && bit%97 != 0 {
				continue // within a long record one bit is like the other
			}
			content[bit/8] ^= 1 << (bit % 8)
			if w, err := walk(content, 1, true, nothing); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s: bit %d of byte %d: %+v, %v", name, bit%8, bit/8, w, err)
			}
			content[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// A read finds damage that came after opening, and where it is.
func TestDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	path, ends := build(t, dir, three()...)
	j, err := OpenSmall(dir)
	must(t, err)
	defer j.Crash()
	must(t, j.Append([]paxos.Record{paxos.ChosenRecord{To: 6}}, true))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte{0xFF}, int64(ends[1]+150)) // in entry 2
	must(t, err)
	if _, err := j.Entries(2, 2, 0); !errors.Is(err, ErrDamaged) || !named(err, filepath.Base(path), ends[1]+150) {
		t.Errorf("entry 2: %v, want ErrDamaged with file and offset", err)
	}
	if _, err := j.Entries(4, 6, 1<<20); err != nil {
		t.Errorf("the entries behind it: %v", err)
	}
}

// A segment that is missing is ErrDamaged, as far as it can be seen.
func TestMissingSegment(t *testing.T) {
	dir := t.TempDir()
	var batches [][]paxos.Record
	for i := paxos.Index(1); i <= 30; i++ {
		batches = append(batches, []paxos.Record{accept(i, 1500), paxos.ChosenRecord{To: i}})
	}
	build(t, dir, batches...)
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	must(t, err)
	if len(names) < 3 {
		t.Fatalf("%d segments are too few for this test", len(names))
	}
	for _, name := range names[:len(names)-1] {
		must(t, os.Rename(name, filepath.Join(dir, "away")))
		if _, err := OpenSmall(dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("without %s: %v", filepath.Base(name), err)
		}
		must(t, os.Rename(filepath.Join(dir, "away"), name))
	}
}

// Whatever a segment file holds, walking it ends without a panic, and nothing is taken for whole that is not.
func FuzzWalk(f *testing.F) {
	dir := f.TempDir()
	must(f, CreateSmall(dir, testIdentity(), paxos.Floor{}))
	j, err := OpenSmall(dir)
	must(f, err)
	for _, b := range three() {
		must(f, j.Append(b, true))
	}
	content, err := os.ReadFile(filepath.Join(dir, j.segments[0].name()))
	must(f, err)
	j.Crash()
	f.Add(content[:3000], true)
	f.Add(content[:40], false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, b []byte, last bool) {
		records := 0
		w, err := walk(b, 1, last, func(_ uint64, record []byte) error {
			records++
			_, err := paxos.DecodeRecord(testIdentity().Cluster, record)
			return err
		})
		if w.end > len(b) || err == nil && w.next != 1+uint64(records) {
			t.Errorf("%+v with %d records of %d bytes", w, records, len(b))
		}
	})
}
