package account

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/config"
)

// maxLinks is how many symbolic links the kernel follows in one path.
const maxLinks = 40

// Over tells who decides about what lies at path: root, if nobody else can change it or put something else there; or the one account that can,
// beside root. A path that does not exist is decided about by who decides about the nearest folder above it. Where several accounts, or everybody, can
// change or make something, the error is a config.Mistake. A process that is not root's is told its own account: for it the question does not arise.
//
// Nobody but those whom Over finds can make its answer wrong afterwards: the first thing on the way that is not root's alone was found in a
// folder of root's.
func Over(path string) (Account, error) {
	if os.Geteuid() != 0 {
		return Current()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Account{}, config.Mistakef("%s: %w", path, err)
	}
	w := way{path: path}
	if err := w.walk(); err != nil {
		return Account{}, err
	}
	who, err := byID(w.uid)
	if err != nil {
		return Account{}, config.Mistakef("%s can be changed by another user than root: %w", w.where, err)
	}
	return who, nil
}

// IsRoots reports whether root alone decides about what lies at path.
func IsRoots(path string) bool {
	who, err := Over(path)
	return err == nil && who.IsRoot()
}

// A way is a walk to a path, and whom it has met.
type way struct {
	path  string
	uid   uint32 // who beside root can change something on the way; 0: nobody
	where string // what of that account's was met first
	free  bool   // in the folder met last, everybody can make what is not there
}

// walk goes from the root folder to the path, through every symbolic link.
func (w *way) walk() error {
	at, rest, links := "/", names(w.path), 0
	if err := w.enter(at); err != nil {
		return err
	}
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == ".." { // of a link
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist) && w.free:
			return config.Mistakef("%s does not exist, and everybody can make it: make it first, or use a path that not everybody can write to", next)
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return config.Mistakef("look who decides about %s: %w", w.path, err)
		}
		if err := w.meet(next, info); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return config.Mistakef("follow the link %s: %w", next, errors.Join(err, errors.New("there are too many links")))
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(names(target), rest...)
	}
	return nil
}

// names are the parts of a path.
func names(path string) []string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}

func (w *way) enter(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return config.Mistakef("look who decides about %s: %w", w.path, err)
	}
	return w.meet(folder, info)
}

// meet takes note of who can change what is at a place on the way.
func (w *way) meet(place string, info fs.FileInfo) error {
	owner := ownerOf(info)
	switch {
	case owner == 0 || owner == w.uid:
	case w.uid == 0:
		w.uid, w.where = owner, place
	default:
		return config.Mistakef("%s can be changed by two users (%s is of user %d, %s of user %d): use a path on which one user's things are, beside root's",
			w.path, w.where, w.uid, place, owner)
	}
	w.free = sticky(info)
	if !openToOthers(place, info) {
		return nil
	}
	return config.Mistakef("%s can be changed by others than its owner (mode %04o), and with it what is to be at %s: chmod go-w %[1]s",
		place, info.Mode().Perm(), w.path)
}

// sticky reports whether it is a folder in which others than its owner can make things, and in which each name is its owner's.
func sticky(info fs.FileInfo) bool {
	return info.IsDir() && info.Mode()&fs.ModeSticky != 0 && info.Mode()&0o022 != 0
}

// openToOthers reports whether others than its owner and root can change a file, or replace in a folder what is not theirs.
func openToOthers(place string, info fs.FileInfo) bool {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0: // cannot be changed, and its mode says nothing
		return false
	case mode.IsDir() && mode&fs.ModeSticky != 0: // each name is its owner's there
		return false
	case mode&0o002 != 0:
		return true
	case mode&0o020 == 0:
		return false
	}
	if size, err := unix.Getxattr(place, "system.posix_acl_access", nil); err == nil && size > 0 {
		return true // the bits of the group are those of everybody whom the list names
	}
	// A group may hold its owner alone: root's, and the one that goes with a user.
	if statOf(info).Gid == 0 {
		return false
	}
	owner, err := byID(ownerOf(info))
	return err != nil || owner.IsRoot() || owner.gid != statOf(info).Gid
}

// MakeFolder makes the folder at path, and those above it that are missing. It makes them where root alone decides, and nowhere else: there the
// account has to do it, when root's rights are given up.
func MakeFolder(path string, mode fs.FileMode) error {
	if _, err := os.Lstat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(path)
	if err := MakeFolder(above, mode); err != nil {
		return err
	}
	if !IsRoots(above) {
		return nil
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a folder: %w", err)
	}
	return nil
}
