package journal

import (
	"os"
	"path/filepath"

	"github.com/hashicorp/raft-wal/types"
	"golang.org/x/sys/unix"
)

// files is how a journal changes its folder; names are within it. Reading goes past it. Tests put a layer in between that fails,
// or that notes everything, so that a crash can be played at each step.
type files interface {
	// open opens a file for reading and writing; flag adds os.O_CREATE and os.O_TRUNC.
	open(name string, flag int) (writable, error)
	rename(from, to string) error
	remove(name string) error
	// sync makes durable which names there are, and of which files.
	sync() error
	// syncParent makes the folder's own name durable.
	syncParent() error
}

// writable is an open file. Its Sync makes what was written durable, and the length.
type writable interface {
	types.WritableFile
	Truncate(size int64) error
}

// folder is files on disk.
type folder string

func (f folder) open(name string, flag int) (writable, error) {
	opened, err := os.OpenFile(filepath.Join(string(f), name), os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	return &file{opened}, nil
}

func (f folder) rename(from, to string) error {
	return os.Rename(filepath.Join(string(f), from), filepath.Join(string(f), to))
}

func (f folder) remove(name string) error { return os.Remove(filepath.Join(string(f), name)) }

func (f folder) sync() error { return syncDir(string(f)) }

func (f folder) syncParent() error { return syncDir(filepath.Dir(string(f))) }

// file is a file on disk.
type file struct{ *os.File }

// Sync leaves out what reading does not need, such as times.
func (f *file) Sync() error {
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
