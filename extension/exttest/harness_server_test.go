package exttest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/changeset"
)

// Fields of the mapped file, see docs/internals/gate.md.
const (
	fieldMagic   = 0
	fieldStartID = 8
	fieldEpoch   = 16
	fieldClosed  = 24
	fieldLease   = 32
	fieldApplied = 40
	fieldWaiting = 48
	fieldNode    = 56
	sharedSize   = 4096
)

// firstEpoch is the epoch that open opens first: ballot 1.1.
const firstEpoch = 1<<16 | 1

// server is one PostgreSQL server with the extension, and barista's side of it.
type server struct {
	dir    string
	gate   *fakeGate
	shared []byte
	cmd    *exec.Cmd
	ready  chan struct{} // closed when it accepts connections
	done   chan struct{} // closed when the postmaster has ended

	mu  sync.Mutex
	log strings.Builder // guarded by mu
}

// options of startServer.
type options struct {
	fixture  string   // SQL run before the first start, in database postgres
	settings []string // name=value
	unshared bool     // start it without barista.shared_file, as a person would
}

// startServer starts a server whose gate is closed; it ends with the test.
func startServer(t testing.TB, o options) *server {
	t.Helper()
	if env.skip != "" {
		t.Skip(env.skip)
	}
	s, err := newServer(o)
	if err == nil {
		t.Cleanup(s.stop)
		err = s.start(o)
	}
	if err == nil && !o.unshared {
		err = s.introduce()
	}
	if err != nil {
		t.Fatalf("start server: %v\n%s", err, s.logged())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("server log:\n%s", s.logged())
		}
	})
	return s
}

// startLeader starts a server with an open gate that chooses everything.
func startLeader(t testing.TB, o options) *server {
	t.Helper()
	s := startServer(t, o)
	s.open(firstEpoch)
	return s
}

func newServer(o options) (*server, error) {
	s := &server{ready: make(chan struct{}), done: make(chan struct{})}
	dir, err := os.MkdirTemp(env.root, "s")
	if err != nil {
		return s, err
	}
	s.dir = dir
	if err := env.giveAway(dir); err != nil {
		return s, err
	}
	cp := exec.Command("cp", "-a", env.template, s.data())
	if out, err := cp.CombinedOutput(); err != nil {
		return s, fmt.Errorf("cp: %w\n%s", err, out)
	}
	if o.fixture != "" {
		if err := env.runSingleUser(s.data(), "postgres", o.fixture); err != nil {
			return s, err
		}
	}
	if err := s.makeShared(); err != nil {
		return s, err
	}
	s.gate, err = listenGate(filepath.Join(dir, "gate"), s)
	if err != nil {
		return s, err
	}
	return s, env.giveAway(filepath.Join(dir, "gate"))
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// makeShared makes and maps the file that barista and the server share.
func (s *server) makeShared() error {
	path := filepath.Join(s.dir, "shared")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(sharedSize); err != nil {
		return err
	}
	s.shared, err = unix.Mmap(int(f.Fd()), 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	var id [8]byte
	rand.Read(id[:])
	s.set(fieldMagic, binary.LittleEndian.Uint64([]byte("BARISTA1")))
	s.set(fieldStartID, binary.LittleEndian.Uint64(id[:]))
	s.set(fieldClosed, 1)
	s.set(fieldNode, 7)
	return env.giveAway(path)
}

func (s *server) field(offset int) *uint64 { return (*uint64)(unsafe.Pointer(&s.shared[offset])) }

func (s *server) set(offset int, v uint64) { atomic.StoreUint64(s.field(offset), v) }

func (s *server) get(offset int) uint64 { return atomic.LoadUint64(s.field(offset)) }

// open opens the gate in an epoch, with a lease that does not run out.
func (s *server) open(epoch uint64) {
	s.setLease(time.Hour)
	s.set(fieldEpoch, epoch)
	s.set(fieldClosed, 0)
}

// close closes the epoch as barista does, first of all by the flag.
func (s *server) close() { s.set(fieldClosed, 1) }

// restart starts a server that has ended again, in its data folder, with a new
// mapped file and a closed gate.
func (s *server) restart(t testing.TB, o options) {
	t.Helper()
	s.gate.close()
	unix.Munmap(s.shared)
	for _, name := range []string{"shared", "gate"} {
		os.Remove(filepath.Join(s.dir, name))
	}
	if err := s.makeShared(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.gate, err = listenGate(filepath.Join(s.dir, "gate"), s); err != nil {
		t.Fatal(err)
	}
	if err := env.giveAway(filepath.Join(s.dir, "gate")); err != nil {
		t.Fatal(err)
	}
	s.ready, s.done = make(chan struct{}), make(chan struct{})
	if err := s.start(o); err != nil {
		t.Fatalf("restart: %v\n%s", err, s.logged())
	}
	if err := s.introduce(); err != nil {
		t.Fatalf("restart: %v", err)
	}
}

// reopen opens the gate in the next epoch, on top of what was committed so far.
func (s *server) reopen(t testing.TB) {
	t.Helper()
	s.close()
	eventually(t, "no backend waits at the gate", func() bool { return s.get(fieldWaiting) == 0 })
	s.gate.restart()
	s.open(s.get(fieldEpoch) + 1<<16)
}

// setLease ends the lease after d, counted from now.
func (s *server) setLease(d time.Duration) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err)
	}
	s.set(fieldLease, uint64(now.Nano()+d.Nanoseconds()))
}

