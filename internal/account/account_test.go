package account

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/config"
)

// someone returns the account of the tests, which is not root's. A test that needs root's rights is skipped without them.
func someone(t *testing.T) Account {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	a, err := Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	return a
}

// folder returns a folder of root's that everybody can enter.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func hand(t *testing.T, a Account, paths ...string) {
	t.Helper()
	for _, path := range paths {
		do(t, os.Lchown(path, int(a.uid), int(a.gid)))
	}
}

func TestLookup(t *testing.T) {
	// Root gets a user that is not root, any other process itself; who is not there, or is another, is a Mistake.
	if os.Geteuid() == 0 {
		for _, name := range []string{"root", "no-such-user"} {
			if a, err := Lookup(name); !config.IsMistake(err) {
				t.Errorf("Lookup(%q): %v, %v; want a Mistake", name, a, err)
			}
		}
		a := someone(t)
		if a.Credential() == nil || a.Credential().Uid == 0 || a.IsRoot() {
			t.Errorf("%s has the credential %v", a.Name, a.Credential())
		}
		return
	}
	own, err := Lookup("")
	do(t, err)
	if own.Credential() != nil {
		t.Errorf("a child of %s is to be started as %v", own.Name, own.Credential())
	}
	if _, err := Lookup("root"); !config.IsMistake(err) || !strings.Contains(err.Error(), own.Name) {
		t.Errorf("Lookup of root: %v; want a Mistake that names %s", err, own.Name)
	}
	if again, err := Lookup(own.Name); err != nil || again != own {
		t.Errorf("Lookup of itself: %v, %v", again, err)
	}
}

func TestAs(t *testing.T) {
	// What is done as an account is its own, and reaches nothing of root's, not even through a link that lies there; the process stays root's.
	a := someone(t)
	dir := folder(t)
	target, theirs := filepath.Join(dir, "roots"), filepath.Join(dir, "theirs")
	write(t, target, "root's")
	do(t, os.Mkdir(theirs, 0o755))
	hand(t, a, theirs)
	for range 20 { // whichever threads there are
		do(t, a.As(func() error {
			return errors.Join(os.WriteFile(filepath.Join(theirs, "own"), nil, 0o600), os.Symlink(target, filepath.Join(theirs, "link")))
		}))
		info, err := os.Lstat(filepath.Join(theirs, "own"))
		do(t, err)
		if !a.Owns(info) {
			t.Errorf("the file belongs to %d", ownerOf(info))
		}
		for _, path := range []string{target, filepath.Join(theirs, "link")} {
			err := a.As(func() error { return os.WriteFile(path, []byte("planted"), 0o600) })
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("write to %s: %v; want no permission", path, err)
			}
		}
		do(t, os.Remove(filepath.Join(theirs, "own")), os.Remove(filepath.Join(theirs, "link")))
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "root's" {
		t.Errorf("root's file holds %q, %v", text, err)
	}
	status, err := os.ReadFile("/proc/self/status")
	do(t, err)
	if !strings.Contains(string(status), "\nUid:\t0\t0\t0\t0\n") {
		t.Errorf("the process is not root's any more:\n%s", status)
	}
}

