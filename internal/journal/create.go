package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	return create(dir, identity, floor, segmentBytes)
}

func create(dir string, identity paxos.IdentityRecord, floor paxos.Floor, bytes int64) error {
	fail := func(err error) error { return fmt.Errorf("create a journal in %s: %w", dir, err) }
	if identity.Name == "" || identity.Cluster == [16]byte{} {
		return fail(errors.New("an identity without a name or a cluster"))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	held, err := lock(dir)
	if err != nil {
		return fail(err)
	}
	defer held.Close()
	if err := clearUnfinished(dir); err != nil {
		return fail(err)
	}
	if err := createFirst(dir, identity, floor, bytes); err != nil {
		return fail(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := syncDir(d); err != nil {
			return fail(err)
		}
	}
	return nil
}

// clearUnfinished removes what a Create that died may have left, and finds that there is nothing else.
func clearUnfinished(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if name != lockName && name != spareName && !strings.HasSuffix(name, segmentSuffix+creating) {
			return fmt.Errorf("%w: it holds %q", ErrNotEmpty, name)
		}
	}
	return removeUnfinished(dir, entries)
}

// removeUnfinished removes prepared files that nothing rests on.
func removeUnfinished(dir string, entries []os.DirEntry) error {
	for _, e := range entries {
		if e.Name() != spareName && !strings.HasSuffix(e.Name(), creating) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// createFirst writes the first segment under another name, and gives it its own when it is durable.
func createFirst(dir string, identity paxos.IdentityRecord, floor paxos.Floor, bytes int64) error {
	d := newDisk(dir, bytes)
	defer d.close()
	d.suffix = creating
	p := &piece{id: 1, base: 1, limit: uint32(bytes)}
	tail, err := segment.NewFiler(dir, d).Create(p.info(0, 0))
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
	path := filepath.Join(dir, p.name())
	return os.Rename(path+creating, path)
}
