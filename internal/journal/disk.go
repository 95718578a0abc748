package journal

import (
	"context"
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
	bytes  int64
	suffix string                                      // behind the names of new files
	wrap   func(types.WritableFile) types.WritableFile // for tests; nil: as it is

	mu        sync.Mutex // held while a file is prepared; guards spare
	spare     bool       // a prepared file stands under spareName
	preparing sync.WaitGroup
	stop      context.CancelFunc
	stopped   context.Context
}

func newDisk(dir string, bytes int64) *disk {
	d := &disk{dir: dir, bytes: bytes}
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
	f, err := os.OpenFile(filepath.Join(d.dir, spareName), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fillZeros(ctx, f, 0, d.bytes); err != nil {
		return err
	}
	d.spare = true
	return nil
}

// fillZeros writes zeros from one offset to another and makes them durable.
func fillZeros(ctx context.Context, f *os.File, from, to int64) error {
	for ; from < to && ctx.Err() == nil; from += zeroStep {
		if _, err := f.WriteAt(zeros[:min(zeroStep, to-from)], from); err != nil {
			return err
		}
		if err := fdatasync(f); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.Sync()
}

// Create implements types.VFS: it returns a new file, durable and full of zeros.
func (d *disk) Create(_, name string, _ uint64) (types.WritableFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.prepare(context.Background()); err != nil {
		return nil, fmt.Errorf("prepare a segment: %w", err)
	}
	path := filepath.Join(d.dir, name+d.suffix)
	if err := os.Rename(filepath.Join(d.dir, spareName), path); err != nil {
		return nil, err
	}
	d.spare = false
	if err := syncDir(d.dir); err != nil {
		return nil, err
	}
	return d.OpenWriter(d.dir, name+d.suffix)
}

// OpenWriter implements types.VFS.
func (d *disk) OpenWriter(_, name string) (types.WritableFile, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, name), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if d.wrap != nil {
		return d.wrap(&file{f}), nil
	}
	return &file{f}, nil
}

// OpenReader implements types.VFS.
func (d *disk) OpenReader(_, name string) (types.ReadableFile, error) {
	return os.Open(filepath.Join(d.dir, name))
}

// Delete implements types.VFS: the file is durably gone when it returns.
func (d *disk) Delete(_, name string) error {
	if err := os.Remove(filepath.Join(d.dir, name)); err != nil {
		return err
	}
	return syncDir(d.dir)
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

// file is a segment file; its length does not change, so that syncing its data is enough.
type file struct{ *os.File }

func (f *file) Sync() error { return fdatasync(f.File) }

func fdatasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
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
