package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/baristadb/barista/internal/paxos"
)

// A node whose folder is an older copy is disowned by its peers (internal/paxos, life.go): it has forgotten votes. It goes on running, but votes
// no more, and asks to join as a new incarnation. Nothing of the folder is touched before a leader has admitted that, because then a majority
// serves without this node. Where the others came back with less too there is no leader, and an operator has to decide (PardonMember).

const (
	// outdatedSuffix is behind the name of a journal that was an older copy.
	outdatedSuffix = ".outdated"
	// disownedSuffix is behind the name of a file that says that the journal was found to be one. The next process does not vote from it either,
	// though those who know may be away then. If this one dies after it was admitted and before the journal is set aside, the next finds that its
	// number is gone, and this file, and joins.
	disownedSuffix = ".disowned"
)

// replaced ends this life of a node: it goes on as the incarnation that was admitted, if there is one, else it has to join.
type replaced struct {
	answer      joinReply
	incarnation uint64
}

func (*replaced) Error() string { return "this node goes on as a new incarnation" }

// gone is the end of a node that is no member any more.
type gone struct {
	error
	barred bool // nobody of its name may join
}

// watchOutdated returns a *replaced when peers have disowned this node and a leader has admitted it anew; nil when ctx ends.
func (n *node) watchOutdated(ctx context.Context) error {
	for {
		next := n.driver.Watch()
		if why := n.driver.Status().Disowned; why != nil {
			if err := n.rejoin(ctx, why); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-next:
		}
	}
}

// rejoin asks to be admitted anew, until that is done, or the node was pardoned, or ctx ends; then it returns nil.
func (n *node) rejoin(ctx context.Context, why *paxos.Disowned) error {
	n.log.Error("this node's folder is an older copy, and it must not vote from it: it joins as a new incarnation; where no majority is left for "+
		"that, see barista members pardon", "reason", n.outdated(why))
	if err := writeMark(n.cfg.JournalDir() + disownedSuffix); err != nil {
		return fmt.Errorf("note that the journal is an older copy: %w", err)
	}
	n.asked.Store(true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	admitted := make(chan *replaced, 1)
	go func() { // ends with ctx; awaited below
		defer close(admitted)
		for ctx.Err() == nil {
			incarnation := newIncarnation()
			answer, err := n.join(ctx, incarnation)
			if err == nil {
				admitted <- &replaced{answer: answer, incarnation: incarnation}
				return
			}
			pause(ctx, time.Second)
		}
	}()
	for {
		next := n.driver.Watch()
		if n.driver.Status().Disowned == nil {
			cancel()
		}
		select {
		case done, ok := <-admitted:
			if !ok {
				return nil
			}
			return done
		case <-next:
		}
	}
}

// outdated says what a peer has seen of this node that it does not know.
func (n *node) outdated(why *paxos.Disowned) string {
	if why.Earlier {
		return "its peers found so before it was started again"
	}
	if why.By == 0 {
		return "members have joined of whom this folder does not know"
	}
	return fmt.Sprintf("%s has seen %d votes of this node in its start number %d, and this folder does not know of them", n.namesOf(why.By)[0], why.Seen.Acts, why.Seen.Run.Count())
}

// goOn decides what follows on the end of a node's life: with true a new one, after the journal was set aside. A node whose number is gone has a new
// one if that was for its own sake: it had asked to be admitted anew. An operator may have pardoned it between its asking and the choosing, and then
// it has voted meanwhile, as a member like every other; but its old number was removed, and nobody is to stay without one for that.
func (n *node) goOn(ctx context.Context, end error) (bool, error) {
	was, replacing := errors.AsType[*replaced](end)
	if !replacing {
		removal, removed := errors.AsType[gone](end)
		_, err := os.Stat(n.cfg.JournalDir() + disownedSuffix)
		if !removed || removal.barred || err != nil && !n.asked.Load() || ctx.Err() != nil {
			return false, end
		}
	}
	dir := n.cfg.JournalDir()
	aside := dir + outdatedSuffix
	if err := os.RemoveAll(aside); err != nil {
		return false, fmt.Errorf("remove a journal that was set aside earlier: %w", err)
	}
	if err := os.Rename(dir, aside); err != nil {
		return false, fmt.Errorf("set the outdated journal aside: %w", err)
	}
	if err := removeMark(dir + disownedSuffix); err != nil {
		return false, err
	}
	n.log.Warn("the outdated journal is set aside, and this node goes on as a new incarnation", "aside", aside)
	if replacing {
		return true, n.settle(ctx, was.answer, was.incarnation)
	}
	return true, nil
}

// writeMark makes an empty file that is there after a crash.
func writeMark(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close(), folder.Sync(), folder.Close())
}

func hasMark(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether the journal is an older copy: %w", err)
	}
	return true, nil
}

func removeMark(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the note that the journal is an older copy: %w", err)
	}
	return nil
}