func TestOver(t *testing.T) {
	// Who decides about a path is found by what lies on the way, links and what they lead through included.
	a := someone(t)
	other, err := Lookup("daemon")
	if err != nil {
		t.Skip(err)
	}
	dir := folder(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"roots", "roots/inner", "theirs", "theirs/inner", "theirs/others", "open", "sticky", "group"} {
		do(t, os.Mkdir(at(name), 0o755))
	}
	for _, name := range []string{"roots/file", "theirs/file", "theirs/inner/roots", "open/file", "sticky/roots", "sticky/theirs", "group/file", "roots/loose"} {
		write(t, at(name), "")
	}
	do(t, os.Symlink(at("roots/file"), at("theirs/link")), os.Symlink("../roots/file", at("theirs/relative")),
		os.Symlink(at("theirs/file"), at("roots/link")), os.Symlink("file", at("roots/near")), os.Symlink("loop", at("roots/loop")))
	hand(t, a, at("theirs"), at("theirs/file"), at("theirs/inner"), at("sticky/theirs"))
	hand(t, other, at("theirs/others"))
	do(t, os.Chmod(at("open"), 0o777), os.Chmod(at("sticky"), fs.ModeSticky|0o777), os.Chmod(at("roots/loose"), 0o666),
		os.Chown(at("group"), 0, int(other.gid)), os.Chmod(at("group"), 0o775))
	for path, want := range map[string]string{
		"roots": "root", "roots/file": "root", "roots/near": "root", "roots/missing/more": "root", "sticky/roots": "root", "sticky": "root",
		"theirs": a.Name, "theirs/file": a.Name, "theirs/inner/roots": a.Name, "theirs/missing": a.Name, "sticky/theirs": a.Name,
		"theirs/link": a.Name, "theirs/relative": a.Name, "roots/link": a.Name,
		"theirs/others": "", "open/file": "", "open": "", "group/file": "", "roots/loose": "", "sticky/missing": "", "roots/loop": "",
	} {
		who, err := Over(at(path))
		if want == "" && !config.IsMistake(err) {
			t.Errorf("%s: %s, %v; want a Mistake", path, who.Name, err)
		}
		if want != "" && (err != nil || who.Name != want) {
			t.Errorf("%s: %s, %v; want %s", path, who.Name, err, want)
		}
	}
}

func TestOverForOthers(t *testing.T) {
	// A process that is not root's is told itself, whatever lies there.
	if os.Geteuid() == 0 {
		t.Skip("needs not to be root")
	}
	own, err := Current()
	do(t, err)
	for _, path := range []string{"/", t.TempDir(), "/no/such/path"} {
		if who, err := Over(path); err != nil || who != own {
			t.Errorf("%s: %v, %v", path, who, err)
		}
	}
}

func TestMakeFolder(t *testing.T) {
	// Root makes folders where it alone decides, and none in another's, nor behind another's link.
	a := someone(t)
	dir := folder(t)
	theirs := filepath.Join(dir, "theirs")
	do(t, os.Mkdir(theirs, 0o755), os.Mkdir(filepath.Join(dir, "roots"), 0o755), os.Symlink(filepath.Join(dir, "roots"), filepath.Join(theirs, "link")))
	hand(t, a, theirs)
	for path, want := range map[string]bool{"roots/a/b": true, "theirs/a": false, "theirs/link/c": false} {
		do(t, MakeFolder(filepath.Join(dir, path), 0o711))
		if _, err := os.Stat(filepath.Join(dir, path)); (err == nil) != want {
			t.Errorf("%s: %v; made: want %v", path, err, want)
		}
	}
}

// node is what the folder of a node holds that root has run.
func node(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(folder(t), "n1")
	do(t, os.MkdirAll(filepath.Join(dir, "journal"), 0o700))
	for _, name := range []string{"node.yaml", "server.log", "journal/1.wal", "journal/lock"} {
		write(t, filepath.Join(dir, name), name)
	}
	return dir
}

func everything(string) bool { return true }

// owners are the owners of everything in a folder, by path, and of the folder itself.
func owners(t *testing.T, dir string) map[string]uint32 {
	t.Helper()
	found := map[string]uint32{}
	do(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil {
			found[strings.TrimPrefix(path, dir)] = ownerOf(info)
		}
		return err
	}))
	return found
}

