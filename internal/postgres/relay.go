package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/baristadb/barista/internal/account"
)

// A relay lets PostgreSQL's own programs talk to a server that only barista can reach: they connect to a socket in a
// private folder, and each connection is carried on through dial.
type relay struct {
	dir      string
	listener net.Listener
	dial     Dial
	account  account.Account

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	failed error // the first failure to reach the server, guarded by mu
}

// listenForCopy starts a relay; stop ends it.
func (c Config) listenForCopy(ctx context.Context, dial Dial) (*relay, error) {
	r := &relay{dial: dial, account: c.Account}
	if err := c.Account.As(r.listen); err != nil {
		return nil, fmt.Errorf("listen for the relay: %w", err)
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.work.Go(r.accept) // stop ends it and waits for it
	return r, nil
}

func (r *relay) listen() (err error) {
	if r.dir, err = os.MkdirTemp("", "barista-"); err != nil {
		return err
	}
	if r.listener, err = net.Listen("unix", relaySocket(r.dir)); err != nil {
		return errors.Join(err, os.RemoveAll(r.dir))
	}
	return nil
}

// stop ends the relay with all its connections and returns why the server could not be reached, if it could not.
func (r *relay) stop() error {
	r.cancel()
	r.listener.Close()
	r.work.Wait()
	_ = r.account.As(func() error { return os.RemoveAll(r.dir) }) // it is empty, and a temporary one
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
