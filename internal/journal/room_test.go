package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// watched is a folder that notes how much is written into it, and fails with an error.
type watched struct {
	files
	bytes *int
	fails error
}

func (w watched) open(name string, flag int) (writable, error) {
	f, err := w.files.open(name, flag)
	return watchedFile{f, w}, err
}

type watchedFile struct {
	writable
	folder watched
}

func (f watchedFile) WriteAt(p []byte, at int64) (int, error) {
	*f.folder.bytes += len(p)
	if f.folder.fails != nil {
		return 0, f.folder.fails
	}
	return f.writable.WriteAt(p, at)
}

func TestSegmentIsNotBegunWithoutRoom(t *testing.T) {
	// Shows that a disk without room for a segment is not filled up by the attempt, that a quota counts as a full disk, that neither leaves anything, and that it
	// goes on when there is room.
	dir := t.TempDir()
	d := newDisk(dir, 4*zeroStep)
	defer d.close()
	written := 0
	d.files = watched{folder(dir), &written, nil}
	d.free = func() (int64, error) { return 4 * zeroStep, nil }
	if err := d.prepare(context.Background()); !errors.Is(err, ErrNoRoom) || written > 0 {
		t.Errorf("with little room %d bytes are written: %v", written, err)
	}
	d.free = func() (int64, error) { return 100 * zeroStep, nil }
	d.files = watched{folder(dir), &written, unix.EDQUOT}
	if err := d.prepare(context.Background()); !errors.Is(err, ErrNoRoom) {
		t.Errorf("beyond a quota: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, spareName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is left: %v", err)
	}
	d.files = watched{folder(dir), &written, nil}
	if err := d.prepare(context.Background()); err != nil || !d.spare {
		t.Errorf("with room: %v", err)
	}
}
