package doors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

// needRoot skips a test of what becomes of root's rights, and returns the account that runs the servers.
func needRoot(t *testing.T) account.Account {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	runs, err := account.Lookup("")
	if err != nil {
		t.Skip(err)
	}
	return runs
}

// A treasure is a file of root's, in a folder of root's that everybody can enter, and what it must stay like.
type treasure struct {
	dir, file string
	was       string
}

const gold = "root's gold"

func newTreasure(t *testing.T) *treasure {
	t.Helper()
	dir, err := devcluster.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	x := &treasure{dir: dir, file: filepath.Join(dir, "gold")}
	must(t, os.WriteFile(x.file, []byte(gold), 0o600))
	x.was = x.is(t)
	return x
}

// is describes the folder and what is in it.
func (x *treasure) is(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	must(t, filepath.WalkDir(x.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&text, "%s %v %d %d %d %v\n", path, info.Mode(), stat.Uid, stat.Gid, stat.Size, info.ModTime())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			fmt.Fprintf(&text, "%.40q %v\n", content, err)
		}
		return nil
	}))
	return text.String()
}

// untouched fails the test if anything has become of the treasure.
func (x *treasure) untouched(t *testing.T, after string) {
	t.Helper()
	if is := x.is(t); is != x.was {
		t.Errorf("%s, root's folder is\n%sand was\n%s", after, is, x.was)
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// plant puts links to the treasure, or to its folder, at names in a node's folder, as the account, in the place of what may be there.
func (x *treasure) plant(t *testing.T, runs account.Account, cfg config.Config, target string, names ...string) {
	t.Helper()
	must(t, runs.As(func() error {
		for _, name := range names {
			path := filepath.Join(cfg.Dir, name)
			if err := errors.Join(os.RemoveAll(path), os.Symlink(target, path)); err != nil {
				return err
			}
		}
		return nil
	}))
}

var rightsLine = regexp.MustCompile(`(?m)^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb):.*$`)

// rootsRights returns the first line of a thread's status that tells of a right of root's.
func rootsRights(status string) string {
	for _, line := range rightsLine.FindAllString(status, -1) {
		name, value, _ := strings.Cut(line, ":")
		for _, word := range strings.Fields(value) {
			ids := name == "Uid" || name == "Gid"
			if ids && word == "0" || !ids && strings.Trim(word, "0") != "" || name == "Groups" {
				return line
			}
		}
	}
	return ""
}

// children are the processes below one, by their parents.
func children(t *testing.T) map[int][]int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	below := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		parent, err := strconv.Atoi(string(fields[1]))
		must(t, err)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		must(t, err)
		below[parent] = append(below[parent], pid)
	}
	return below
}

// checkRights fails the test if a thread of the process, or of one below it, has any of root's rights. It returns how many processes there are.
func checkRights(t *testing.T, pid int, below map[int][]int) (count int) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	must(t, err)
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		if kept := rootsRights(string(text)); kept != "" {
			t.Errorf("%s: %s", thread, kept)
			break
		}
	}
	for _, child := range below[pid] {
		count += checkRights(t, child, below)
	}
	return count + 1
}

// checkAllRights checks those of every node of a cluster.
func checkAllRights(t *testing.T, c *harness.Cluster) {
	t.Helper()
	below := children(t)
	for _, node := range c.Nodes() {
		pid, err := node.PID()
		must(t, err)
		if count := checkRights(t, pid, below); pid == 0 || count < 3 {
			t.Errorf("%s: process %d, with %d below it", node.Config.Name, pid, count-1)
		}
		if owner, err := account.OwnerOf(node.Config.Dir); err != nil || owner.IsRoot() {
			t.Errorf("%s belongs to %s, %v", node.Config.Dir, owner.Name, err)
		}
	}
}

func TestRootsRights(t *testing.T) {
	// Of a cluster that root has started, no process has any of root's rights, and no file is root's.
	runs := needRoot(t)
	c := harness.StartCluster(t, devcluster.Options{})
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE cups (n int)", "INSERT INTO cups VALUES (1)")
	_ = t.Run("are given up", func(t *testing.T) { rootsRightsAreGivenUp(t, c, runs) }) &&
		t.Run("in folders of earlier versions", func(t *testing.T) { foldersOfEarlierVersions(t, c) })
}

