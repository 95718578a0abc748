package node

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/transport"
)

// stranger answers at a port in a node's place, without the secret. It tells when it has been asked.
func stranger(t *testing.T) (address string, asked chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	asked = make(chan struct{}, 1)
	go func() { // ends when the listener is closed
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			hello := make([]byte, 1024)
			n, _ := conn.Read(hello)
			conn.Write(append(hello[:n], make([]byte, 32)...))
			io.Copy(io.Discard, conn)
			conn.Close()
			select {
			case asked <- struct{}{}:
			default:
			}
		}
	}()
	return l.Addr().String(), asked
}

// Who answers without the secret in the place of a node that is down does not keep a joiner from joining through another; if nobody holds the
// secret, the joiner says so and gives up.
func TestJoinBesideStrangers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	secret := []byte("espresso, long and strong")
	cluster := [16]byte{7}
	address, asked := stranger(t)
	leader := admitting(t, "n1", secret, cluster, asked, nil)
	joiner := &node{secret: secret, log: slog.New(slog.DiscardHandler), cfg: config.Config{Name: "n2", Peer: "127.0.0.1:1", Peers: map[string]string{
		"n1": leader, "n2": "127.0.0.1:1", "n3": address,
	}}}
	if answer, err := joiner.join(ctx, 1); err != nil || answer.Cluster != cluster {
		t.Errorf("beside a stranger: %+v, %v", answer, err)
	}
	joiner.cfg.Peers = map[string]string{"n2": "127.0.0.1:1", "n3": address}
	if _, err := joiner.join(ctx, 1); !config.IsMistake(err) {
		t.Errorf("among strangers: %v; want a Mistake", err)
	}
}

// admitting is a node that admits whoever asks it once something has come in, and tells of those of other clusters. It returns its address.
func admitting(t *testing.T, name string, secret []byte, cluster [16]byte, first <-chan struct{}, foreign func()) string {
	t.Helper()
	leader, err := transport.New(transport.Config{
		Self:   transport.Identity{Cluster: cluster, Name: name, Incarnation: 1, ServerMajor: postgres.Major, Collation: collation(t.Context())},
		Secret: secret, Listen: "127.0.0.1:0", Foreign: func(transport.Identity, transport.Identity) { foreign() },
	})
	if err != nil {
		t.Fatal(err)
	}
	leader.ServeHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-first:
			reply(w, joinReply{Cluster: cluster, Node: 2}, nil)
		case <-r.Context().Done():
		}
	}))
	serving, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- leader.Serve(serving) }() // ended below
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return leader.Addr().String()
}

// A node that belongs to a cluster, and has to join it anew, is not admitted by another one that holds the same secret.
func TestJoinBesideAnotherCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	secret := []byte("espresso, long and strong")
	own, other := [16]byte{7}, [16]byte{8}
	met, always := make(chan struct{}, 100), make(chan struct{})
	close(always)
	joiner := &node{
		secret: secret, log: slog.New(slog.DiscardHandler), identity: paxos.IdentityRecord{Cluster: own},
		cfg: config.Config{Name: "n2", Peer: "127.0.0.1:1", Peers: map[string]string{
			"n1": admitting(t, "n1", secret, other, always, func() { met <- struct{}{} }),
			"n2": "127.0.0.1:1",
			"n3": admitting(t, "n3", secret, own, met, nil), // first the other one
		}},
	}
	if answer, err := joiner.join(ctx, 1); err != nil || answer.Cluster != own {
		t.Errorf("%+v, %v", answer, err)
	}
}
