package journal

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"github.com/baristadb/barista/internal/paxos"
)

const segmentSuffix = ".wal"

// Exists reports whether dir holds a journal. What a Create that died has left is none; a folder that is not there neither.
func Exists(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), segmentSuffix) {
			return true, nil
		}
	}
	return false, err
}

// Create makes a journal in dir, which must not be there, or be empty but for what a Create that died has left; anything else is
// ErrNotEmpty. The journal is there as a whole or not at all. Open opens it.
func Create(dir string, identity paxos.IdentityRecord, floor paxos.Floor) error {
	return create(newDisk(dir, segmentBytes), identity, floor)
}

func create(d *disk, identity paxos.IdentityRecord, floor paxos.Floor) error {
	defer d.close()
	fail := func(err error) error { return fmt.Errorf("create a journal in %s: %w", d.dir, err) }
	if identity.Name == "" || identity.Cluster == [16]byte{} {
		return fail(errors.New("an identity without a name or a cluster"))
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fail(err)
	}
	held, err := lock(d.dir)
	if err != nil {
		return fail(err)
	}
	defer held.Close()
	if err := clearUnfinished(d); err != nil {
		return fail(err)
	}
	if err := createFirst(d, identity, floor); err != nil {
		return fail(err)
	}
	if err := d.files.sync(); err != nil {
		return fail(err)
	}
	if err := d.files.syncParent(); err != nil {
		return fail(err)
	}
	return nil
}

// clearUnfinished removes what a Create that died may have left, and finds that there is nothing else.
func clearUnfinished(d *disk) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if name != lockName && name != spareName && !strings.HasSuffix(name, segmentSuffix+creating) {
			return fmt.Errorf("%w: it holds %q", ErrNotEmpty, name)
		}
	}
	return removeUnfinished(d, entries)
}

// removeUnfinished removes prepared files that nothing rests on.
func removeUnfinished(d *disk, entries []os.DirEntry) error {
	for _, e := range entries {
		if e.Name() != spareName && !strings.HasSuffix(e.Name(), creating) {
			continue
		}
		if err := d.files.remove(e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// createFirst writes the first segment under another name, and gives it its own when it is durable.
func createFirst(d *disk, identity paxos.IdentityRecord, floor paxos.Floor) error {
	d.suffix = creating
	p := &piece{id: 1, base: 1, limit: uint32(d.bytes)}
	tail, err := segment.NewFiler(d.dir, d).Create(p.info(0, 0))
	if err != nil {
		return err
	}
	defer tail.Close()
	s := newState(identity, floor)
	_, batch, err := encode(nil, []types.LogEntry{}, identity.Cluster, 1, s.checkpoint())
	if err != nil {
		return err
	}
	if err := tail.Append(batch); err != nil {
		return err
	}
	return d.files.rename(p.name()+creating, p.name())
}
