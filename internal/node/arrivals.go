package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/lobby"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/session"
)

const (
	// waitingSpare is how many clients may wait to be authenticated at a front door beyond the sessions that all of them may become.
	waitingSpare = 1024
	// arrivalGrace is for how long a client may owe the leader's server a word while others wait for its place. When very many come at the
	// same time, each of them may need that long on a busy machine.
	arrivalGrace = time.Second
)

// openArrivals makes the place for clients of all front doors that this node's server has not authenticated yet. One front door, whatever
// comes to it, gets at most half of it.
func (n *node) openArrivals() (err error) {
	var crowded lobby.Rarely
	n.arrivals, err = lobby.New(lobby.Options{Limit: postgres.Arrivals, Each: postgres.Arrivals / 2, Grace: arrivalGrace, Crowded: func() {
		crowded.Say(func(k int) {
			n.log.Warn("too many clients have not answered the server that wants to authenticate them; the longest silent are closed",
				"closed", k, "limit", postgres.Arrivals, "limit_of_each_node", postgres.Arrivals/2)
		})
	}})
	return err
}

// arrive opens a stream to the own server for a client of a node's front door, once there is a place for it.
func (n *node) arrive(ctx context.Context, door string) (session.Backend, error) {
	gaveWay := make(chan struct{})
	place, err := n.arrivals.Wait(ctx, door, func() { close(gaveWay) })
	if err != nil {
		return session.Backend{}, session.ErrCrowded
	}
	conn, err := n.server.dialForDoor(ctx)
	if err != nil {
		place.Leave()
		return session.Backend{}, err
	}
	return session.Backend{Conn: conn, Node: n.cfg.Name, Place: place, GaveWay: gaveWay}, nil
}

// untilHangUp returns a context that ends also when the other side of c hangs up, which has nothing to say yet. stop ends that, and reports
// whether the stream still stands.
func untilHangUp(ctx context.Context, c net.Conn) (waiting context.Context, stop func() bool) {
	waiting, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { // ended by stop, which waits for it
		_, err := c.Read(make([]byte, 1))
		cancel()
		ended <- err
	}()
	return waiting, func() bool {
		c.SetReadDeadline(time.Unix(1, 0))
		err := <-ended
		c.SetReadDeadline(time.Time{})
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
}

// waiting is how many clients may wait to be authenticated at this node's front door.
func (n *node) waiting() int { return n.cfg.MaxSessions + waitingSpare }

// neededFiles is how many files this node may have open when everything is at its limit.
func (n *node) neededFiles() uint64 {
	const (
		perSession  = 3 // the client, its backend's line or socket, and the backend's connection to the gate
		perWaiting  = 2 // the client and its backend
		handshakes  = 256
		lastWords   = 128
		cancels     = 2 * 32
		allElse     = 512 // journal, peers, people
		fromOthers  = 1   // each client that waits at another front door for a place at this server
		ownArrivals = 2 * postgres.Arrivals
	)
	others := max(len(n.cfg.Peers)-1, 0)
	return uint64(perSession*n.pg.Sessions() + (perWaiting+fromOthers*others)*n.waiting() + ownArrivals + handshakes + lastWords + cancels + allElse)
}

// checkFiles says so when the system allows fewer open files than this node may need: then clients are kept out before any limit of Barista's
// is reached, or the journal cannot go on.
func (n *node) checkFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("ask how many files may be open: %w", err)
	}
	n.compareFiles(limit.Cur)
	return nil
}

func (n *node) compareFiles(allowed uint64) {
	if needed := n.neededFiles(); allowed < needed {
		n.log.Warn("the system allows this node fewer open files than it may need: raise the limit (ulimit -n, LimitNOFILE=) or lower max_sessions",
			"allowed", allowed, "needed", needed, "max_sessions", n.cfg.MaxSessions)
	}
}
