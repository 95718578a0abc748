package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/postgres"
)

// errNoBackup ends a start of the server that has no data, because no peer could give them.
var errNoBackup = errors.New("fetch a base backup")

// noteEnd remembers why a start of the server ended, for people.
func (s *localServer) noteEnd(err error) {
	switch {
	case errors.Is(err, errRenew):
	case errors.Is(err, errNoBackup):
		s.troubles.Failed(admin.NoBackup, err.Error(), time.Now())
	default:
		s.troubles.Failed(admin.ServerFails, fmt.Sprint(err), time.Now())
	}
}

// copying is a base backup that is under way.
type copying struct {
	from  string
	bytes atomic.Int64 // that have come
	lines atomic.Int32 // connections that are open; while there is none, what has come is verified
}

// copyWatch is the time between two looks at a base backup. A peer may take so long for the checkpoint with which it begins.
const copyWatch = 20 * time.Second

// watchCopy makes a base backup from a peer, and lets people see how far it is, and that it stands still if it does.
func (s *localServer) watchCopy(ctx context.Context, from string, dial postgres.Dial, backup func(context.Context, postgres.Dial) error) error {
	c := &copying{from: from}
	s.copying.Store(c)
	defer s.copying.Store(nil)
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // ends with watching; the deferred function waits for it
		defer close(done)
		s.watchBytes(watching, c)
	}()
	defer func() { stop(); <-done }()
	err := backup(ctx, func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		c.lines.Add(1)
		return &countedConn{Conn: conn, copying: c}, nil
	})
	if err == nil {
		s.troubles.Well(admin.NoBackup, time.Now())
	}
	return err
}

func (s *localServer) watchBytes(ctx context.Context, c *copying) {
	ticker := time.NewTicker(copyWatch)
	defer ticker.Stop()
	last := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			s.lookAtCopy(c, &last, now)
		}
	}
}

// lookAtCopy notes whether anything has come since the last look.
func (s *localServer) lookAtCopy(c *copying, last *int64, now time.Time) {
	bytes := c.bytes.Load()
	if bytes != *last || c.lines.Load() == 0 {
		*last = bytes
		s.troubles.Well(admin.NoBackup, now)
		return
	}
	s.troubles.Failed(admin.NoBackup, fmt.Sprintf("the one from %s stands still at %s", c.from, mebibytes(bytes)), now)
}

// progressOfCopy says how far a base backup is; empty if there is none under way.
func (s *localServer) progressOfCopy() string {
	c := s.copying.Load()
	if c == nil {
		return ""
	}
	return fmt.Sprintf("base backup from %s, %s so far", c.from, mebibytes(c.bytes.Load()))
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// countedConn counts what comes.
type countedConn struct {
	net.Conn
	copying *copying
	closed  atomic.Bool
}

// Read implements net.Conn.
func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.copying.bytes.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.copying.lines.Add(-1)
	}
	return c.Conn.Close()
}