func TestGive(t *testing.T) {
	// A folder of root's is given with all that is in it, links as links; what is another's in it stays as it is.
	a := someone(t)
	other, err := Lookup("daemon")
	if err != nil {
		t.Skip(err)
	}
	dir := node(t)
	target := filepath.Join(filepath.Dir(dir), "target")
	write(t, target, "root's")
	do(t, os.Symlink(target, filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "pgdata"), 0o700))
	write(t, filepath.Join(dir, "pgdata", "file"), "")
	hand(t, other, filepath.Join(dir, "pgdata"))
	do(t, a.Give(dir, everything))
	for path, owner := range owners(t, dir) {
		want := a.uid
		switch path {
		case "/pgdata":
			want = other.uid
		case "/pgdata/file":
			want = 0
		}
		if owner != want {
			t.Errorf("%s%s belongs to %d, want %d", dir, path, owner, want)
		}
	}
	if owner := owners(t, target)[""]; owner != 0 {
		t.Errorf("what a link leads to belongs to %d", owner)
	}
	do(t, a.Give(dir, everything)) // it is given
}

func TestGiveThroughLinks(t *testing.T) {
	// A folder and a file behind a link of root's are given, and not the link; a file that the account's group may read stays root's.
	a := someone(t)
	dir := node(t)
	above := filepath.Dir(dir)
	secret, shared := filepath.Join(above, "secret"), filepath.Join(above, "shared")
	write(t, secret, "")
	write(t, shared, "")
	do(t, os.Chown(shared, 0, int(a.gid)), os.Chmod(shared, 0o640), os.Symlink("n1", filepath.Join(above, "link")), os.Symlink(secret, filepath.Join(above, "key")))
	do(t, a.Give(filepath.Join(above, "link"), everything), a.GiveFile(filepath.Join(above, "key")), a.GiveFile(shared))
	found := owners(t, above)
	for path, want := range map[string]uint32{"/n1": a.uid, "/n1/journal/lock": a.uid, "/secret": a.uid, "/link": 0, "/key": 0, "/shared": 0, "": 0} {
		if found[path] != want {
			t.Errorf("%s%s belongs to %d, want %d", above, path, found[path], want)
		}
	}
}

func TestGiveRefuses(t *testing.T) {
	// Nothing of a folder is given if it holds what another than root may have put there, or what is not a node's; and nothing at all in a folder that is not root's.
	a := someone(t)
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		want  string // of the error; empty: none
	}{
		{"a second name", func(dir string) error {
			shadow := filepath.Join(filepath.Dir(dir), "shadow")
			return errors.Join(os.WriteFile(shadow, []byte("root's"), 0o600), os.Link(shadow, filepath.Join(dir, "journal", "2.wal")))
		}, "2.wal"},
		{"a folder that others can change", func(dir string) error { return os.Chmod(filepath.Join(dir, "journal"), 0o777) }, "mode 0777"},
		{"a sticky folder inside", func(dir string) error { return os.Chmod(filepath.Join(dir, "journal"), 0o777|os.ModeSticky) }, "mode 0777"},
		{"a sticky folder", func(dir string) error { return os.Chmod(dir, 0o777|os.ModeSticky) }, "mode 0777"},
		{"an unknown name", func(dir string) error { return os.WriteFile(filepath.Join(dir, "passwd"), nil, 0o600) }, "root's passwd"},
		{"open to everybody", func(dir string) error { return os.Chmod(dir, 0o777) }, ""},
		{"in a folder of another", func(dir string) error { return os.Lchown(filepath.Dir(dir), int(a.uid), int(a.gid)) }, ""},
		{"of another", func(dir string) error { return os.Lchown(dir, int(a.uid), int(a.gid)) }, ""},
		{"behind a link of another", func(dir string) error {
			above := filepath.Dir(dir)
			aside := filepath.Join(above, "aside")
			return errors.Join(os.Rename(dir, aside), os.Mkdir(filepath.Join(above, "theirs"), 0o755), os.Symlink(aside, filepath.Join(above, "theirs", "n1")),
				os.Symlink("theirs/n1", dir), os.Lchown(filepath.Join(above, "theirs"), int(a.uid), int(a.gid)))
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := node(t)
			do(t, c.spoil(dir))
			before := fmt.Sprint(owners(t, filepath.Dir(dir)))
			err := a.Give(dir, func(name string) bool { return name != "passwd" })
			if c.want != "" && (!config.IsMistake(err) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("give: %v; want a Mistake with %q", err, c.want)
			}
			if c.want == "" {
				do(t, err)
			}
			if after := fmt.Sprint(owners(t, filepath.Dir(dir))); after != before {
				t.Errorf("owners were %s and are %s", before, after)
			}
		})
	}
}