func (s *server) applied() changeset.Position { return changeset.Position(s.get(fieldApplied)) }

// start starts the postmaster and waits until it accepts connections.
func (s *server) start(o options) error {
	settings := []string{
		"shared_preload_libraries=barista",
		"dynamic_library_path=" + env.libDir + ":$libdir",
		"listen_addresses=", "unix_socket_directories=" + s.dir,
		"synchronous_standby_names=", "max_prepared_transactions=0", "wal_level=replica",
		"restart_after_crash=off", "max_connections=40",
		"fsync=off", "shared_buffers=32MB", "autovacuum=off", "logging_collector=off",
	}
	if !o.unshared {
		settings = append(settings, "barista.shared_file="+filepath.Join(s.dir, "shared"),
			"barista.gate_socket="+filepath.Join(s.dir, "gate"))
	}
	args := []string{"-D", s.data()}
	for _, setting := range append(settings, o.settings...) {
		args = append(args, "-c", setting)
	}
	s.cmd = env.command("postgres", args...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go s.follow(stderr) // ends with the last process of the server; stop waits for it

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return errors.New("the server ended")
	case <-timer.C:
		return errors.New("the server does not accept connections")
	}
}

// follow keeps the server's log and says when it is ready and when it is gone.
func (s *server) follow(stderr io.Reader) {
	defer close(s.done)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	isReady := false
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		s.log.WriteString(line + "\n")
		s.mu.Unlock()
		if !isReady && strings.Contains(line, "database system is ready to accept connections") {
			isReady = true
			close(s.ready)
		}
	}
	s.cmd.Wait()
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// introduce does what barista does first: it asks for the applied position,
// and has what capture needs made for the fixture's tables.
func (s *server) introduce() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := s.dial(ctx, "barista", "postgres")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{"select barista_start()", "select barista_bootstrap()"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// stop ends the server at once and removes its folder.
func (s *server) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.done
	}
	if s.gate != nil {
		s.gate.close()
	}
	if s.shared != nil {
		unix.Munmap(s.shared)
		s.shared = nil
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

// dial opens a session; parameters are name, value pairs of the start-up packet.
func (s *server) dial(ctx context.Context, role, database string, parameters ...string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s user=%s dbname=%s", s.dir, role, database))
	if err != nil {
		return nil, err
	}
	if role == "barista" {
		config.RuntimeParams["barista.session"] = "own"
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		config.RuntimeParams[parameters[i]] = parameters[i+1]
	}
	return pgx.ConnectConfig(ctx, config)
}

// connect opens a session of role postgres that ends with the test.
func (s *server) connect(t testing.TB, parameters ...string) *pgx.Conn {
	t.Helper()
	return s.connectAs(t, "postgres", "postgres", parameters...)
}

func (s *server) connectAs(t testing.TB, role, database string, parameters ...string) *pgx.Conn {
	t.Helper()
	conn, err := s.dial(testContext(t), role, database, parameters...)
	if err != nil {
		t.Fatalf("connect as %s: %v", role, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

// apply feeds change sets of another server into this one, in one local
// transaction, as barista does. The gate must be closed.
func (s *server) apply(t testing.TB, proposals ...*proposal) {
	t.Helper()
	if err := s.tryApply(t, proposals...); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func (s *server) tryApply(t testing.TB, proposals ...*proposal) error {
	t.Helper()
	database := "postgres"
	if len(proposals) > 0 && proposals[0].set.Database != "" {
		database = proposals[0].set.Database
	}
	return s.applyPartIn(t, database, s.partOf(proposals...))
}

// partOf is the change sets as the next local transaction here, whole.
func (s *server) partOf(proposals ...*proposal) []byte {
	var batch changeset.Batch
	var last changeset.Position
	batch.Begin(s.applied())
	for _, p := range proposals {
		if len(p.sequences) > 0 {
			batch.Sequences(changeset.MissingIsSkipped, p.sequences)
		}
		if p.kind == kindPropose {
			batch.Set(p.set.Timestamp)
			batch.Payload(p.set.Payload)
			last = p.position
		}
	}
	if last == 0 {
		last = s.applied()
	}
	batch.End(last)
	return batch.Bytes()
}

// applyPart hands one part of a batch to barista_apply, as it is.
func (s *server) applyPart(t testing.TB, part []byte) error {
	t.Helper()
	return s.applyPartIn(t, "postgres", part)
}

func (s *server) applyPartIn(t testing.TB, database string, part []byte) error {
	t.Helper()
	ctx := testContext(t)
	conn, err := s.dial(ctx, "barista", database)
	if err != nil {
		t.Fatalf("connect as barista: %v", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "select barista_apply($1)", part)
	return err
}

var (
	sharedOnce   sync.Once
	sharedServer *server
	sharedError  error
)

// sharedLeader is a leader for tests that leave its gate as it is. Each of
// them uses tables of its own.
func sharedLeader(t testing.TB) *server {
	t.Helper()
	if env.skip != "" {
		t.Skip(env.skip)
	}
	sharedOnce.Do(func() {
		o := options{fixture: sharedFixture}
		if sharedServer, sharedError = newServer(o); sharedError != nil {
			return
		}
		if sharedError = sharedServer.start(o); sharedError == nil {
			sharedError = sharedServer.introduce()
		}
		sharedServer.open(firstEpoch)
	})
	if sharedError != nil {
		t.Fatalf("start shared server: %v\n%s", sharedError, sharedServer.logged())
	}
	return sharedServer
}

func stopShared() {
	if sharedServer != nil {
		sharedServer.stop()
	}
	for _, s := range moreShared {
		s.stop()
	}
}

// execute runs statements, one after the other.
func execute(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(testContext(t), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// run runs one statement and returns its SQLSTATE, or "" if it succeeded.
func run(t testing.TB, conn *pgx.Conn, sql string) string {
	t.Helper()
	_, err := conn.Exec(testContext(t), sql)
	return sqlState(err)
}

// value asks for one value, as text.
func value(t testing.TB, conn *pgx.Conn, sql string) string {
	t.Helper()
	var text *string
	if err := conn.QueryRow(testContext(t), "select ("+sql+")::text").Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if text == nil {
		return "null"
	}
	return *text
}

// sqlState returns the SQLSTATE of an error of the server, "" for none, and
// the error's text if it is not the server's.
func sqlState(err error) string {
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pgErr):
		return pgErr.Code
	default:
		return err.Error()
	}
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-timer.C:
			t.Fatalf("waited too long until %s", what)
		}
	}
}

// running is a statement that is on its way in another goroutine.
type running struct {
	err  error
	done chan struct{}
}

// begin starts a statement; wait returns its SQLSTATE.
func begin(t testing.TB, conn *pgx.Conn, sql string) *running {
	t.Helper()
	ctx := testContext(t)
	r := &running{done: make(chan struct{})}
	go func() { // ends with the statement, at the latest when ctx ends
		defer close(r.done)
		_, r.err = conn.Exec(ctx, sql)
	}()
	return r
}

// listen waits for what an idle session is told, like its end.
func listen(t testing.TB, conn *pgx.Conn) *running {
	t.Helper()
	ctx := testContext(t)
	r := &running{done: make(chan struct{})}
	go func() { // ends with the session, at the latest when ctx ends
		defer close(r.done)
		_, r.err = conn.WaitForNotification(ctx)
	}()
	return r
}

func (r *running) wait() string {
	<-r.done
	return sqlState(r.err)
}

func (r *running) finished() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// sharedFixture makes the tables of the tests that share a leader.
const sharedFixture = `
create table upsert (k int primary key, v text);
create function upsert_replace() returns trigger language plpgsql as $$
begin delete from upsert where k = new.k; return new; end $$;
create trigger replace before insert on upsert for each row execute function upsert_replace();

create table plain (k int primary key, v text);
create table big (k int primary key, n int, v text);
alter table big alter v set storage external;
create table long_key (k text primary key, n int);
alter table long_key alter k set storage external;
create table keyless (a int, b text);
create table generated (k int primary key, twice int generated always as (k * 2) stored);
create table parted (k int primary key, v text) partition by range (k);
create table parted_low partition of parted for values from (0) to (100);
create table parted_high partition of parted for values from (100) to (200);
create table second_key (a int not null, b text unique, c int not null, unique (c, a), unique (a) deferrable);
create table dropped (a int, k int primary key, b text);
alter table dropped drop a;
alter table dropped add c int default 5;
create table held (k int primary key, v int);
create table serial_ish (id int generated always as identity primary key, v text);
create table parent (k int primary key);
create table child (k int primary key, p int references parent deferrable initially deferred);
create sequence alone;
create sequence tens increment 10;
`

// waitUntil asks the server until the answer is true.
func waitUntil(t testing.TB, s *server, sql string) {
	t.Helper()
	conn := s.connect(t)
	for ctx := testContext(t); ; {
		var is *bool
		if err := conn.QueryRow(ctx, sql).Scan(&is); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatalf("waiting for %s: %v", sql, err)
		}
		if is != nil && *is {
			return
		}
	}
}

func pgbench(t testing.TB, s *server, args ...string) string {
	t.Helper()
	cmd := env.command("pgbench", append([]string{"-h", s.dir, "-U", "postgres"}, append(args, "postgres")...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pgbench %v: %v\n%s", args, err, out)
	}
	return string(out)
}