// rootsRightsAreGivenUp shows that no process has any of root's rights, neither at first, nor after kills, restarts and a lost disk. Links that the account
// puts where anything is written lead to nothing of root's.
func rootsRightsAreGivenUp(t *testing.T, c *harness.Cluster, runs account.Account) {
	checkAllRights(t, c)

	x := newTreasure(t)
	node := c.Node(c.Follower(t))
	must(t, node.Kill9())
	x.plant(t, runs, node.Config, x.file, "pgdata/postgresql.conf.new", "pgdata/pg_hba.conf.new", "pgdata/pg_ident.conf.new", "lib/barista.so.new",
		"lib/barista.so", "sock/shared", "sock/gate", "sock/clients", "sock/.s.PGSQL.5432", "sock/.s.PGSQL.5432.lock", "node.yaml.new", "pgdata/postgresql.conf")
	x.plant(t, runs, node.Config, x.dir, "pgdata.new", "pgdata.old", "journal.damaged")
	must(t, node.Start())
	c.Ready(t)
	x.untouched(t, "after a start")
	checkAllRights(t, c)
	c.VerifyAll(t)

	must(t, node.Kill9())
	harness.Wipe(t, node.Config.Dir)
	x.plant(t, runs, node.Config, x.dir, "pgdata.new", "pgdata.old")
	must(t, node.Start())
	c.Ready(t)
	x.untouched(t, "after a base backup")
	checkAllRights(t, c)
	c.VerifyAll(t)

	// What cannot work behind such a link says so, and does nothing else.
	must(t, node.Kill9())
	for _, name := range []string{"barista.pid", "server.log", "barista.log", "journal/lock", "secret", "node.yaml"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(node.Config.Dir, name)
			must(t, runs.As(func() error {
				if err := os.Rename(path, path+".aside"); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return os.Symlink(x.file, path)
			}))
			if name == "barista.log" {
				if err := node.Start(); !errors.Is(err, fs.ErrPermission) {
					t.Errorf("start: %v; want no permission", err)
				}
			} else if name != "server.log" && name != "secret" { // the one is tried again and again; the other is another file
				status, _, said := harness.RunProgram(t, harness.StartLimit, c.Binary, "start", "--config", node.ConfigFile())
				if status == 0 || !strings.Contains(said, "permission denied") || strings.Contains(said, gold) {
					t.Errorf("start: status %d, %s; want no permission", status, said)
				}
			}
			x.untouched(t, "after "+name)
			must(t, runs.As(func() error {
				if err := os.Remove(path); err != nil {
					return err
				}
				err := os.Rename(path+".aside", path)
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}))
		})
	}
	c.Restart(t, int(node.Config.Name[1]-'0'))
	c.VerifyAll(t)
}

// foldersOfEarlierVersions shows that a cluster whose folders are root's, as versions left them that ran as root, goes on, and is the account's afterwards; a
// second name that lies there is refused.
func foldersOfEarlierVersions(t *testing.T, c *harness.Cluster) {
	must(t, c.Stop(harness.Limited(t, harness.StartLimit)))
	give := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			must(t, filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
				return errors.Join(err, os.Lchown(path, 0, 0))
			}))
		}
	}
	must(t, os.Chown(filepath.Join(c.Dir(), "secret"), 0, 0))
	for _, node := range c.Nodes() {
		cfg := node.Config
		must(t, os.WriteFile(cfg.PIDFile(), []byte("1\n"), 0o644), os.Chown(cfg.Dir, 0, 0))
		give(cfg.JournalDir(), cfg.PIDFile(), cfg.LogFile(), cfg.ServerLogFile(), node.ConfigFile())
	}
	first := c.Node(1).Config
	give(first.Dir) // a copy that root has put back may be root's altogether

	x := newTreasure(t)
	second := filepath.Join(c.Node(2).Config.JournalDir(), "2.wal")
	must(t, os.Link(x.file, second))
	x.was = x.is(t)
	status, _, said := harness.RunProgram(t, harness.StartLimit, c.Binary, "start", "--config", c.Node(2).ConfigFile())
	if status != 2 || !strings.Contains(said, second) {
		t.Errorf("start with a second name of a file in the journal: status %d, %s; want 2 and the name", status, said)
	}
	x.untouched(t, "after a refused start")
	must(t, os.Remove(second))

	must(t, c.Start(harness.Limited(t, harness.StartLimit)))
	c.Ready(t)
	checkAllRights(t, c)
	c.VerifyAll(t)
	if n := harness.One[int](t, c.Connect(t, 1), "SELECT n FROM cups"); n != 1 {
		t.Errorf("the table holds %d", n)
	}
	for _, node := range c.Nodes() {
		must(t, filepath.WalkDir(node.Config.Dir, func(path string, _ fs.DirEntry, err error) error {
			if owner, err := account.OwnerOf(path); err == nil && owner.IsRoot() {
				t.Errorf("%s is root's still", path)
			}
			return nil
		}))
	}
	must(t, c.Stop(harness.Limited(t, harness.StartLimit)))
	again, err := devcluster.New(devcluster.Options{Dir: c.Dir(), Binary: c.Binary}) // as the demo resumes it
	must(t, err)
	c.Cluster = again
	must(t, c.Start(harness.Limited(t, harness.StartLimit)))
	c.Ready(t)
}

