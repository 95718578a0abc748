package journal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

func TestOwner(t *testing.T) {
	// Whose journal it is can be read beside the node that writes it, from any of its segments; damage and an empty folder are told.
	dir := filepath.Join(t.TempDir(), "journal")
	if _, err := journal.Owner(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Owner(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a journal: %v", err)
	}
	identity := paxos.IdentityRecord{Cluster: [16]byte{1, 2}, Name: "n1", Incarnation: 7, Node: 1}
	if err := journal.CreateSmall(dir, identity, paxos.Floor{Members: paxos.FirstMembership("n1", 7, "a:1")}); err != nil {
		t.Fatal(err)
	}
	j, err := journal.OpenSmall(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for round := paxos.Ballot(1); segments(t, dir) < 3; round++ {
		if got, err := journal.Owner(dir); err != nil || got != identity {
			t.Fatalf("%+v, %v; want %+v", got, err, identity)
		}
		if err := j.Append([]paxos.Record{paxos.PromiseRecord{Ballot: round<<16 | 1}}, true); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := journal.Owner(dir); err != nil || got != identity {
		t.Errorf("%+v, %v; want %+v", got, err, identity)
	}
	for _, path := range files(t, dir) {
		if err := os.WriteFile(path, make([]byte, 100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := journal.Owner(dir); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("a damaged one: %v", err)
	}
	for _, path := range files(t, dir) {
		if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := journal.Owner(dir); err == nil {
		t.Error("pipes are taken for a journal")
	}
}

func segments(t *testing.T, dir string) int { return len(files(t, dir)) }

func files(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
