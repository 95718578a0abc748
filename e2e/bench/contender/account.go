package contender

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/baristadb/barista/internal/config"
)

// An account is the operating system's user that runs servers; nil is the user of this process.
type account *syscall.Credential

// findAccount returns who runs servers: postgres if this process is root's, which PostgreSQL refuses to be.
func findAccount() (account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, config.Mistakef("run PostgreSQL as postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the number of user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the group of user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// makeFolder makes a new folder for the account alone.
func makeFolder(path string, of account) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if of == nil {
		return nil
	}
	return os.Chown(path, int(of.Uid), int(of.Gid))
}