func TestNobodysWordIsRoots(t *testing.T) {
	// A node.yaml that the account can change makes root neither read, write, give away nor run anything: barista is the account before it reads it.
	runs := needRoot(t)
	binary := harness.NeedProgram(t)
	other, err := account.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	x := newTreasure(t)
	must(t, os.Mkdir(filepath.Join(x.dir, "empty"), 0o755))
	x.was = x.is(t)
	const rest = "name: n1\npg: 127.0.0.1:1025\npeer: 127.0.0.1:1026\npeers: {n1: '127.0.0.1:1026'}\nauth: trust\n"
	for _, c := range []struct{ name, keys, want string }{
		{"secret", "secret_file: " + x.file, "permission denied"},
		{"account", "os_user: " + other.Name, "os_user is " + other.Name},
		{"folder", "dir: " + filepath.Join(x.dir, "empty"), "belongs to root"},
		{"missing folder", "dir: " + filepath.Join(x.dir, "missing"), "permission denied"},
		{"extension", "extension_dir: PROGRAMS", "permission denied"},
		{"programs", "pg_bin: PROGRAMS", "which is no version"},
		{"link", "LINK", "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			theirs, err := devcluster.NewFolder()
			must(t, err)
			t.Cleanup(func() { os.RemoveAll(theirs) })
			must(t, runs.Give(theirs, nil))
			dir, programs := filepath.Join(theirs, "n1"), filepath.Join(theirs, "programs")
			path := filepath.Join(dir, "node.yaml")
			must(t, runs.As(func() error {
				err := os.Mkdir(dir, 0o755)
				if c.keys == "LINK" {
					return errors.Join(err, os.Symlink(x.file, path))
				}
				if c.name != "secret" {
					err = errors.Join(err, os.WriteFile(filepath.Join(dir, "secret"), []byte(strings.Repeat("s", 32)), 0o600))
				}
				err = errors.Join(err, os.Mkdir(programs, 0o755),
					os.Symlink(x.file, filepath.Join(programs, "barista.so")), os.Symlink(x.file, filepath.Join(programs, "bootstrap.sql")))
				for _, name := range []string{"postgres", "initdb", "pg_basebackup", "pg_verifybackup", "pg_waldump"} {
					text := "#!/bin/sh\nid -u\n"
					err = errors.Join(err, os.WriteFile(filepath.Join(programs, name), []byte(text), 0o755))
				}
				return errors.Join(err, os.WriteFile(path, []byte(rest+strings.ReplaceAll(c.keys, "PROGRAMS", programs)+"\n"), 0o600))
			}))
			commands := []string{"start", "init"}
			if c.name == "secret" || c.name == "link" {
				commands = append(commands, "token")
			}
			for _, command := range commands {
				status, _, said := harness.RunProgram(t, harness.StartLimit, binary, command, "--config", path)
				if status == 0 || !strings.Contains(said, c.want) || strings.Contains(said, gold) {
					t.Errorf("%s: status %d, %s; want %q", command, status, said, c.want)
				}
				if c.name == "programs" && strings.Contains(said, `"0\n"`) {
					t.Errorf("%s has run a program as root: %s", command, said)
				}
				x.untouched(t, "after "+command)
			}
		})
	}
}

