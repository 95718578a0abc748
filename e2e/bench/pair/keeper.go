package pair

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/gate"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// A keeper is barista's end of the gate in a cluster of nobody: all that is submitted is chosen at once, in the order in which it comes.
type keeper struct {
	shared *gate.Shared
	gate   *gate.Gate
	served chan error

	placed chan place // holds the one place in the order, between two submissions
}

// A place is where the order has come to.
type place struct {
	index uint64
	last  changeset.Position
}

// newKeeper makes the mapped file and the gate's socket.
func newKeeper(sharedFile, socket string) (*keeper, error) {
	var name [8]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, err
	}
	start := binary.LittleEndian.Uint64(name[:])
	shared, err := gate.NewShared(sharedFile, start, 1)
	if err != nil {
		return nil, err
	}
	k := &keeper{shared: shared, served: make(chan error, 1), placed: make(chan place, 1)}
	if k.gate, err = gate.Listen(socket, start, k.handle, slog.New(slog.DiscardHandler)); err != nil {
		return nil, errors.Join(err, shared.Unmap())
	}
	go func() { k.served <- k.gate.Serve(context.Background()) }() // ends when close closes the gate, and waits for it
	return k, nil
}

// open opens the gate, with a lease that never ends, on top of what the server shows.
func (k *keeper) open() {
	last := k.shared.Applied()
	k.placed <- place{last.Index(), last}
	k.shared.SetLease(paxos.Instant(math.MaxInt64))
	k.shared.SetIDLimit(1 << 62) // nobody else leads
	k.shared.Open(1<<16 | 1)     // the first ballot of node 1
}

func (k *keeper) handle(event replicator.Event) {
	s, isSubmitted := event.(replicator.Submitted)
	if !isSubmitted {
		return
	}
	answer := replicator.Answer{Backend: s.Backend, Request: s.Request, Verdict: replicator.Agreed}
	at := <-k.placed
	if s.Set != nil {
		next := changeset.At(at.index+1, 0)
		answer.Verdict, answer.Position, answer.Predecessor = replicator.Chosen, next, at.last
		answer.Committed = s.Arrived
		at = place{at.index + 1, next}
	}
	k.placed <- at
	k.gate.Send([]replicator.Answer{answer})
}

func (k *keeper) close() error {
	if k == nil {
		return nil
	}
	k.shared.Close()
	k.gate.Close()
	return errors.Join(<-k.served, k.shared.Unmap())
}
