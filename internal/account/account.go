// Package account is about the users of the operating system: which of them runs a node, how root becomes that user for good or for one piece of
// work, who decides about what lies at a path, and how a folder of root's is given away. It starts nothing, and knows nothing of what is in files.
package account

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// defaultName runs the server when barista is started as root, which PostgreSQL refuses to be.
const defaultName = "postgres"

// Account is a user of the operating system.
type Account struct {
	// Name is the user's name.
	Name string

	uid, gid uint32
	other    bool // this process runs as root, and the account is another
}

// Current is the account of this process.
func Current() (Account, error) { return byID(uint32(os.Geteuid())) }

// Lookup finds the user that runs the server: the named one, or for an empty name postgres when this process runs as root, else the user
// of this process. Every error is a config.Mistake.
func Lookup(name string) (Account, error) {
	if os.Geteuid() != 0 {
		return lookupOwn(name)
	}
	if name == "" {
		name = defaultName
	}
	found, err := user.Lookup(name)
	if err != nil {
		return Account{}, config.Mistakef("PostgreSQL is to run as the user %s: %w", name, err)
	}
	a, err := from(found)
	if err != nil {
		return Account{}, err
	}
	return a, a.mayRun()
}

// mayRun reports a config.Mistake if the account has root's rights.
func (a Account) mayRun() error {
	switch {
	case a.uid == 0:
		return config.Mistakef("PostgreSQL refuses to run as root: set os_user to another user")
	case a.gid == 0:
		return config.Mistakef("the user %s, who is to run PostgreSQL, is of root's group: set os_user to a user of another", a.Name)
	}
	return nil
}

// lookupOwn is Lookup for a process that can be one user only.
func lookupOwn(name string) (Account, error) {
	own, err := Current()
	if err != nil || name == "" || name == own.Name {
		return own, err
	}
	if found, err := user.Lookup(name); err == nil && found.Uid == strconv.Itoa(os.Geteuid()) {
		return own, nil // another name of the same
	}
	return Account{}, config.Mistakef("os_user is %s, but barista runs as %s and only root can start a server as another user", name, own.Name)
}

// byID finds the user of a number. Unlike os/user's, it remembers nothing of whom this process was before.
func byID(uid uint32) (Account, error) {
	found, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return Account{}, config.Mistakef("find out who the user %d is: %w", uid, err)
	}
	return from(found)
}

func from(u *user.User) (Account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return Account{}, config.Mistakef("user %s has the id %q, which is no number", u.Username, u.Uid)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return Account{}, config.Mistakef("user %s has the group %q, which is no number", u.Username, u.Gid)
	}
	return Account{Name: u.Username, uid: uint32(uid), gid: uint32(gid), other: os.Geteuid() == 0 && uid != 0}, nil
}

// IsRoot reports whether the account is root's.
func (a Account) IsRoot() bool { return a.uid == 0 }

// Credential is under whom a child is started so that it runs as the account; nil: it does so anyway.
func (a Account) Credential() *syscall.Credential {
	if !a.other {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// OwnerOf is the account that the file or folder at path belongs to; of a symbolic link it is that of the link.
func OwnerOf(path string) (Account, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Account{}, err
	}
	return byID(ownerOf(info))
}

// Owns reports whether the file belongs to the account.
func (a Account) Owns(info fs.FileInfo) bool { return ownerOf(info) == a.uid }

// ownerOf returns the user id of a file's owner.
func ownerOf(info fs.FileInfo) uint32 { return statOf(info).Uid }

func statOf(info fs.FileInfo) *syscall.Stat_t {
	return info.Sys().(*syscall.Stat_t) // on Linux it always is one
}

// CheckEnter reports a config.Mistake if the account may not enter dir, or the nearest of its parents that exists.
func (a Account) CheckEnter(dir string) error {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	err := a.As(func() error {
		_, err := os.Stat(dir + "/.") // to look up a name takes the right to enter
		return err
	})
	if err != nil {
		return config.Mistakef("the user %s, who runs PostgreSQL, may not enter %s: use a folder that it can reach", a.Name, dir)
	}
	return nil
}

// CheckKeeps reports a config.Mistake if a folder that exists is another account's than this one or root's, or everybody can change it: then somebody
// could put his own things in the place of those that the account makes there.
func (a Account) CheckKeeps(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return nil // what is missing is made, and who cannot look at something will say so
	}
	named, err := os.Lstat(dir) // a link, perhaps
	if err != nil {
		return nil
	}
	for _, one := range []fs.FileInfo{named, info} {
		if owner := ownerOf(one); owner != 0 && !a.Owns(one) {
			return config.Mistakef("%s belongs to user %d, who could put other things in the place of the node's: give it to %s, who runs the node, or use another folder",
				dir, owner, a.Name)
		}
	}
	if info.Mode()&0o002 != 0 && !sticky(info) {
		return config.Mistakef("%s can be changed by everybody (mode %04o): look what is in it, and chmod o-w %[1]s", dir, info.Mode().Perm())
	}
	return nil
}