func TestFilesThatRootNames(t *testing.T) {
	// A password file and a token file that root names are read with the rights of the account that can put a link there, and a node of root's is not kept in a folder of a third account.
	runs := needRoot(t)
	binary := harness.NeedProgram(t)
	other, err := account.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	x := newTreasure(t)
	dir, err := devcluster.NewFolder()
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	theirs, others := filepath.Join(dir, "theirs"), filepath.Join(dir, "others")
	link := filepath.Join(theirs, "link")
	must(t, os.Mkdir(theirs, 0o755), os.Mkdir(others, 0o755), os.Symlink(x.file, link))
	must(t, runs.Give(theirs, func(string) bool { return true }), other.Give(others, nil), os.Chmod(others, 0o777))
	node := func(folder string) string {
		text := "name: n1\npg: 127.0.0.1:1025\npeer: 127.0.0.1:1026\npeers: {n1: '127.0.0.1:1026'}\nauth: scram\nsecret_file: " + filepath.Join(dir, "secret") + "\ndir: " + folder + "\n"
		path := filepath.Join(dir, filepath.Base(folder)+".yaml")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"init", "--config", node(filepath.Join(dir, "n1")), "--password-file", link}, "permission denied"},
		{[]string{"status", "--http", "127.0.0.1:1025", "--token-file", link}, "permission denied"},
		{[]string{"init", "--config", node(others)}, others + " belongs to user"},
	} {
		status, _, said := harness.RunProgram(t, harness.StartLimit, binary, c.args...)
		if status != 2 || !strings.Contains(said, c.want) || strings.Contains(said, gold) {
			t.Errorf("%v: status %d, %s; want 2 and %q", c.args, status, said, c.want)
		}
		x.untouched(t, "after "+c.args[0])
	}
}

func TestRootsWord(t *testing.T) {
	// A node.yaml and a secret in a folder of root's stay root's, and a port that only root may open is served without root's rights. In the node's own folder such a
	// port is refused at once, and a folder with other things of root's in it is no node's.
	runs := needRoot(t)
	binary := harness.NeedProgram(t)
	dir, err := devcluster.NewFolder()
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := lowPort(t)
	rest := "name: n1\npg: " + freeAddress(t) + "\npeer: ADDRESS\npeers: {n1: 'ADDRESS'}\nhttp: " + port + "\nauth: trust\n"
	rest = strings.ReplaceAll(rest, "ADDRESS", freeAddress(t))
	etc, node, used, inside := filepath.Join(dir, "etc"), filepath.Join(dir, "lib", "n1"), filepath.Join(dir, "used"), filepath.Join(dir, "inside")
	must(t, os.Mkdir(etc, 0o700), os.Mkdir(used, 0o755), os.Mkdir(inside, 0o755), os.WriteFile(filepath.Join(used, "passwd"), nil, 0o644))
	for want, keys := range map[string]string{"only root may listen on " + port: "", "it holds passwd": "dir: " + used + "\n"} {
		path := filepath.Join(inside, "node.yaml")
		must(t, os.WriteFile(path, []byte(rest+keys), 0o600))
		status, _, said := harness.RunProgram(t, harness.StartLimit, binary, "init", "--config", path)
		if status != 2 || !strings.Contains(said, want) {
			t.Errorf("init: status %d, %s; want 2 and %q", status, said, want)
		}
	}
	path, secret := filepath.Join(etc, "n1.yaml"), filepath.Join(etc, "secret")
	must(t, os.WriteFile(path, []byte(rest+"dir: "+node+"\nsecret_file: "+secret+"\n"), 0o600))
	if status, _, said := harness.RunProgram(t, harness.StartLimit, binary, "init", "--config", path); status != 0 {
		t.Fatalf("init: status %d, %s", status, said)
	}
	started := exec.Command(binary, "start", "--config", path)
	var said bytes.Buffer
	started.Stderr = &said
	must(t, started.Start())
	defer func() {
		must(t, started.Process.Signal(syscall.SIGTERM))
		if err := started.Wait(); err != nil {
			t.Errorf("the node ended: %v\n%s", err, said.String())
		}
	}()
	harness.Await(t, harness.StartLimit, "a node that leads", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+port+"/primary", nil)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
	checkRights(t, started.Process.Pid, children(t))
	for path, want := range map[string]string{
		path: "root", secret: "root", used: "root", inside: "root", node: runs.Name, filepath.Join(node, "journal"): runs.Name,
	} {
		if owner, err := account.OwnerOf(path); err != nil || owner.Name != want {
			t.Errorf("%s belongs to %s, %v; want %s", path, owner.Name, err, want)
		}
	}
}

// lowPort is an address that only root may listen on, and nobody does.
func lowPort(t *testing.T) string {
	t.Helper()
	for port := 1023; port > 0; port-- {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if l, err := net.Listen("tcp", address); err == nil {
			must(t, l.Close())
			return address
		}
	}
	t.Skip("no port below 1024 is free")
	return ""
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}
