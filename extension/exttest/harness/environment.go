package harness

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait of a test on a condition. It is long because the
// machine may be busy; no test waits for it in the good case.
const patience = 90 * time.Second

// extension is the extension's folder, seen from a package of tests.
const extension = "../.."

// environment is what all servers of one test run share.
type environment struct {
	bin        string              // folder of PostgreSQL's programs
	root       string              // folder of everything below, removed at the end
	libDir     string              // folder of barista.so
	template   string              // data folder after initdb and bootstrap.sql
	credential *syscall.Credential // nil: PostgreSQL runs as ourselves
	skip       string              // why there is nothing to test, if so
}

var env environment

// Main runs the tests of a package, and returns its exit status. It prepares
// what their servers start from before, and ends the shared ones afterwards.
func Main(m *testing.M) int {
	flag.Parse()
	err := env.prepare()
	defer env.remove()
	if err != nil {
		fmt.Fprintln(os.Stderr, "harness:", err)
		return 1
	}
	code := m.Run()
	stopShared()
	return code
}

// prepare finds PostgreSQL, builds the extension, and makes the data folder
// that each server starts from. Without PostgreSQL it says why to skip.
func (e *environment) prepare() error {
	if os.Getenv("PATH") == "" {
		return fmt.Errorf("PATH is empty")
	}
	if testing.Short() {
		e.skip = "-short: it starts servers"
		return nil
	}
	e.bin = findPostgres()
	if e.bin == "" {
		e.skip = "PostgreSQL 15 is not installed"
		return nil
	}
	if err := e.findCredential(); err != nil {
		return err
	}
	var err error
	if e.root, err = os.MkdirTemp("", "bx"); err != nil {
		return err
	}
	if err = os.Chmod(e.root, 0o755); err != nil {
		return err
	}
	if err = e.buildLibrary(); err != nil {
		return err
	}
	return e.makeTemplate()
}

func (e *environment) remove() {
	if e.root != "" {
		os.RemoveAll(e.root)
	}
}

func findPostgres() string {
	const debian = "/usr/lib/postgresql/15/bin"
	if _, err := os.Stat(filepath.Join(debian, "postgres")); err == nil {
		return debian
	}
	out, err := exec.Command("pg_config", "--bindir", "--version").Output()
	if err != nil {
		return ""
	}
	bin, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !strings.HasPrefix(version, "PostgreSQL 15.") {
		return ""
	}
	return bin
}

// findCredential chooses the OS user of the servers: postgres refuses root.
func (e *environment) findCredential() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		e.skip = "running as root and there is no OS user postgres"
		return nil
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	e.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

// buildLibrary builds extension/barista.so and copies it to where the servers
// can read it. BARISTA_LIBRARY names a ready one instead.
func (e *environment) buildLibrary() error {
	source := os.Getenv("BARISTA_LIBRARY")
	if source == "" {
		source = filepath.Join(extension, "barista.so")
		if err := makeAlone(); err != nil {
			return err
		}
	}
	code, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	e.libDir = filepath.Join(e.root, "lib")
	if err := os.Mkdir(e.libDir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(e.libDir, "barista.so"), code, 0o755)
}

// makeAlone runs make, while no other package of tests does: they run side by
// side, and make would write the same files twice.
func makeAlone() error {
	makefile, err := os.Open(filepath.Join(extension, "Makefile"))
	if err != nil {
		return err
	}
	defer makefile.Close() // which unlocks it
	if err := unix.Flock(int(makefile.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", makefile.Name(), err)
	}
	if out, err := exec.Command("make", "-s", "-C", extension).CombinedOutput(); err != nil {
		return fmt.Errorf("make -C extension: %w\n%s", err, out)
	}
	return nil
}

// makeTemplate runs initdb and bootstrap.sql once.
func (e *environment) makeTemplate() error {
	e.template = filepath.Join(e.root, "template")
	if err := e.makeFolder(e.template); err != nil {
		return err
	}
	initdb := e.command("initdb", "-D", e.template, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "-k", "-N")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	sql, err := os.ReadFile(filepath.Join(extension, "bootstrap.sql"))
	if err != nil {
		return err
	}
	for _, database := range []string{"template1", "postgres", "template0"} {
		if err := e.runSingleUser(e.template, database, string(sql)); err != nil {
			return err
		}
	}

	// A single-user server gives out OIDs of built-in objects, until some
	// postmaster has gone past them. Fixtures must look like a user's tables.
	resetwal := e.command("pg_resetwal", "-o", "20000", "-D", e.template)
	if out, err := resetwal.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_resetwal: %w\n%s", err, out)
	}
	return nil
}

// runSingleUser runs statements in a server that is being made.
func (e *environment) runSingleUser(data, database, sql string) error {
	cmd := e.command("postgres", "--single", "-j", "-D", data,
		"-c", "shared_preload_libraries=barista",
		"-c", "dynamic_library_path="+e.libDir+":$libdir",
		"-c", "barista.bootstrap=on", "-c", "allow_system_table_mods=on",
		"-c", "exit_on_error=on", "-c", "fsync=off", "-c", "log_min_messages=warning",
		database)
	cmd.Stdin = strings.NewReader(sql + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("ERROR")) {
		return fmt.Errorf("single-user %s: %v\n%s", database, err, out)
	}
	return nil
}

// Bin is the folder of PostgreSQL's programs.
func Bin() string { return env.bin }

// LibDir is the folder in which the servers look for libraries, beside their own.
func LibDir() string { return env.libDir }

// Command prepares one of PostgreSQL's programs to run as the servers' user.
func Command(name string, args ...string) *exec.Cmd { return env.command(name, args...) }

func (e *environment) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(e.bin, name), args...)
	cmd.Dir = e.root
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	// A test run that panics or is killed must leave no server behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: e.credential, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// makeFolder makes a 0700 folder that belongs to the servers' user.
func (e *environment) makeFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return e.giveAway(path)
}

func (e *environment) giveAway(path string) error {
	if e.credential == nil {
		return nil
	}
	return os.Chown(path, int(e.credential.Uid), int(e.credential.Gid))
}

// Context is bounded by patience and by the test's end.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
