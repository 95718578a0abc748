package postgres

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
)

// superusersPassword has what a statement and a log line could trip over.
const superusersPassword = `it's caf\é; "DROP"`

// plain returns the configuration of a server without the extension, in a folder of the test.
func plain(t *testing.T) Config {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server")
	}
	bin, err := findPrograms("")
	if err != nil {
		t.Skipf("needs PostgreSQL: %v", err)
	}
	runs, err := account.Lookup("")
	if err != nil {
		t.Skipf("needs a user that may run PostgreSQL: %v", err)
	}
	dir := open(t, runs)
	if err := runs.CheckEnter(dir); err != nil {
		t.Skip(err)
	}
	c := Config{
		Name: "barista-test", Bin: bin, Account: runs,
		DataDir: filepath.Join(dir, "pgdata"), SockDir: filepath.Join(dir, "sock"), LogFile: filepath.Join(dir, "server.log"),
		Auth: config.Trust, Password: superusersPassword, MaxSessions: 40,
		Settings: map[string]string{"shared_buffers": "8MB", "wal_writer_delay": "321ms"},
	}
	t.Cleanup(func() {
		if err := KillStale(context.Background(), c.DataDir); err != nil {
			t.Error(err)
		}
	})
	return c
}

// open returns a folder of the test that belongs to the server's account.
func open(t *testing.T, runs account.Account) string {
	t.Helper()
	above := t.TempDir()
	for _, path := range []string{filepath.Dir(above), above} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(above, "n")
	if err := errors.Join(os.Mkdir(dir, 0o755), runs.Give(dir, nil)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := c.Start(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask runs a query that returns one text.
func ask(t *testing.T, s *Server, sql string) string {
	t.Helper()
	ctx := bounded(t)
	conn, err := pgx.ConnectConfig(ctx, s.ConnConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var answer string
	if err := conn.QueryRow(ctx, sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func ended(t *testing.T, s *Server) error {
	t.Helper()
	select {
	case <-s.Done():
		return s.Err()
	case <-bounded(t).Done():
		t.Fatal("the server did not end")
		return nil
	}
}

func TestLife(t *testing.T) {
	// One server through its whole life: made, started, configured, stopped, crashed, hung, copied. The steps share
	// the server because making one takes seconds.
	c := plain(t)
	if err := c.Init(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.Init(bounded(t)); !config.IsMistake(err) {
		t.Fatalf("a second Init: %v; want a Mistake", err)
	}

	steps := []struct {
		name string
		test func(*testing.T, Config)
	}{
		{"what it is", testWhatItIs},
		{"fixed settings", testFixedSettings},
		{"who may come in", testAccess},
		{"crash", testCrash},
		{"orphans", testOrphans},
		{"one fate", testFate},
		{"hang", testHang},
		{"frozen", testFrozen},
		{"foreign server", testForeign},
		{"base backup", testBaseBackup},
		{"failed base backup", testFailedBaseBackup},
		{"first recovery", testFirstRecovery},
		{"wrong major", testWrongMajor},
		{"removed folder", testRemovedFolder},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) { step.test(t, c) })
		if t.Failed() {
			log, _ := tail(c.LogFile, 0, 4<<10)
			t.Logf("the server's log ends with:\n%s", log)
			return
		}
	}
}

func testWhatItIs(t *testing.T, c Config) {
	// A new server has checksums, UTF-8 and the fixed locale, barista's role, and the node's own settings; and it
	// stops without an error.
	s := start(t, c)
	for sql, want := range map[string]string{
		"SHOW data_checksums":   "on",
		"SHOW server_encoding":  "UTF8",
		"SHOW lc_collate":       "C.UTF-8",
		"SHOW wal_writer_delay": "321ms",
		"SHOW listen_addresses": "",
		"SELECT rolsuper::text FROM pg_roles WHERE rolname = 'barista'":  "true",
		"SELECT rolsuper::text FROM pg_roles WHERE rolname = 'postgres'": "true",
	} {
		if got := ask(t, s, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if info, err := os.Stat(c.SockDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder: %v, %v; want mode 0700", info.Mode(), err)
	}
	if err := s.Stop(bounded(t)); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := ended(t, s); err != nil {
		t.Errorf("after an orderly stop, Err is %v", err)
	}
}

func testFixedSettings(t *testing.T, c Config) {
	// ALTER SYSTEM does not get at a fixed setting, not even across a restart.
	s := start(t, c)
	ctx := bounded(t)
	conn, err := pgx.ConnectConfig(ctx, s.ConnConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_prepared_transactions = 7"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close(ctx)
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	s = start(t, c)
	defer s.Kill()
	for setting, want := range map[string]string{"fsync": "on", "max_prepared_transactions": "0", "max_connections": "208"} {
		if got := ask(t, s, "SHOW "+setting); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
}

func testAccess(t *testing.T, c Config) {
	// With scram a client needs a password and cannot be barista or copy the server by asking; barista still can.
	c.Auth = config.SCRAM
	s := start(t, c)
	defer s.Kill()
	ctx := bounded(t)
	as := func(user, password string) error {
		connect := s.ConnConfig()
		connect.User, connect.Password = user, password
		conn, err := pgx.ConnectConfig(ctx, connect)
		if err == nil {
			conn.Close(ctx)
		}
		return err
	}
	if err := as(Role, ""); err != nil {
		t.Errorf("barista is refused: %v", err)
	}
	if err := as("postgres", ""); err == nil {
		t.Error("a client came in without a password")
	}
	if err := as("postgres", superusersPassword+"!"); err == nil {
		t.Error("a client came in with a wrong password")
	}
	if err := as("postgres", superusersPassword); err != nil {
		t.Errorf("the superuser is refused with the password that Init gave him: %v", err)
	}
	if verifier := ask(t, s, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'"); !strings.HasPrefix(verifier, "SCRAM-SHA-256$") {
		t.Errorf("the server holds %.13q... and no verifier", verifier)
	}
	if log, err := os.ReadFile(c.LogFile); err != nil || strings.Contains(string(log), "caf") {
		t.Errorf("the server's log tells of the password: %v", err)
	}
}

func testCrash(t *testing.T, c Config) {
	// A killed postmaster is noticed, every backend goes with it, and the server starts again with its data.
	s := start(t, c)
	ctx := bounded(t)
	conn, err := pgx.ConnectConfig(ctx, s.ConnConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE TABLE public.kept AS SELECT 'latte' AS drink"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, s); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err is %v; want one that says killed", err)
	}
	if left := running(t, c); len(left) != 0 {
		t.Errorf("processes %v are left", left)
	}
	s = start(t, c)
	defer s.Kill()
	if got := ask(t, s, "SELECT drink FROM public.kept"); got != "latte" {
		t.Errorf("the table holds %q", got)
	}
}

func running(t *testing.T, c Config) []int {
	t.Helper()
	where, err := placeOf(c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := where.processes()
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

func testOrphans(t *testing.T, c Config) {
	// A start takes the data folder from the server of a barista that has gone, stale lock files included.
	first := start(t, c)
	second := start(t, c)
	defer second.Kill()
	if err := ended(t, first); err == nil {
		t.Error("the first server's end has no reason")
	}
	if got := ask(t, second, "SELECT 'here'"); got != "here" {
		t.Errorf("the second server says %q", got)
	}
}

func testHang(t *testing.T, c Config) {
	// A server that does not answer is killed, and says so.
	c.ProbeEvery, c.ProbeLimit = 10*time.Millisecond, 200*time.Millisecond
	s := start(t, c)
	defer s.Kill()
	if err := s.Probe(bounded(t)); err != nil {
		t.Fatalf("a healthy server: %v", err)
	}
	for _, pid := range running(t, c) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	if err := ended(t, s); !errors.Is(err, ErrHung) {
		t.Errorf("Err is %v, want ErrHung", err)
	}
}

func testFrozen(t *testing.T, c Config) {
	// A server is killed of which a process was stopped: the postmaster, the backend that answers probes, or, when something stands still, any.
	c.ProbeLimit = time.Hour
	for _, which := range []string{"postmaster", "probed", "any"} {
		suspected := atomic.Bool{}
		c.Suspect = suspected.Load
		s := start(t, c)
		defer s.Kill()
		if err := s.Probe(bounded(t)); err != nil {
			t.Fatal(err)
		}
		pid := s.PID()
		switch which {
		case "probed":
			pid = int(s.probed.Load())
		case "any":
			pid = childOf(t, c, s)
			suspected.Store(true)
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if err := ended(t, s); !errors.Is(err, ErrHung) || !strings.Contains(err.Error(), strconv.Itoa(pid)) {
			t.Errorf("%s: Err is %v, want ErrHung because of process %d", which, err, pid)
		}
	}
}

// childOf returns a process of the server that is neither the postmaster nor answers probes.
func childOf(t *testing.T, c Config, s *Server) int {
	t.Helper()
	for _, pid := range running(t, c) {
		if _, parent := processState(pid); parent == s.PID() && pid != int(s.probed.Load()) {
			return pid
		}
	}
	t.Fatal("the server has no children")
	return 0
}

func testForeign(t *testing.T, c Config) {
	// A server that someone else runs in the folder is left alone: Start refuses.
	other := c
	other.SockDir = c.SockDir + "2"
	theirs := start(t, other)
	defer theirs.Kill()
	if _, err := c.Start(bounded(t)); !config.IsMistake(err) || !strings.Contains(err.Error(), "did not start") {
		t.Errorf("start: %v; want a Mistake", err)
	}
	if err := theirs.Probe(bounded(t)); err != nil {
		t.Errorf("their server: %v", err)
	}
}

func testBaseBackup(t *testing.T, c Config) {
	// A base backup through a relayed stream, over the remains of an earlier try and an old data folder, gives a
	// server with the same data, while the copied one serves.
	s := start(t, c)
	defer s.Kill()
	dest := c
	dir := open(t, c.Account)
	dest.DataDir, dest.SockDir, dest.LogFile = filepath.Join(dir, "pgdata"), filepath.Join(dir, "sock"), filepath.Join(dir, "log")
	for _, remains := range []string{dest.DataDir + ".new", dest.DataDir} {
		err := c.Account.As(func() error { return os.MkdirAll(filepath.Join(remains, "base"), 0o700) })
		if err != nil {
			t.Fatal(err)
		}
	}
	err := dest.BaseBackup(bounded(t), func(ctx context.Context) (net.Conn, error) {
		return c.dial(ctx, "unix", s.SocketPath())
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Name() != "pgdata" || entries[1].Name() != "pgdata.old" {
		t.Errorf("the folder holds %v; want only pgdata and what it has taken the place of", entries)
	}
	copied := start(t, dest)
	defer copied.Kill()
	if got := ask(t, copied, "SELECT drink FROM public.kept"); got != "latte" {
		t.Errorf("the copy's table holds %q", got)
	}
}

func testFailedBaseBackup(t *testing.T, c Config) {
	// When the peer cannot be reached, the error says why, and the old data folder stays.
	dest := c
	dest.DataDir = filepath.Join(open(t, c.Account), "pgdata")
	if err := os.Mkdir(dest.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no milk left")
	err := dest.BaseBackup(bounded(t), func(context.Context) (net.Conn, error) { return nil, refused })
	if !errors.Is(err, refused) {
		t.Errorf("base backup: %v; want the dialler's error", err)
	}
	if _, err := os.Stat(dest.DataDir); err != nil {
		t.Errorf("the old data folder: %v", err)
	}
}

func testWrongMajor(t *testing.T, c Config) {
	// A data folder of another major version is refused with a line that names both.
	marker := filepath.Join(c.DataDir, "PG_VERSION")
	if err := os.WriteFile(marker, []byte("9.6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(bounded(t)); !config.IsMistake(err) || !strings.Contains(err.Error(), "PostgreSQL 9.6") {
		t.Errorf("start: %v; want a Mistake that names the version", err)
	}
}

func testRemovedFolder(t *testing.T, c Config) {
	// A server whose folder was removed under it is found and killed too.
	if err := os.WriteFile(filepath.Join(c.DataDir, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, c)
	if err := os.RemoveAll(c.DataDir); err != nil {
		t.Fatal(err)
	}
	if err := KillStale(bounded(t), c.DataDir); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, s); err == nil || len(running(t, c)) != 0 {
		t.Errorf("Err is %v, and processes %v are left", err, running(t, c))
	}
}

func TestBadPlaces(t *testing.T) {
	// A folder without data, a socket path that is too long and a missing program are Mistakes.
	c := plain(t)
	if _, err := c.Start(bounded(t)); !config.IsMistake(err) {
		t.Errorf("start without a data folder: %v; want a Mistake", err)
	}
	long := c
	long.SockDir = "/" + strings.Repeat("x", maxSocketPath)
	if err := long.checkSocketPath(); !config.IsMistake(err) {
		t.Errorf("a long socket path: %v; want a Mistake", err)
	}
	if _, err := findPrograms(t.TempDir()); !config.IsMistake(err) {
		t.Errorf("an empty pg_bin: %v; want a Mistake", err)
	}
	if _, err := findLibrary(t.TempDir()); !config.IsMistake(err) {
		t.Errorf("an empty extension_dir: %v; want a Mistake", err)
	}
}

func TestLastWords(t *testing.T) {
	// The line that names an error is preferred to what is printed after it.
	for _, c := range []struct{ output, want string }{
		{"", ""},
		{"one\ntwo\n\n", "two"},
		{"x: FATAL:  no\nhint\n", "x: FATAL:  no"},
		{"initdb: error: a\ninitdb: removing data\n", "initdb: error: a"},
	} {
		if got := lastWords(c.output); got != c.want {
			t.Errorf("last words of %q: %q, want %q", c.output, got, c.want)
		}
	}
}

func TestFixedSettingsAreConfigs(t *testing.T) {
	// What this package fixes, a node.yaml may not set; and the defaults it may.
	c := Config{Extension: &Extension{}}
	for _, s := range append(c.fixedSettings(), c.startSettings()...) {
		if !config.Fixed(s.name) {
			t.Errorf("%s is fixed here, but config lets node.yaml set it", s.name)
		}
	}
	for _, s := range defaultSettings() {
		if config.Fixed(s.name) {
			t.Errorf("%s is a default here, but config fixes it", s.name)
		}
	}
}

func TestFailure(t *testing.T) {
	// A full disk is a Mistake whatever the program says beside it; anything else keeps its cause and last words.
	full := failure("initdb: error: could not write to file: No space left on device\ninitdb: removing it\n", errors.New("exit status 1"))
	if !config.IsMistake(full) || !errors.Is(full, syscall.ENOSPC) {
		t.Errorf("a full disk gives %v", full)
	}
	end := errors.New("exit status 1")
	if other := failure("FATAL:  no\n", end); !errors.Is(other, end) || !strings.Contains(other.Error(), "FATAL:  no") {
		t.Errorf("another failure gives %v", other)
	}
}
