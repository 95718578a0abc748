package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is the operator's: a unix socket for root, for this process's user and for the owner of the folder in which it lies. The system says
// who connects.
type Socket struct {
	*net.UnixListener
	path  string
	owner uint32 // of the folder
}

// caller is a connection through the operator's socket.
type caller struct {
	net.Conn
	uid      uint32
	mayOrder bool
}

// ListenSocket makes the operator's socket at path, in a folder that exists and that nobody but its owner may enter. What an earlier process left
// there goes. No link is followed in the folder: this process may be root, and the folder another user's.
func ListenSocket(ctx context.Context, path string) (*Socket, error) {
	folder, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the folder of the operator's socket: %w", &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err})
	}
	defer unix.Close(folder)
	s, err := listenIn(ctx, folder, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("make the operator's socket %s: %w", path, err)
	}
	s.path = path
	return s, nil
}

func listenIn(ctx context.Context, folder int, name string) (*Socket, error) {
	var about unix.Stat_t
	if err := unix.Fstat(folder, &about); err != nil {
		return nil, err
	}
	if about.Mode&0o077 != 0 {
		return nil, errors.New("others may enter its folder")
	}
	if err := unix.Unlinkat(folder, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("remove the old one: %w", err)
	}
	config := net.ListenConfig{Control: private}
	listener, err := config.Listen(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(folder)+"/"+name)
	if err != nil {
		return nil, err
	}
	s := &Socket{UnixListener: listener.(*net.UnixListener), owner: about.Uid}
	s.SetUnlinkOnClose(false) // by then that path means something else
	if int(about.Uid) != os.Geteuid() {
		err = give(folder, name, about)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// private sets the mode that the socket's file has from its beginning.
func private(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) })
	return errors.Join(err, failed)
}

// give makes the folder's owner the owner of the socket that this process has just made in it, and of nothing that he may have put in
// its place.
func give(folder int, name string, to unix.Stat_t) error {
	fd, err := unix.Openat(folder, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var made unix.Stat_t
	if err := unix.Fstat(fd, &made); err != nil {
		return err
	}
	if made.Mode&unix.S_IFMT != unix.S_IFSOCK || int(made.Uid) != os.Geteuid() || made.Nlink != 1 {
		return errors.New("somebody has put something else in its place")
	}
	return unix.Fchownat(fd, "", int(to.Uid), int(to.Gid), unix.AT_EMPTY_PATH)
}

// Accept implements net.Listener.
func (s *Socket) Accept() (net.Conn, error) {
	for {
		conn, err := s.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := PeerUser(conn)
		if err != nil {
			conn.Close() // it has gone
			continue
		}
		return &caller{Conn: conn, uid: uid, mayOrder: uid == 0 || int(uid) == os.Geteuid() || uid == s.owner}, nil
	}
}

// Addr implements net.Listener.
func (s *Socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// PeerUser returns the user at the other end of a unix connection: who connected or, at that end, who listened.
func PeerUser(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, failed); err != nil {
		return 0, err
	}
	return peer.Uid, nil
}
