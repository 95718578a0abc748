package admin

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func addrPort(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// listen makes the socket at path and closes it with the test.
func listen(t *testing.T, path string) error {
	t.Helper()
	s, err := ListenSocket(t.Context(), path)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return err
}

func TestListenSocket(t *testing.T) {
	// The socket takes the place of one that an earlier process left, and of a link, whose target stays as it is; nobody but its owner may use it.
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path, precious := filepath.Join(dir, "admin"), filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("beans"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, left := range []func() error{
		func() error { return nil },
		func() error { return nil }, // what the first one left
		func() error { return os.Symlink(precious, path) },
		func() error { return os.WriteFile(path, nil, 0o666) },
	} {
		if err := left(); err != nil {
			t.Fatal(err)
		}
		if err := listen(t, path); err != nil {
			t.Fatal(err)
		}
		about, err := os.Lstat(path)
		if err != nil || about.Mode() != os.ModeSocket|0o600 {
			t.Errorf("%v, %v; want a socket for its owner", about.Mode(), err)
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "beans" {
		t.Errorf("what a link led to: %q, %v", text, err)
	}
	if about, err := os.Stat(precious); err != nil || about.Mode().Perm() != 0o644 {
		t.Errorf("what a link led to: %v, %v", about.Mode(), err)
	}
}

func TestListenSocketInAWrongFolder(t *testing.T) {
	// A folder that others may enter, that is a link, or that is not there, is no place for the operator's socket.
	dir := t.TempDir()
	open, link := filepath.Join(dir, "open"), filepath.Join(dir, "link")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "own")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{open: "others may enter", link: "not a directory", filepath.Join(dir, "none"): "no such file"} {
		if err := listen(t, filepath.Join(folder, "admin")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", folder, err, want)
		}
	}
}

func TestGive(t *testing.T) {
	// Root gives the owner of the folder the socket that it made, and nothing that was put in its place.
	needRoot(t)
	d := open(t, &fixed{}, nobody)
	folder := filepath.Dir(d.socket)
	owner := func(path string) int {
		about, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return int(about.Sys().(*syscall.Stat_t).Uid)
	}
	if got := owner(d.socket); got != nobody {
		t.Errorf("the socket belongs to %d", got)
	}
	opened, err := unix.Open(folder, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(opened)
	precious := filepath.Join(filepath.Dir(folder), "precious")
	socket := filepath.Join(filepath.Dir(folder), "socket")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, put := range map[string]func(string) error{
		"a link":           func(at string) error { return os.Symlink(precious, at) },
		"a file":           func(at string) error { return os.Link(precious, at) },
		"another's socket": func(at string) error { return os.Link(socket, at) },
	} {
		if err := os.Remove(d.socket); err != nil {
			t.Fatal(err)
		}
		if err := put(d.socket); err != nil {
			t.Fatal(err)
		}
		if err := give(opened, "admin", unix.Stat_t{Uid: nobody}); err == nil {
			t.Errorf("%s was given away", name)
		}
		for _, path := range []string{precious, socket, d.socket} {
			if got := owner(path); got != 0 {
				t.Errorf("%s: %s belongs to %d now", name, path, got)
			}
		}
	}
}
