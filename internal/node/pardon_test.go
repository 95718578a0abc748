package node

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/renewal"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
)

// disownedNode is a node n2 of two whose folder is an older copy. Its peer n1 answers as told, and nothing of the node runs but its control connections.
func disownedNode(t *testing.T, peer http.Handler) *node {
	t.Helper()
	n := dataNode(t, "pgdata")
	cluster := [16]byte{7}
	members := paxos.FirstMembership("n1", 1, "n1:1").AddLearner("n2", 2, "n2:1").Promote(2)
	identity := paxos.IdentityRecord{Cluster: cluster, Name: "n2", Incarnation: 2, Node: 2}
	if err := journal.Create(n.cfg.JournalDir(), identity, paxos.Floor{Members: members}); err != nil {
		t.Fatal(err)
	}
	var err error
	if n.journal, err = journal.Open(n.cfg.JournalDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.journal.Close() })
	if err := writeMark(n.cfg.JournalDir() + disownedSuffix); err != nil {
		t.Fatal(err)
	}
	restored, order, err := restore(n.journal, true)
	if err != nil {
		t.Fatal(err)
	}
	n.identity = identity
	n.cfg.Tick, n.cfg.Lease, n.cfg.ElectionMin, n.cfg.ElectionMax, n.cfg.Suspend = 1e8, 1e9, 1e9, 2e9, 5e9
	core, err := paxos.New(n.paxosConfig(), restored)
	if err != nil {
		t.Fatal(err)
	}
	n.driver = replicator.NewDriver(replicator.DriverConfig{Replicator: replicator.New(replicator.Config{}, core, order)})
	n.leading = newLeadership(time.Second)

	ctx, stop := context.WithCancel(t.Context())
	secret := []byte("espresso, long and strong")
	self := func(name string, incarnation uint64) transport.Identity {
		return transport.Identity{Cluster: cluster, Name: name, Incarnation: incarnation, ServerMajor: postgres.Major, Collation: collation(ctx)}
	}
	other, err := transport.New(transport.Config{Self: self("n1", 1), Secret: secret, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	other.ServeHTTP(peer)
	served := make(chan error, 1)
	go func() { served <- other.Serve(ctx) }() // ended by the cleanup
	peers := map[string]string{"n1": other.Addr().String()}
	n.cfg.Peers = peers
	if n.transport, err = transport.New(transport.Config{Self: self("n2", 2), Secret: secret, Listen: "127.0.0.1:0", Peers: peers}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.transport.Close()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestDataOfAPardonedNode(t *testing.T) {
	// Shows that the data of a node that is pardoned, which may be torn, are fetched anew if a peer has better ones, and that nobody serves them in silence if
	// nobody has.
	for name, test := range map[string]struct {
		peer renewal.Holding
		anew bool
	}{
		"a peer has better ones":     {peer: renewal.Holding{Holds: true}, anew: true},
		"a peer's are in doubt, too": {peer: renewal.Holding{Holds: true, Doubtful: true}},
		"a peer has just a rest":     {peer: renewal.Holding{}},
		"a peer's are being fetched": {peer: renewal.Holding{Busy: true}},
	} {
		t.Run(name, func(t *testing.T) {
			n := disownedNode(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/holding":
					reply(w, test.peer, nil)
				default:
					reply(w, admin.Status{}, nil)
				}
			}))
			if err := n.PardonMember(t.Context(), "n2"); err != nil {
				t.Fatal(err)
			}
			why, err := n.pg.GivenUp()
			if err != nil || (why == pardonedData) != test.anew {
				t.Errorf("its data are given up because %q, %v", why, err)
			}
			if asked := len(n.server.renewal.wanted) > 0; asked != test.anew {
				t.Errorf("its server goes on with them: %v", !asked)
			}
			if said := n.server.doubtful(); strings.Contains(said, filepath.Join("pgdata", "barista.doubtful")) == test.anew {
				t.Errorf("its status says %q", said)
			}
			if disowned, err := hasMark(n.cfg.JournalDir() + disownedSuffix); disowned || err != nil {
				t.Errorf("the next process votes: %v, %v", !disowned, err)
			}
		})
	}
}

func TestCopiesComeFromSoundData(t *testing.T) {
	// Shows that data are not copied from a node whose own are in doubt as long as another one can give some.
	names := []string{"n1", "n2", "n3", "n4"}
	preferSound(names, []string{"n4", "n2"})
	if want := []string{"n2", "n4", "n1", "n3"}; !slices.Equal(names, want) {
		t.Errorf("the order is %v; want %v", names, want)
	}
}
