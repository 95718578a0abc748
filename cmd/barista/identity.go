package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// createJournal makes the journal of a cluster of one node, with a cluster id and an incarnation that never were.
func createJournal(cfg config.Config) error {
	identity := paxos.IdentityRecord{Name: cfg.Name, Incarnation: randomNumber(), Node: 1}
	rand.Read(identity.Cluster[:])
	floor := paxos.Floor{Members: paxos.FirstMembership(cfg.Name, identity.Incarnation, cfg.Peer)}
	if err := journal.Create(cfg.JournalDir(), identity, floor); err != nil {
		return fmt.Errorf("make the journal: %w", err)
	}
	return nil
}

// randomNumber draws a number that is not 0.
func randomNumber() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:])
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}
