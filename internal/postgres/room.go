package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Room is what a copy of a server needs of the disk, in bytes.
type Room struct {
	Free   int64 // for the account that runs the server
	Needed int64 // as much as the data take that are there
}

// RoomForCopy looks whether a copy fits beside the data. How large the server is that will be copied nobody knows before; most likely as large
// as this one.
func (c Config) RoomForCopy() (room Room, err error) {
	err = c.Account.As(func() error {
		data, err := sizeOf(c.DataDir)
		if err != nil {
			return err
		}
		replaced := int64(0)
		keeps, err := c.keepsReplaced()
		if keeps {
			replaced, err = sizeOf(c.replacedFolder())
		}
		if err != nil {
			return err
		}
		if room.Free, err = Free(filepath.Dir(c.DataDir)); err != nil {
			return err
		}
		if replaced > 0 {
			room.Free += data // see DropUnkept
		}
		room.Needed = max(data, replaced)
		return nil
	})
	return room, err
}

// DropUnkept removes the data folder if it is a copy that was never kept: it will not be started again. No server may run in it.
func (c Config) DropUnkept(ctx context.Context) error {
	keeps := false
	err := c.Account.As(func() (err error) {
		keeps, err = c.keepsReplaced()
		return err
	})
	if err != nil || !keeps {
		return err // what is there was kept
	}
	if err := KillStale(ctx, c.DataDir); err != nil {
		return err
	}
	return c.Account.As(func() error { return c.remove(c.DataDir) })
}

// Free is how many bytes of the disk under a path an ordinary account may still use.
func Free(path string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return 0, fmt.Errorf("look for free space at %s: %w", path, err)
	}
	return int64(fs.Bavail) * fs.Frsize, nil
}

// sizeOf is how much of the disk a folder takes; 0 if there is none. What goes while it is looked at does not count.
func sizeOf(folder string) (bytes int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512 // on Linux it always is one
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find out how large %s is: %w", folder, err)
	}
	return bytes, nil
}
