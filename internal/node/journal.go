package node

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
)

// damagedSuffix is behind the name of a journal that was set aside; the next one that is takes its place.
const damagedSuffix = ".damaged"

// openJournal opens this node's journal if there is one. A damaged one is set aside: the node may have forgotten a vote, and comes back as
// another incarnation. If the process dies before it is admitted, the next start finds no journal, which is the same.
func (n *node) openJournal(context.Context) error {
	dir := n.cfg.JournalDir()
	exists, err := journal.Exists(dir)
	if err != nil || !exists {
		return err
	}
	opened, err := journal.Open(dir)
	if errors.Is(err, journal.ErrDamaged) {
		return n.setAside(dir, err)
	}
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	n.journal, n.identity = opened, opened.Identity()
	if n.identity.Name != n.cfg.Name {
		return config.Mistakef("the journal in %s is that of node %q, and node.yaml says %q", dir, n.identity.Name, n.cfg.Name)
	}
	return nil
}

// setAside puts a damaged journal out of the way. Without peers there is nobody who could admit another incarnation.
func (n *node) setAside(dir string, damage error) error {
	if len(n.cfg.Peers) < 2 {
		return config.Mistakef("%w: this node must not vote from it, and there are no peers to join; restore a copy of the whole folder %s", damage, n.cfg.Dir)
	}
	aside := dir + damagedSuffix
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("remove a journal that was set aside earlier: %w", err)
	}
	if err := os.Rename(dir, aside); err != nil {
		return fmt.Errorf("set the damaged journal aside: %w", err)
	}
	n.log.Error("the journal is set aside: this node must not vote from it, and joins as a new incarnation", "reason", damage, "aside", aside)
	return nil
}

// watchedJournal stops the node when a read finds damage: the next start finds it too, and does what is to be done.
type watchedJournal struct {
	*journal.Journal
	damaged chan<- error // has room for one
}

// Entries is Journal.Entries.
func (w watchedJournal) Entries(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error) {
	entries, err := w.Journal.Entries(from, to, maxBytes)
	if errors.Is(err, journal.ErrDamaged) {
		select {
		case w.damaged <- fmt.Errorf("%w; start this node again: it sets the journal aside and joins as a new incarnation", err):
		default:
		}
	}
	return entries, err
}

// watchJournal returns why the journal cannot be trusted any more, or nil when ctx ends.
func (n *node) watchJournal(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.damaged:
		return err
	}
}
