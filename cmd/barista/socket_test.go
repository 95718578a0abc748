package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSocketOfAnotherUser(t *testing.T) {
	// Another user's socket is not spoken to, though its mode lets everybody in, and whoever may not use a node's is told whose it is.
	if os.Geteuid() != 0 {
		t.Skip("only root can be several users")
	}
	const owner, other = 65534, 65533
	dir, err := os.MkdirTemp("", "barista-") // t.TempDir lies in a folder that others may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "sock", "admin")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	// give makes a user the owner of the folder and of the socket, if there is one, to which everybody may connect.
	give := func(uid int, mode os.FileMode) {
		t.Helper()
		for at, mode := range map[string]os.FileMode{dir: 0o755, filepath.Dir(path): mode, path: 0o777} {
			if err := os.Chmod(at, mode); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		for _, at := range []string{filepath.Dir(path), path} {
			if err := os.Chown(at, uid, -1); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		as   int
		mode os.FileMode
		want string // of the error; empty: none
	}{
		"its owner":             {owner, 0o700, ""},
		"root":                  {0, 0o700, ""},
		"another user":          {other, 0o700, "is for root and "},
		"another user, invited": {other, 0o755, "is for root and "},
	} {
		t.Run(name, func(t *testing.T) {
			give(owner, c.mode)
			err := dialAs(t, c.as, path)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
	give(owner, 0o700)
	if err := os.Chown(path, other, -1); err != nil {
		t.Fatal(err)
	}
	if err := dialAs(t, 0, path); err == nil || !strings.Contains(err.Error(), "no socket of its folder's owner") {
		t.Errorf("a third user's socket: %v", err)
	}
	l.Close()
	give(owner, 0o777)
	if err := asUser(other, func() (err error) { l, err = net.Listen("unix", path); return err }); err != nil {
		t.Fatal(err)
	}
	give(owner, 0o700)
	if err := dialAs(t, owner, path); err == nil || !strings.Contains(err.Error(), "another user than its owner listens") {
		t.Errorf("a socket at which a third user listens: %v", err)
	}
}

// asUser does something on a thread that becomes a user and ends with that.
func asUser(uid int, do func() error) error {
	done := make(chan error)
	go func() { // ends when it is done
		runtime.LockOSThread() // and never lets it go
		if _, _, failed := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); failed != 0 {
			done <- failed
			return
		}
		done <- do()
	}()
	return <-done
}

func dialAs(t *testing.T, uid int, path string) error {
	t.Helper()
	return asUser(uid, func() error {
		conn, err := dialSocket(t.Context(), path)
		if err == nil {
			conn.Close()
		}
		return err
	})
}
