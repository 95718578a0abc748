package account

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/config"
)

// Give gives a folder of root's to the account, with what is in it: of the names in the folder itself those that known says are a node's, and
// all that is below them. What is not root's stays as it is, and so does what already is the account's, unlooked at. It gives nothing away
// if root does not alone decide about the folder.
//
// Only what root alone can have put there is given: a folder that others can change, and a file that has a second name somewhere, are config.Mistakes. So
// is a name that known does not know, which shows that the folder is no node's.
func (a Account) Give(dir string, known func(name string) bool) error {
	if !IsRoots(dir) {
		return nil
	}
	dir, err := filepath.EvalSymlinks(dir) // every link on the way is root's
	if err != nil {
		return fmt.Errorf("look for what is to be given to %s: %w", a.Name, err)
	}
	folder, err := openPlace(unix.AT_FDCWD, dir)
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	defer folder.Close()
	g := gift{to: a, top: dir, known: known, hand: func(*os.File) error { return nil }}
	if err := g.give(folder, dir); err != nil { // looks at all of it first
		return err
	}
	g.hand = func(place *os.File) error {
		err := unix.Fchownat(int(place.Fd()), "", int(a.uid), int(a.gid), unix.AT_EMPTY_PATH)
		return os.NewSyscallError("fchownat", err)
	}
	return g.give(folder, dir)
}

// GiveFile is Give for a file that the account has to read. One that its group may read it need not own.
func (a Account) GiveFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode()&0o040 != 0 && statOf(info).Gid == a.gid {
		return nil
	}
	return a.Give(path, func(string) bool { return false })
}

// openPlace opens what lies at a name without following a link, and without being able to read it.
func openPlace(in int, name string) (*os.File, error) {
	fd, err := unix.Openat(in, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("openat", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// A gift is a folder on its way from root to an account.
type gift struct {
	to    Account
	top   string
	known func(name string) bool
	hand  func(place *os.File) error // gives the thing itself
}

// give gives what is open as place. A folder comes after what is in it: from then on the account can put things there.
func (g gift) give(place *os.File, path string) error {
	info, err := place.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	stat := statOf(info)
	switch {
	case stat.Uid != 0:
		return nil
	case info.IsDir() && (openToOthers(fmt.Sprintf("/proc/self/fd/%d", place.Fd()), info) || sticky(info)):
		return config.Mistakef("%s belongs to root, but others can change it (mode %04o), and so it is not given to %s: look what is in it, and chmod go-w %[1]s",
			path, info.Mode().Perm(), g.to.Name)
	case info.IsDir():
		if err := g.giveEntries(place, path); err != nil {
			return err
		}
	case info.Mode()&os.ModeDevice != 0 || stat.Nlink > 1:
		return config.Mistakef("%s belongs to root and is a device, or has a second name elsewhere, and so it is not given to %s: put a copy in its place",
			path, g.to.Name)
	}
	if err := g.hand(place); err != nil {
		return fmt.Errorf("give %s to %s: %w", path, g.to.Name, err)
	}
	return nil
}

func (g gift) giveEntries(folder *os.File, path string) error {
	names, err := entries(folder)
	if err != nil {
		return fmt.Errorf("look into %s: %w", path, err)
	}
	for _, name := range names {
		below := filepath.Join(path, name)
		place, err := openPlace(int(folder.Fd()), name)
		if errors.Is(err, syscall.ENOENT) {
			continue // another process of root's has removed it
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", below, err)
		}
		err = g.giveEntry(place, below)
		place.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (g gift) giveEntry(place *os.File, path string) error {
	if filepath.Dir(path) != g.top || g.known(filepath.Base(path)) {
		return g.give(place, path)
	}
	info, err := place.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if ownerOf(info) != 0 {
		return nil
	}
	return config.Mistakef("%s is to be a node's folder and belong to %s, but it holds root's %s: move that elsewhere, or use another folder",
		g.top, g.to.Name, filepath.Base(path))
}

// entries are the names in a folder that is open as a place.
func entries(folder *os.File) ([]string, error) {
	fd, err := unix.Openat(int(folder.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("openat", err)
	}
	readable := os.NewFile(uintptr(fd), folder.Name())
	defer readable.Close()
	names, err := readable.Readdirnames(0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}
