package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// defaultAccount runs the server when barista runs as root, which PostgreSQL refuses to do.
const defaultAccount = "postgres"

// Account is a user of the operating system. The zero Account is the one that runs this process.
type Account struct {
	// Name is the user's name.
	Name string
	// other says that processes must be started under UID and GID, because this process runs as root.
	other    bool
	uid, gid uint32
}

// LookupAccount finds the user that runs the server: the named one, or for an empty name postgres when this process
// runs as root, else the user of this process. Every error is a config.Mistake.
func LookupAccount(name string) (Account, error) {
	current, err := user.Current()
	if err != nil {
		return Account{}, config.Mistakef("find out which user runs barista: %w", err)
	}
	root := os.Geteuid() == 0
	switch {
	case !root && (name == "" || name == current.Username):
		return Account{Name: current.Username}, nil
	case !root:
		return Account{}, config.Mistakef("os_user is %s, but barista runs as %s and only root can start a server as another user",
			name, current.Username)
	case name == "":
		name = defaultAccount
	}
	u, err := user.Lookup(name)
	if err != nil {
		return Account{}, config.Mistakef("PostgreSQL is to run as the user %s: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return Account{}, config.Mistakef("user %s has the id %q, which is no number", name, u.Uid)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return Account{}, config.Mistakef("user %s has the group %q, which is no number", name, u.Gid)
	}
	if uid == 0 {
		return Account{}, config.Mistakef("PostgreSQL refuses to run as root: set os_user to another user")
	}
	return Account{Name: u.Username, other: true, uid: uint32(uid), gid: uint32(gid)}, nil
}

// attributes are the process attributes under which a child runs as the account.
func (a Account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{
		// A group of its own: the terminal's Ctrl-C reaches barista only, which stops its children in order.
		Setpgid: true,
		// One fate: the kernel kills the child when barista's thread that started it is gone (see child).
		Pdeathsig: syscall.SIGKILL,
	}
	if a.other {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attributes
}

// Own gives the file or folder at path to the account.
func (a Account) Own(path string) error {
	if !a.other {
		return nil
	}
	if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("give the file to %s: %w", a.Name, err)
	}
	return nil
}

// owns reports whether the file at path belongs to the account.
func (a Account) owns(path string) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	return ownerOf(info) == a.userID(), nil
}

// ownerOf returns the user id of a file's owner.
func ownerOf(info os.FileInfo) uint32 {
	return info.Sys().(*syscall.Stat_t).Uid // on Linux it always is one
}

func (a Account) userID() uint32 {
	if a.other {
		return a.uid
	}
	return uint32(os.Geteuid())
}

// ownAll gives the folder at path, with everything in it, to the account.
func (a Account) ownAll(path string) error {
	return filepath.WalkDir(path, func(entry string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return a.Own(entry)
	})
}

// folder makes the folder at path, for the account alone, if it does not exist.
func (a Account) folder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return err
	}
	return a.Own(path)
}

// checkEnter reports a config.Mistake if the account may not enter dir, or the nearest of its parents that exists.
func (a Account) checkEnter(dir string) error {
	if !a.other {
		return nil
	}
	for {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	try := exec.Command("/bin/sh", "-c", `cd -- "$1"`, "sh", dir)
	try.Dir = "/"
	try.SysProcAttr = &syscall.SysProcAttr{Credential: a.attributes().Credential}
	if err := try.Run(); err != nil {
		return config.Mistakef("the user %s, who runs PostgreSQL, may not enter %s: use a folder that it can reach", a.Name, dir)
	}
	return nil
}
