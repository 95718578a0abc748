package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// A relay lets PostgreSQL's own programs talk to a server that only barista can reach: they connect to a socket in a
// private folder, and each connection is carried on through dial.
type relay struct {
	dir      string
	listener net.Listener
	dial     Dial

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	failed error // the first failure to reach the server, guarded by mu
}

// listenForCopy starts a relay; stop ends it.
func (c Config) listenForCopy(ctx context.Context, dial Dial) (*relay, error) {
	dir, err := os.MkdirTemp("", "barista-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the relay: %w", err)
	}
	listener, err := net.Listen("unix", relaySocket(dir))
	if err == nil {
		err = errors.Join(c.Account.Own(dir), c.Account.Own(relaySocket(dir)))
	}
	if err != nil {
		if listener != nil {
			listener.Close()
		}
		os.RemoveAll(dir)
		return nil, fmt.Errorf("listen for the relay: %w", err)
	}
	r := &relay{dir: dir, listener: listener, dial: dial}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.work.Go(r.accept) // stop ends it and waits for it
	return r, nil
}

// stop ends the relay with all its connections and returns why the server could not be reached, if it could not.
func (r *relay) stop() error {
	r.cancel()
	r.listener.Close()
	r.work.Wait()
	os.RemoveAll(r.dir)
	return r.failed
}

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return // stop closed the listener
		}
		r.work.Go(func() { r.carry(conn) }) // ends with its connections, which stop closes
	}
}

// carry dials the server and copies both ways until either side has ended.
func (r *relay) carry(local net.Conn) {
	defer local.Close()
	remote, err := r.dial(r.ctx)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.failed == nil {
			r.failed = fmt.Errorf("reach the server to be copied: %w", err)
		}
		return
	}
	defer remote.Close()
	defer context.AfterFunc(r.ctx, func() {
		local.Close()
		remote.Close()
	})()
	var back sync.WaitGroup
	back.Go(func() { // ends when either connection is closed, at the latest below
		_, _ = io.Copy(remote, local) // the programs at both ends notice what is missing
		remote.Close()
	})
	_, _ = io.Copy(local, remote)
	local.Close()
	back.Wait()
}
