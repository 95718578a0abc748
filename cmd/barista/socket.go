package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/admin"
)

// dialSocket connects to the operator's socket that somebody at an HTTP address has named. That may be anybody, also someone who took the port of
// a node that is down. So the path is taken for no more than a hint: what is spoken to is a socket of the name that nodes give it,
// in a folder that is nobody's but root's or this user's (for root: one user's), which nobody else may write to, with its owner or root at
// the other end. No secret is told to it.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	dir, name := filepath.Split(path)
	if !filepath.IsAbs(path) || filepath.Clean(path) != path || name != "admin" || filepath.Base(dir) != "sock" || len(path) > maxSocketName {
		return nil, fmt.Errorf("it names %.200q, which is no node's socket", path)
	}
	folder, err := unix.Open(filepath.Clean(dir), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, unreachable(path, err)
	}
	defer unix.Close(folder)
	owner, err := checkFolder(folder, path)
	if err != nil {
		return nil, err
	}
	var socket unix.Stat_t
	err = unix.Fstatat(folder, name, &socket, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.EACCES):
		return nil, notTheOwner(path, owner)
	case err != nil:
		return nil, unreachable(path, err)
	case socket.Mode&unix.S_IFMT != unix.S_IFSOCK || socket.Uid != 0 && socket.Uid != owner:
		return nil, fmt.Errorf("%s is no socket of its folder's owner", path)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(folder)+"/"+name)
	if errors.Is(err, unix.EACCES) {
		return nil, notTheOwner(path, owner)
	}
	if err != nil {
		return nil, unreachable(path, innermost(err))
	}
	if uid, err := admin.PeerUser(conn.(*net.UnixConn)); err != nil || uid != 0 && uid != owner {
		conn.Close()
		return nil, fmt.Errorf("another user than its owner listens at %s", path)
	}
	return conn, nil
}

// maxSocketName is how long a path may be, in bytes.
const maxSocketName = 4096

// checkFolder returns the owner of the folder of a socket, if this user may trust it.
func checkFolder(folder int, path string) (owner uint32, err error) {
	var about unix.Stat_t
	if err := unix.Fstat(folder, &about); err != nil {
		return 0, err
	}
	switch me := os.Geteuid(); {
	case me != 0 && about.Uid != 0 && int(about.Uid) != me:
		return 0, notTheOwner(path, about.Uid)
	case about.Mode&0o022 != 0:
		return 0, fmt.Errorf("others than its owner may write to the folder of its socket, %s", filepath.Dir(path))
	}
	return about.Uid, nil
}

// unreachable says what can be done where the socket does not lead to the node: from another machine, or out of a container.
func unreachable(path string, cause error) error {
	return fmt.Errorf("its socket %s cannot be reached from here (%w): give --token-file (barista token prints what goes into it)", path, cause)
}

// notTheOwner says what somebody can do who may not use the socket.
func notTheOwner(path string, owner uint32) error {
	name := "user id " + strconv.FormatUint(uint64(owner), 10)
	if known, err := user.LookupId(strconv.FormatUint(uint64(owner), 10)); err == nil {
		name = known.Username
	}
	return fmt.Errorf("its socket %s is for root and %s: run this as one of them, or give --token-file (barista token prints what goes into it)", path, name)
}
