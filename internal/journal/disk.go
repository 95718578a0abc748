package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft-wal/types"
	"golang.org/x/sys/unix"
)

const (
	lockName     = "lock"
	spareName    = "spare"
	creating     = ".new" // behind the name of the first segment until the journal is made
	zeroStep     = 1 << 20
	segmentBytes = 16 << 20
)

// disk gives the library its files. A segment file is written full with zeros and synced before it gets its name: then an
// append changes neither its length nor the places of its blocks, and fdatasync has only the data to write. The next one is
// prepared in the background, in steps, so that a sync of the journal never waits long behind it.
type disk struct {
	dir    string
	bytes  int64  // of a segment file
	suffix string // behind the names of new files
	files  files
	free   func() (int64, error) // bytes of the disk; a quota may leave less

	mu        sync.Mutex // held while a file is prepared; guards spare
	spare     bool       // a prepared file stands under spareName
	preparing sync.WaitGroup
	stop      context.CancelFunc
	stopped   context.Context
}

func newDisk(dir string, bytes int64) *disk {
	d := &disk{dir: dir, bytes: bytes, files: folder(dir)}
	d.free = func() (int64, error) { return freeBytes(dir) }
	d.stopped, d.stop = context.WithCancel(context.Background())
	return d
}

// close ends the preparation in the background and waits for it.
func (d *disk) close() {
	d.stop()
	d.preparing.Wait()
}

// prepareNext starts to prepare a file; it ends with close, and Create waits for it. Its failure shows when Create tries again.
func (d *disk) prepareNext() {
	d.preparing.Go(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.prepare(d.stopped)
	})
}

// prepare makes the spare file. The caller holds mu.
func (d *disk) prepare(ctx context.Context) error {
	if d.spare {
		return nil
	}
	f, err := d.files.open(spareName, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	defer f.Close()
	// Without enough room it is not even begun: it would take the last bytes of a server on the same disk, at each attempt.
	if free, err := d.free(); err == nil && free < d.bytes+zeroStep {
		return errors.Join(fmt.Errorf("%w: %d bytes are free, and a segment takes %d", ErrNoRoom, free, d.bytes), d.files.remove(spareName))
	}
	err = fillZeros(ctx, f, 0, d.bytes)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		// What it holds is zeros: others need the room more, a purge of this journal among them.
		return errors.Join(fmt.Errorf("%w: %w", ErrNoRoom, err), d.files.remove(spareName))
	}
	if err != nil {
		return err
	}
	d.spare = true
	return nil
}

// fillZeros writes zeros from one offset to another and makes them durable.
func fillZeros(ctx context.Context, f writable, from, to int64) error {
	for ; from < to && ctx.Err() == nil; from += zeroStep {
		if _, err := f.WriteAt(zeros[:min(zeroStep, to-from)], from); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.Sync()
}

// freeBytes is how much of the disk under a folder this account may still use.
func freeBytes(dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	if fs.Blocks == 0 {
		return 0, errors.New("the file system does not say how large it is")
	}
	return int64(fs.Bavail) * fs.Frsize, nil
}

// Create implements types.VFS: it returns a new file, durable and full of zeros.
func (d *disk) Create(_, name string, _ uint64) (types.WritableFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.prepare(context.Background()); err != nil {
		return nil, fmt.Errorf("prepare a segment: %w", err)
	}
	if err := d.files.rename(spareName, name+d.suffix); err != nil {
		return nil, err
	}
	d.spare = false
	if err := d.files.sync(); err != nil {
		return nil, err
	}
	return d.OpenWriter(d.dir, name+d.suffix)
}

// OpenWriter implements types.VFS.
func (d *disk) OpenWriter(_, name string) (types.WritableFile, error) {
	return d.files.open(name, 0)
}

// OpenReader implements types.VFS.
func (d *disk) OpenReader(_, name string) (types.ReadableFile, error) {
	return os.Open(filepath.Join(d.dir, name))
}

// Delete implements types.VFS: the file is durably gone when it returns.
func (d *disk) Delete(_, name string) error {
	if err := d.files.remove(name); err != nil {
		return err
	}
	return d.files.sync()
}

// ListDir implements types.VFS.
func (d *disk) ListDir(string) ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// lock takes the journal's folder for this process, until the file is closed.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w (%s)", ErrInUse, f.Name())
	}
	return f, nil
}