func TestEnter(t *testing.T) {
	// A folder behind one that is closed to the account is no place for a node, and the Mistake names it.
	a := someone(t)
	dir := filepath.Join(folder(t), "closed")
	do(t, os.MkdirAll(filepath.Join(dir, "n1"), 0o755), os.Chmod(dir, 0o700))
	if err := a.CheckEnter(filepath.Join(dir, "n1", "missing")); !config.IsMistake(err) || !strings.Contains(err.Error(), filepath.Join(dir, "n1")) {
		t.Errorf("a closed folder: %v; want a Mistake", err)
	}
	do(t, os.Chmod(dir, 0o711))
	do(t, a.CheckEnter(filepath.Join(dir, "n1", "missing")))
}

func TestCheckKeeps(t *testing.T) {
	// A folder is the account's to keep a node in if it is its own or root's and not everybody can change it; what is missing can be made.
	a := someone(t)
	dir := filepath.Join(folder(t), "n1")
	do(t, a.CheckKeeps(dir), os.Mkdir(dir, 0o755), a.CheckKeeps(dir), os.Lchown(dir, int(a.uid), int(a.gid)), a.CheckKeeps(dir))
	for want, spoil := range map[string]func() error{
		"mode 0777":           func() error { return os.Chmod(dir, 0o777) },
		"/n1 belongs to user": func() error { return errors.Join(os.Chmod(dir, 0o755), os.Lchown(dir, int(a.uid)+1, int(a.gid))) },
	} {
		do(t, os.Lchown(dir, int(a.uid), int(a.gid)), spoil())
		if err := a.CheckKeeps(dir); !config.IsMistake(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want a Mistake with %q", err, want)
		}
	}
	link := filepath.Join(filepath.Dir(dir), "link")
	do(t, os.Chmod(dir, 0o755), os.Lchown(dir, int(a.uid), int(a.gid)), os.Symlink(dir, link), a.CheckKeeps(link), os.Lchown(link, int(a.uid)+1, int(a.gid)))
	if err := a.CheckKeeps(link); !config.IsMistake(err) {
		t.Errorf("behind a link of another: %v; want a Mistake", err)
	}
}

func TestOverLists(t *testing.T) {
	// A file of root's and root's group that an access control list lets another account write is not root's alone, and a folder of that kind is not given away.
	a := someone(t)
	dir := node(t)
	list := binary.LittleEndian.AppendUint32(nil, 2) // the version; then tag, rights and id of each entry
	for _, entry := range []struct {
		tag, rights uint16
		id          uint32
	}{{0x01, 7, math.MaxUint32}, {0x02, 7, a.uid}, {0x04, 5, math.MaxUint32}, {0x10, 7, math.MaxUint32}, {0x20, 5, math.MaxUint32}} {
		list = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(list, entry.tag), entry.rights), entry.id)
	}
	listed := filepath.Join(dir, "journal")
	if err := unix.Setxattr(listed, "system.posix_acl_access", list, 0); err != nil {
		t.Skip(err) // a file system without them
	}
	if who, err := Over(listed); !config.IsMistake(err) {
		t.Errorf("over: %s, %v; want a Mistake", who.Name, err)
	}
	if err := a.Give(dir, everything); !config.IsMistake(err) {
		t.Errorf("give: %v; want a Mistake", err)
	}
}
