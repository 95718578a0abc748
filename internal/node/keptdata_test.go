package node

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/gate"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/replicator"
)

// dataNode is a node with data folders of the given names and without a server. Each folder holds a file that says which it is.
func dataNode(t *testing.T, folders ...string) *node {
	t.Helper()
	cfg := config.Config{Name: "n2", Dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	n := &node{cfg: cfg, log: log, pg: postgres.Config{DataDir: filepath.Join(cfg.Dir, "pgdata"), Log: log}}
	for _, name := range folders {
		path := filepath.Join(cfg.Dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{name, "PG_VERSION"} {
			if err := os.WriteFile(filepath.Join(path, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.permissions = newPermissions(n)
	n.server = newLocalServer(n.pg, 2, log)
	n.server.permissions = n.permissions
	return n
}

// holds reports whether a folder of the node holds what that of a name held.
func (n *node) holds(folder, name string) bool {
	_, err := os.Stat(filepath.Join(n.cfg.Dir, folder, name))
	return err == nil
}

func TestJoiningAnewKeepsTheData(t *testing.T) {
	// Shows that a node which is admitted anew keeps the data of its server until it has others, starts no server on them, and asks for others at each start:
	// another node may have dropped its own because these were there.
	n := dataNode(t, "pgdata")
	answer := joinReply{Cluster: [16]byte{1}, Node: 4, Floor: paxos.Floor{Index: 7}}
	if err := n.settle(t.Context(), answer, 9); err != nil {
		t.Fatal(err)
	}
	if there, err := journal.Exists(n.cfg.JournalDir()); !there || err != nil {
		t.Fatalf("it has a journal: %v, %v", there, err)
	}
	away := errors.New("nobody can be reached")
	for range 2 {
		s := newLocalServer(n.pg, 2, n.log) // of the next process
		s.permissions = n.permissions
		asked := 0
		s.fetch = func(context.Context) error { asked++; return away }
		if err := s.provideData(t.Context()); !errors.Is(err, away) || asked != 1 {
			t.Errorf("a copy was asked for %d times: %v", asked, err)
		}
		if !n.holds("pgdata", "pgdata") {
			t.Fatal("the data of the earlier incarnation are gone, and there is no copy")
		}
	}
}

func TestStartAfterAnExchangeThatWasCutShort(t *testing.T) {
	// Shows that a node whose process died between the two renamings of an exchange goes on with the data that it had, and copies nothing.
	n := dataNode(t, "pgdata.old", "pgdata.new")
	n.server.fetch = func(context.Context) error { t.Error("a copy is fetched"); return nil }
	if err := n.server.provideData(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !n.holds("pgdata", "pgdata.old") {
		t.Error("the data are not back in their place")
	}
}

func TestCopyIsProvenWhenNothingIsBeforeIt(t *testing.T) {
	// Shows that a copy counts as proven, so that the journal may purge what it holds, only when the data before it are durably gone: a start that finds those
	// may go back to them.
	n := dataNode(t)
	n.server.pg.DataDir = filepath.Join(n.cfg.Dir, "away", "pgdata") // where nothing can be made durable
	shared, err := gate.NewShared(filepath.Join(n.cfg.Dir, "shared"), 11, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Unmap()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	looked := make(chan struct{}, 100)
	n.server.watchStatus = func() <-chan struct{} { return nil }
	n.server.status = func() replicator.Status { looked <- struct{}{}; return replicator.Status{Server: 11} }
	stopped, stop := context.WithCancel(ctx)
	stop()
	n.server.keepData(&run{owner: n.server, shared: shared, ctx: stopped})
	n.server.setCurrent(&run{shared: shared})
	if n.server.renewal.proven.Load() || len(looked) == 0 || n.permissions.own.Tell(1, 1).Holds {
		t.Fatal("the copy is proven, and the data before it could not be removed")
	}
	if _, _, err := n.server.flushed(ctx); !errors.Is(err, errUnproven) {
		t.Errorf("the journal hears what the copy has flushed: %v", err)
	}
	if err := os.Mkdir(filepath.Dir(n.server.pg.DataDir), 0o700); err != nil {
		t.Fatal(err)
	}
	n.server.keepData(&run{owner: n.server, shared: shared, ctx: ctx})
	if !n.server.renewal.proven.Load() || !n.permissions.own.Tell(1, 1).Holds {
		t.Error("the copy is not proven, and there is nothing before it")
	}
}
