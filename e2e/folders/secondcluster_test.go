package folders

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestSecondClusterStopsWhenItMeetsTheFirst(t *testing.T) {
	// A node that is initialised a second time while it is cut off serves as a cluster of its own. When it meets the first one, under writes on both
	// sides, it acknowledges nothing more, says why, also after a restart, and waits for a person; the other serves on.
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), harness.LedgerTable)
	second := c.AwaitLeader(t)
	first := c.Others(second)
	node := c.Node(second)
	if err := node.Kill9(); err != nil {
		t.Fatal(err)
	}
	harness.Wipe(t, node.Config.Dir)
	var healed atomic.Bool
	own := node.Config.Peer
	node.Config.Peer = freeAddress(t) // so that the others do not reach it either
	peers := map[string]string{node.Config.Name: node.Config.Peer}
	for _, k := range first {
		peers[c.Node(k).Config.Name] = forward(t, c.Node(k).Config.Peer, &healed)
	}
	before := node.Config.Peers
	node.Config.Peers = peers
	if err := node.WriteConfig(); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := c.Barista(t, "init", "--config", node.ConfigFile())
	if status != 0 || strings.Count(stderr, "warning: ") != 2 {
		t.Fatalf("init while cut off: %d, %s", status, stderr)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitServing(harness.Limited(t, harness.StartLimit), first...); err != nil {
		t.Fatal(err)
	}
	harness.Await(t, harness.StartLimit, "the second cluster serves", func(ctx context.Context) error { return isPrimary(ctx, node) })
	harness.Run(t, c.Connect(t, second), harness.LedgerTable)
	one, other := &harness.Ledger{}, &harness.Ledger{}
	harness.StartWriters(t, one, harness.URLs(c, first))
	w := harness.StartWriters(t, other, harness.URLs(c, []int{second}))
	one.AwaitMore(t, 50)
	other.AwaitMore(t, 50)

	healed.Store(true)
	awaitRival(t, node)
	w.Stopped() // with answers that were on their way
	acknowledged := other.Counted(harness.Acknowledged)
	w = harness.StartWriters(t, other, harness.URLs(c, []int{second}))
	one.AwaitMore(t, 50)
	w.Stopped()
	if now := other.Counted(harness.Acknowledged); now != acknowledged {
		t.Errorf("the second cluster acknowledged %d more after it had stopped", now-acknowledged)
	}
	if err := errors.Join(node.Kill9(), node.Start()); err != nil {
		t.Fatal(err)
	}
	awaitRival(t, node)
	one.AwaitMore(t, 50)

	// A person decides for the first.
	if err := node.Kill9(); err != nil {
		t.Fatal(err)
	}
	harness.Wipe(t, node.Config.Dir)
	node.Config.Peer, node.Config.Peers = own, before
	if err := node.WriteConfig(); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, second)
	one.AwaitMore(t, 50)
}

// awaitRival waits until a node says that it stopped for another cluster, and is not healthy.
func awaitRival(t *testing.T, n *devcluster.Node) {
	t.Helper()
	harness.Await(t, harness.StartLimit, "it stops for the other cluster", func(ctx context.Context) error {
		own, err := harness.OwnStatus(ctx, "http://"+n.Config.HTTP+"/status")
		if err == nil && (own.Role != admin.Stopped || own.Reason != admin.Rival) {
			err = fmt.Errorf("%+v", own)
		}
		return err
	})
	response, err := http.Get("http://" + n.Config.HTTP + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("health: %s", response.Status)
	}
}

func isPrimary(ctx context.Context, n *devcluster.Node) error {
	own, err := harness.OwnStatus(ctx, "http://"+n.Config.HTTP+"/status")
	if err == nil && !own.Primary() {
		err = fmt.Errorf("%+v", own)
	}
	return err
}

// freeAddress is one at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// forward passes connections on to an address once open is true; before that it closes them.
func forward(t *testing.T, to string, open *atomic.Bool) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		l.Close()
		stop()
		passing.Wait()
	})
	passing.Go(func() { // ends when the listener is closed
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { pass(ctx, in, to, open) }) // ends with its connection, at the latest with ctx
		}
	})
	return l.Addr().String()
}

func pass(ctx context.Context, in net.Conn, to string, open *atomic.Bool) {
	defer in.Close()
	if !open.Load() {
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() {
		in.Close()
		out.Close()
	})()
	var back sync.WaitGroup
	back.Go(func() { // ends when either end is closed
		io.Copy(in, out)
		in.Close()
	})
	io.Copy(out, in)
	out.Close()
	back.Wait()
}
