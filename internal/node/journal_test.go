package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// damagedNode returns a node whose journal has a wrong byte in an early batch, its log, and the damaged file.
func damagedNode(t *testing.T, peers map[string]string) (n *node, log *bytes.Buffer, file string) {
	t.Helper()
	cfg := config.Config{Name: "n1", Dir: t.TempDir(), Peers: peers}
	identity := paxos.IdentityRecord{Cluster: [16]byte{1}, Name: "n1", Incarnation: 7, Node: 1}
	if err := journal.Create(cfg.JournalDir(), identity, paxos.Floor{}); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(cfg.JournalDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range paxos.Index(3) {
		value := paxos.Value{Version: 1, Epoch: 5, Kind: paxos.KindNoop}
		if err := j.Append([]paxos.Record{paxos.AcceptRecord{Entry: paxos.Entry{Index: i + 1, Ballot: 5, Value: value}}}, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(cfg.JournalDir(), "*.wal"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	f, err := os.OpenFile(segments[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xAB}, 60); err != nil {
		t.Fatal(err)
	}
	log = new(bytes.Buffer)
	return &node{cfg: cfg, log: slog.New(slog.NewTextHandler(log, nil))}, log, filepath.Base(segments[0])
}

// A damaged journal is set aside as it is, with a line that names file and offset, and the node has none then: it joins as a new incarnation.
func TestDamagedJournalIsSetAside(t *testing.T) {
	n, log, file := damagedNode(t, map[string]string{"n1": "a:1", "n2": "a:2"})
	if err := n.openJournal(context.Background()); err != nil || n.journal != nil {
		t.Fatalf("journal %v, %v", n.journal, err)
	}
	if there, err := journal.Exists(n.cfg.JournalDir()); there || err != nil {
		t.Errorf("the damaged journal is in place: %t, %v", there, err)
	}
	if _, err := os.Stat(filepath.Join(n.cfg.JournalDir()+damagedSuffix, file)); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, file) || !strings.Contains(text, "offset ") || !strings.Contains(text, "new incarnation") {
		t.Errorf("the log says %q", text)
	}
}

// Without peers a damaged journal stays, and the node stops with file, offset and advice.
func TestDamagedJournalWithoutPeers(t *testing.T) {
	n, _, file := damagedNode(t, map[string]string{"n1": "a:1"})
	err := n.openJournal(context.Background())
	if !config.IsMistake(err) || !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "offset ") {
		t.Errorf("error %v", err)
	}
	if there, err := journal.Exists(n.cfg.JournalDir()); !there || err != nil {
		t.Errorf("the journal is gone: %v", err)
	}
}

// A read of a running node that meets damage stops the node, with file and offset; it is told once.
func TestDamageStopsARunningNode(t *testing.T) {
	n := &node{cfg: config.Config{Name: "n1", Dir: t.TempDir()}, damaged: make(chan error, 1)}
	identity := paxos.IdentityRecord{Cluster: [16]byte{1}, Name: "n1", Incarnation: 7, Node: 1}
	if err := journal.Create(n.cfg.JournalDir(), identity, paxos.Floor{}); err != nil {
		t.Fatal(err)
	}
	if err := n.openJournal(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer n.journal.Close()
	body := []byte("a body that is easily found")
	value := paxos.Value{Version: 1, Epoch: 5, Kind: paxos.KindChangeSets, Body: body}
	records := []paxos.Record{paxos.AcceptRecord{Entry: paxos.Entry{Index: 1, Ballot: 5, Value: value}}, paxos.ChosenRecord{To: 1}}
	if err := n.journal.Append(records, true); err != nil {
		t.Fatal(err)
	}
	segments, _ := filepath.Glob(filepath.Join(n.cfg.JournalDir(), "*.wal"))
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(segments[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{'X'}, int64(bytes.Index(content, body))); err != nil {
		t.Fatal(err)
	}
	watched := watchedJournal{n.journal, n.damaged}
	for range 3 {
		if _, err := watched.Entries(1, 1, 0); !errors.Is(err, journal.ErrDamaged) {
			t.Fatalf("error %v", err)
		}
	}
	stopped := n.watchJournal(t.Context())
	if !errors.Is(stopped, journal.ErrDamaged) || !strings.Contains(stopped.Error(), filepath.Base(segments[0])) || !strings.Contains(stopped.Error(), "offset ") {
		t.Errorf("stopped with %v", stopped)
	}
}
