package journal

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/paxos"
)

// A journal that v0.1.0 wrote opens with all that is in it. Its acceptor's acts, which it does not count, are counted from the first run
// on that is begun in it, over new segments, a purge of the old ones, and further starts.
func TestJournalOfVersion010(t *testing.T) {
	dir := t.TempDir()
	packed, err := filepath.Glob("testdata/v0.1.0/*.gz")
	must(t, err)
	if len(packed) != 2 {
		t.Fatalf("%d files in testdata", len(packed))
	}
	for _, name := range packed {
		unpack(t, name, filepath.Join(dir, strings.TrimSuffix(filepath.Base(name), ".gz")))
	}
	reopen := func() *Journal {
		j, err := OpenSmall(dir)
		must(t, err)
		return j
	}
	j := reopen()
	if got := indexes(j); j.Floor().Index != 3 || j.ChosenTo() != 14 || j.Promised() != paxos.MakeBallot(4, 2) ||
		!reflect.DeepEqual(got, []paxos.Index{15}) || len(j.Floor().Sequences) != 1 || j.Life().Run() != 0 {
		t.Fatalf("floor %+v, chosen to %d, promised %v, accepted %v, life %+v", j.Floor(), j.ChosenTo(), j.Promised(), got, j.Life())
	}
	begun := j.Life().Begin(1)
	must(t, j.Append([]paxos.Record{paxos.LifeRecord{Life: begun}}, true))
	for i := paxos.Index(16); i <= 35; i++ {
		must(t, j.Append([]paxos.Record{accept(i, 1500), paxos.ChosenRecord{To: i}}, true))
	}
	want := begun
	want.Acts += 20
	for range 2 {
		if !reflect.DeepEqual(j.Life(), want) {
			t.Errorf("life %+v, want %+v", j.Life(), want)
		}
		must(t, j.Purge(paxos.Floor{Index: 34, Members: j.Floor().Members}))
		j.Crash()
		j = reopen()
	}
	j.Crash()
}

// A journal of a version that is not known is refused by its number.
func TestJournalOfAnotherVersion(t *testing.T) {
	cluster := testIdentity().Cluster
	b := paxos.AppendRecord(nil, cluster, paxos.LifeRecord{Life: paxos.Life{}.Begin(1)})
	b[1] = 9
	if _, err := paxos.DecodeRecord(cluster, b); !errors.Is(err, paxos.ErrUnknownFormat) || !strings.Contains(err.Error(), "version 9 of a journal") {
		t.Errorf("%v", err)
	}
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	packed, err := os.Open(from)
	must(t, err)
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	must(t, err)
	content, err := io.ReadAll(r)
	must(t, err)
	must(t, os.WriteFile(to, content, 0o600))
}
